"""Samples for calibration: frames of a benchmark with their own and with off-screen audio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from seac.datasets.clip import Clip
from seac.decision.fit import Sample, SampleType, build_sample
from seac.evaluation.cached_model import EncodingCache
from seac.evaluation.robustness import UNCHANGED, Corrupted, variant_of
from seac.evaluation.scene import Scene, SceneAudio, SceneImage
from seac.pipeline import SeAC

SAMPLE_TYPES: dict[str, SampleType] = {UNCHANGED: "visible", "another class": "off-screen"}


def calibration_clips(reader: Corrupted) -> tuple[Clip, ...]:
    """The variants to fit on; variants of one frame are adjacent."""
    return tuple(clip for clip in reader.clips if variant_of(clip) in SAMPLE_TYPES)


def collect_samples(model: SeAC, reader: Corrupted, clips: Iterable[Clip]) -> Iterator[Sample]:
    """Yield a sample per clip; clips without proposals or without truth are left out."""
    cache = EncodingCache()
    image: SceneImage | None = None
    for clip in clips:
        if image is None or image.path != clip.frames[0]:
            image = SceneImage(reader, clip, 0)
        cache.retain([image.path])
        sample_type, truth = SAMPLE_TYPES[variant_of(clip)], reader.truth(clip)[0]
        audio, window = SceneAudio(reader, clip), clip.audio_windows[0]
        scene = Scene(image, audio, window, reader.kind, truth, torch.Generator(), cache)
        masks, active = scene.masks(model), truth >= 0.5
        if len(masks) == 0 or bool(active.any()) != (sample_type == "visible"):
            continue
        result = scene.predict(model)
        logits = scene.logits(model)
        yield build_sample(
            masks, active, logits, result.confidence, sample_type, inactive=result.audio_summary.inactive
        )


def halves(frames: Iterable[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Alternating samples for fitting and for reporting; all samples of a frame are in one half."""
    parts: tuple[list[Sample], list[Sample]] = ([], [])
    visible = -1
    for frame in frames:
        visible += frame.sample_type == "visible"
        parts[max(visible, 0) % 2].append(frame)
    return parts


def describe(reader: Corrupted, frames: int) -> dict[str, Any]:
    """Provenance of a calibration, stored in its file."""
    base = reader.reader
    return {"benchmark": base.name, "folder": base.folder.name, "frames": frames}
