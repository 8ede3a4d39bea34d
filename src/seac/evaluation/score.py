"""Score predictions: one pass over the clips computes every protocol, curve and per-clip metric.

Metrics keep sums, so memory grows by a few numbers per clip only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from seac.core.errors import InputError, unknown
from seac.datasets.clip import Clip, Reader, TruthKind
from seac.evaluation.answer import ClipAnswer
from seac.evaluation.attribution import attribute_clip
from seac.evaluation.robustness import Corrupted, RobustAVSBenchClips
from seac.evaluation.summary import ClipScore, MethodResult
from seac.evaluation.timer import ProgressTimer

if TYPE_CHECKING:  # scorers import torchmetrics, which takes seconds
    from seac.evaluation.scorers import Figures, Scorer


def score(
    reader: Reader,
    clips: tuple[Clip, ...],
    answers: Mapping[str, Callable[[Clip], ClipAnswer]],
    timer: ProgressTimer,
    threshold: float,
    copies: Sequence[str] = (),
) -> tuple[MethodResult, ...]:
    """One result per method; the truth of a clip is read once for all methods.

    Args:
        reader: reads the truth.
        clips: the clips to score, in the order of the benchmark (the official F depends on it).
        answers: function from clips to predictions, by the name of the method.
        timer: reports progress and counts seconds.
        threshold: of the protocols with a fixed threshold.
        copies: deviating copies of the protocol to score by as well.

    Raises:
        InputError: a prediction or a truth that cannot be read.
    """
    scorers = {name: scorer_for(reader, threshold, copies) for name in answers}
    rows: dict[str, list[ClipScore]] = {name: [] for name in answers}
    for clip in timer.over(clips, "scoring"):
        truth = reader.truth(clip)
        for name, answer_of in answers.items():
            answer = answer_of(clip)
            with timer.time("scoring"):
                figures, ious = scorers[name].add(clip, answer, truth)
                attribution = attribute_clip(answer, truth, reader.kind, ious)
            rows[name].append(_clip_score(reader, clip, answer, figures, attribution))
    return tuple(_method(name, scorer, rows[name]) for name, scorer in scorers.items())


def _method(name: str, scorer: Scorer, rows: list[ClipScore]) -> MethodResult:
    per_class = scorer.per_class() or by_category(rows)
    return MethodResult(name, scorer.protocols(), per_class, scorer.curves(), tuple(rows))


def scorer_for(reader: Reader, threshold: float, copies: Sequence[str] = ()) -> Scorer:
    """The scorer of a benchmark.

    Raises:
        InputError: an unknown copy, or copies for a benchmark that has none.
    """
    from seac.evaluation.scorers import (
        BoxScorer,
        LabelScorer,
        MaskScorer,
        RobustMaskScorer,
        RobustnessScorer,
    )

    if copies and (isinstance(reader, Corrupted) or reader.kind is not TruthKind.MASKS):
        raise InputError(f"--as is for s4 and ms3, and the benchmark is {reader.name}: leave it out")
    if isinstance(reader, RobustAVSBenchClips):
        return RobustMaskScorer()
    if isinstance(reader, Corrupted):
        return RobustnessScorer(threshold)
    if reader.kind is TruthKind.MASKS:
        return MaskScorer(threshold, copies)
    if reader.kind is TruthKind.LABELS:
        return LabelScorer(reader.classes)
    return BoxScorer(threshold, extended=reader.name == "vggss-extended")


def check_protocol(protocol: str | None, reader: Reader, copies: Sequence[str] = ()) -> None:
    """Refuse a protocol that a benchmark does not have.

    Raises:
        InputError: an unknown protocol; the message lists those of the benchmark. An unknown copy.
    """
    if protocol is None and not copies:
        return
    known = scorer_for(reader, 0.5, copies).names
    if protocol is not None and protocol not in known:
        raise InputError(unknown(f"protocol of {reader.name}", protocol, known))


def by_category(rows: list[ClipScore]) -> Figures:
    """Means of the per-clip metrics by category; empty without categories."""
    found: Figures = {}
    for name in sorted({row.category for row in rows if row.category}):
        chosen = [row.scores for row in rows if row.category == name]
        figures = {}
        for key in ("iou", "fscore", "ciou"):
            values = [scores[key] for scores in chosen if key in scores and not math.isnan(scores[key])]
            if values:
                figures[key] = sum(values) / len(values)
        if figures:
            found[name] = figures
    keys = {key for figures in found.values() for key in figures}
    return {name: figures for name, figures in found.items() if set(figures) == keys}


def _clip_score(
    reader: Reader, clip: Clip, answer: ClipAnswer, figures: dict[str, float], attribution: str | None
) -> ClipScore:
    best = answer.best[~torch.isnan(answer.best)]
    extra = {"oracle": float(best.mean())} if len(best) else {}

    def beside(path: object) -> str:
        return str(path).removeprefix(str(reader.folder)).lstrip("/\\")

    middle = clip.frames[len(clip.frames) // 2]
    return ClipScore(clip.id, clip.category, figures | extra, attribution, beside(middle), beside(clip.audio))
