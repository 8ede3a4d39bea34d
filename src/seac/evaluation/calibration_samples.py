"""Frames to fit on: those of a benchmark with their own sound, and with the sound of another class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from seac.datasets.clip import Clip
from seac.decision.fit import Sample, SampleType, build_sample
from seac.decision.sounding import mask_logits
from seac.evaluation.robustness import UNCHANGED, Corrupted, variant_of
from seac.evaluation.scene import CachedAudio, CachedImage, Scene
from seac.pipeline import SeAC

SAMPLE_TYPES: dict[str, SampleType] = {UNCHANGED: "visible", "another class": "off-screen"}


def calibration_clips(reader: Corrupted) -> tuple[Clip, ...]:
    """The variants that are fitted on; those of one frame stand together."""
    return tuple(clip for clip in reader.clips if variant_of(clip) in SAMPLE_TYPES)


def collect_samples(model: SeAC, reader: Corrupted, clips: Iterable[Clip]) -> Iterator[Sample]:
    """Every frame under the model, one at a time; one without a mask or a truth is left out."""
    image: CachedImage | None = None
    for clip in clips:
        if image is None or image.path != clip.frames[0]:
            image = CachedImage(reader, clip, 0)
        sample_type, truth = SAMPLE_TYPES[variant_of(clip)], reader.truth(clip)[0]
        scene = Scene(
            image, CachedAudio(reader, clip), clip.audio_windows[0], reader.kind, truth, torch.Generator()
        )
        masks, active = scene.masks(model), truth >= 0.5
        if len(masks) == 0 or bool(active.any()) != (sample_type == "visible"):
            continue
        result = scene.predict(model)
        logits = mask_logits(
            torch.from_numpy(result.similarity), torch.from_numpy(result.scores), model.settings.objectness
        )
        yield build_sample(
            masks, active, logits, result.confidence, sample_type, inactive=result.audio_summary.inactive
        )


def halves(frames: Iterable[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Frames to choose with and frames to report on, in turn; both sounds of a frame go the same way."""
    parts: tuple[list[Sample], list[Sample]] = ([], [])
    visible = -1
    for frame in frames:
        visible += frame.sample_type == "visible"
        parts[max(visible, 0) % 2].append(frame)
    return parts


def describe(reader: Corrupted, frames: int) -> dict[str, Any]:
    """What a calibration was made of, for its file."""
    base = reader.reader
    return {"benchmark": base.name, "folder": base.folder.name, "frames": frames}
