"""The metrics of a model on clips, without files: for validation during training and for ablations."""

from __future__ import annotations

from seac.datasets.clip import Clip, Reader
from seac.evaluation.answer import ClipAnswer
from seac.evaluation.cached_model import EncodingCache
from seac.evaluation.methods import Model
from seac.evaluation.predict import answer_clip
from seac.evaluation.score import score
from seac.evaluation.summary import MethodResult
from seac.evaluation.timer import ProgressTimer
from seac.pipeline import SeAC


def score_model(reader: Reader, clips: tuple[Clip, ...], model: SeAC, *, seed: int = 0) -> MethodResult:
    """A model's metrics on clips; nothing is written."""
    method = Model("model", model)

    def answer_of(clip: Clip) -> ClipAnswer:
        return answer_clip(reader, clip, [method], {}, EncodingCache(), seed)[0]

    (row,) = score(
        reader, tuple(clip.annotated() for clip in clips), {method.name: answer_of}, ProgressTimer(), 0.5
    )
    return row
