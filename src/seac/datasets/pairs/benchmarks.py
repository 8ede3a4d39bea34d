"""Clips of AVSBench and VGGSound as training pairs of images and audio; ground truth is not read."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from seac.datasets.clip import Clip
from seac.datasets.layout import WHOLE_CLIP
from seac.datasets.pairs.pair import ImageAudioPair, Pair, Sequence, VideoPair
from seac.datasets.table import open_benchmark

SECONDS, FPS = 5.0, 1.0
"""Length of the excerpts and frame rate of AVSBench; both are fixed by the release."""


def s4(folder: Path, split: str) -> list[Pair]:
    """Clips of AVSBench S4: five frames with five seconds of audio."""
    return [pair for clip in open_benchmark("s4", folder, split).clips for pair in excerpt_pairs("s4", clip)]


def ms3(folder: Path, split: str) -> list[Pair]:
    """Clips of AVSBench MS3: five frames with five seconds of audio."""
    return [
        pair for clip in open_benchmark("ms3", folder, split).clips for pair in excerpt_pairs("ms3", clip)
    ]


def avss(folder: Path, split: str) -> list[Pair]:
    """Clips of AVSBench-semantic; clips of ten seconds are split into two of five."""
    return [
        pair for clip in open_benchmark("avss", folder, split).clips for pair in excerpt_pairs("avss", clip)
    ]


def vggsound(folder: Path, split: str) -> list[Pair]:
    """Clips of VGGSound: videos, or a frame with an audio file."""
    return [vggsound_pair(clip) for clip in open_benchmark("vggsound", folder, split).clips]


def excerpt_pairs(kind: str, clip: Clip) -> list[Pair]:
    """A pair for each audio window of the clip, with the frames of this window."""
    parts = [
        list(part)
        for _, part in groupby(zip(clip.frames, clip.audio_windows, strict=True), lambda row: row[1])
    ]
    names = [clip.id] if len(parts) == 1 else [f"{clip.id}/{number}" for number in range(len(parts))]
    return [
        Sequence(
            id=f"{kind}/{name}",
            video_id=clip.video_id,
            label=clip.category,
            images=tuple(path for path, _ in part),
            audio=clip.audio,
            start=0.0 if part[0][1] == WHOLE_CLIP else part[0][1][0],
        )
        for name, part in zip(names, parts, strict=True)
    ]


def vggsound_pair(clip: Clip) -> Pair:
    """A clip of VGGSound as a training pair: a video, or an image with its audio."""
    name, (image,) = f"vggsound/{clip.id}", clip.frames
    if image == clip.audio:
        return VideoPair(name, clip.video_id, clip.category, image)
    return ImageAudioPair(name, clip.video_id, clip.category, image, clip.audio)
