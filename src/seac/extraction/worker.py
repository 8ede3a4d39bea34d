"""Extraction of one clip, the same in every engine: decode, propose, embed masks, encode audio, serialise."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from torch import Tensor

from seac.associate.embed import embed_masks
from seac.core.errors import InputError
from seac.core.types import version_of
from seac.datasets.pairs.pair import Excerpt, ExcerptConfig, Pair
from seac.encoders.audio.windows import encode_windows
from seac.features.clip_features import (
    ClipFeatures,
    FrameFeatures,
    as_float,
    as_int16,
    embeddings_to_float16,
    encode_masks,
    windows_to_float16,
)
from seac.features.manifest import StoreProvenance
from seac.features.schema import payload
from seac.pipeline import SeAC
from seac.segment.base import best_of

STAGES = ("decode", "proposals", "embedding", "audio", "encode")
"""Timed steps of a clip; ``encode`` serialises the features into bytes."""


@dataclass(frozen=True)
class Recipe:
    """Extraction settings; picklable, so that they can be sent to other processes and machines.

    Attributes:
        build: picklable function that returns the model for ``device=``.
        preset: name of the preset that ``build`` loads.
        device: device of the networks.
        seconds: length of the excerpt from the centre of a clip.
        fps: frames per second.
        class_probabilities: whether class probabilities are stored; zero-shot association needs them.
    """

    build: Callable[..., SeAC]
    preset: str = "tiny"
    device: str = "cpu"
    seconds: float = 5.0
    fps: float = 1.0
    class_probabilities: bool = True

    def provenance_of(self, model: SeAC) -> StoreProvenance:
        """Return the settings and versions that determine the features; speed settings are excluded."""
        stages, constants = model.stages, model.settings
        parts = {name: version_of(getattr(stages, name)) for name in ("segmenter", "vision", "audio")}
        views = {name: value for name, value in asdict(constants.views).items() if name != "batch"}
        settings = {
            "top_n": constants.top_n,
            "exact": constants.exact,
            "max_side": constants.max_side,
            "seconds": self.seconds,
            "fps": self.fps,
            "class_probabilities": self.class_probabilities,
            **{f"views.{name}": value for name, value in views.items()},
        }
        by = {**parts, **{name: _to_string(value) for name, value in settings.items()}}
        return StoreProvenance(by, self.preset, stages.vision.dim, stages.audio.dim, stages.audio.sample_rate)


@dataclass(frozen=True)
class Outcome:
    """Result of one clip.

    Attributes:
        id: id of the clip.
        content: bytes of the feature file; None if the clip could not be read.
        reason: why the clip could not be read; empty otherwise.
        frames: number of frames.
        seconds: wall-clock seconds per stage.
        cpu: CPU seconds of this process per stage; unaffected by other processes on the machine.
    """

    id: str
    content: bytes | None
    reason: str = ""
    frames: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)


class Clock:
    """Accumulates wall-clock and CPU seconds per stage."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self.cpu = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the time of a block to ``stage``."""
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - wall_start
            self.cpu[stage] += time.process_time() - cpu_start


class Extractor:
    """Holds the model and maps pairs to outcomes.

    Args:
        recipe: extraction settings.
        model: the recipe's model, if it is already loaded.
    """

    def __init__(self, recipe: Recipe, model: SeAC | None = None) -> None:
        self.recipe = recipe
        self.model = model or recipe.build(device=recipe.device)
        settings, audio = self.model.settings, self.model.stages.audio
        self.excerpt_config = ExcerptConfig(recipe.seconds, recipe.fps, audio.sample_rate, settings.max_side)

    def __call__(self, pair: Pair) -> Outcome:
        """Return the features of a pair, or the reason why it is unreadable; only bugs raise."""
        clock = Clock()
        try:
            with clock("decode"):
                excerpt = pair.excerpt(self.excerpt_config)
        except Exception as error:  # decoders raise many types; each means that the clip is unreadable
            return Outcome(pair.id, None, _line(error), 0, clock.seconds, clock.cpu)
        try:
            features = self.features(pair, excerpt, clock)
        except InputError as error:
            return Outcome(pair.id, None, _line(error), 0, clock.seconds, clock.cpu)
        with clock("encode"):
            content = payload(features)
        return Outcome(pair.id, content, "", len(features.frames), clock.seconds, clock.cpu)

    def features(self, pair: Pair, excerpt: Excerpt, clock: Clock) -> ClipFeatures:
        """Compute the frozen features of a clip.

        Raises:
            InputError: a network returns values that are not finite.
        """
        frames = [
            self._frame(image, moment, clock)
            for image, moment in zip(excerpt.images, excerpt.times, strict=True)
        ]
        waveform = as_int16(excerpt.waveform)
        with clock("audio"):  # what is stored is what is heard: training hears mixtures of the same samples
            windows = windows_to_float16(encode_windows(as_float(waveform), self.model.stages.audio))
        return ClipFeatures(
            pair.id, pair.video_id, pair.label, excerpt.start, tuple(frames), waveform, windows
        )

    def _frame(self, image: Tensor, moment: float, clock: Clock) -> FrameFeatures:
        settings = self.model.settings
        with clock("proposals"):
            proposals = best_of(self.model.stages.segmenter, image, settings.top_n)
        with clock("embedding"):
            views = embed_masks(
                image, proposals.masks, proposals.boxes, self.model.stages.vision, settings.views,
                exact=settings.exact,
            )  # fmt: skip
            embeddings = embeddings_to_float16(views, class_probabilities=self.recipe.class_probabilities)
        with clock("encode"):
            codes = encode_masks(proposals.masks)
        height, width = image.shape[-2:]
        boxes, scores = proposals.boxes.float().cpu(), proposals.scores.float().cpu()
        return FrameFeatures(moment, (height, width), boxes, scores, codes, embeddings)


def _to_string(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _line(error: Exception) -> str:
    """Return an error message as one line."""
    message = " ".join(str(error).split())[:300]
    return message if isinstance(error, InputError) else f"{type(error).__name__}: {message}"
