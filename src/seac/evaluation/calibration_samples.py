"""Frames to fit on: those of a benchmark with their own sound, and with the sound of another class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from seac.datasets.clip import Clip
from seac.decision.fit import Judged, What, judged
from seac.evaluation.robustness import AS_IT_IS, Corrupted, variant_of
from seac.evaluation.scene import Picture, Scene, Sound
from seac.pipeline import SeAC

KINDS: dict[str, What] = {AS_IT_IS: "visible", "another class": "off-screen"}


def wanted(reader: Corrupted) -> tuple[Clip, ...]:
    """The variants that are fitted on; those of one frame stand together."""
    return tuple(clip for clip in reader.clips if variant_of(clip) in KINDS)


def observed(model: SeAC, reader: Corrupted, clips: Iterable[Clip]) -> Iterator[Judged]:
    """Every frame under the model, one at a time; one without a mask or a truth is left out."""
    picture: Picture | None = None
    for clip in clips:
        if picture is None or picture.path != clip.frames[0]:
            picture = Picture(reader, clip, 0)
        what, truth = KINDS[variant_of(clip)], reader.truth(clip)[0]
        scene = Scene(picture, Sound(reader, clip), clip.hears[0], reader.kind, truth, torch.Generator())
        masks, shown = scene.masks(model), truth >= 0.5
        if len(masks) == 0 or bool(shown.any()) != (what == "visible"):
            continue
        result = scene.judged(model)
        evidence = model.evidence(torch.from_numpy(result.similarity), torch.from_numpy(result.scores))
        yield judged(masks, shown, evidence, result.confidence, what, nothing=result.heard.nothing)


def halves(frames: Iterable[Judged]) -> tuple[list[Judged], list[Judged]]:
    """Frames to choose with and frames to report on, in turn; both sounds of a frame go the same way."""
    parts: tuple[list[Judged], list[Judged]] = ([], [])
    seen = -1
    for frame in frames:
        seen += frame.what == "visible"
        parts[max(seen, 0) % 2].append(frame)
    return parts


def described(reader: Corrupted, frames: int) -> dict[str, Any]:
    """What a calibration was made of, for its file."""
    base = reader.reader
    return {"benchmark": base.name, "folder": base.folder.name, "frames": frames}
