"""The values of a result folder: what the networks found in a video, before any threshold.

Networks run on key frames; probabilities follow the audio in steps of :data:`STEP` seconds. A track is one
object over time. What is active, under which name, is decided later, see :mod:`seac.results.decide`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP = 0.1
"""Seconds between audio steps; step ``s`` is the audio from ``s * STEP`` to ``(s + 1) * STEP``."""


@dataclass(frozen=True)
class VideoInfo:
    """The source of a result.

    Attributes:
        source: absolute path of the video or still image; it may have moved since.
        audio: absolute path of the file with the audio; None if there is none.
        still: whether ``source`` is a still image, repeated to the end of the audio.
        size: (height, width) of masks in pixels, upright.
        original_size: (height, width) of the frames of the source, upright.
        duration: seconds.
        frame_rate: mean frames per second of the source; 0 of a still image.
        frames: number of frames of the source; 1 of a still image.
    """

    source: str
    audio: str | None
    still: bool
    size: tuple[int, int]
    original_size: tuple[int, int]
    duration: float
    frame_rate: float
    frames: int


@dataclass(frozen=True)
class KeyFrame:
    """A frame on which the networks ran; N masks, best proposal first.

    Attributes:
        index: number of the frame in the source from 0, in order of presentation.
        time: seconds of its presentation.
        cut: whether a new shot begins between the key frame before and this one.
        masks: N masks in COCO's compressed run-length code, see :mod:`seac.results.rle`.
        boxes: (N, 4) float32 xyxy in pixels of ``VideoInfo.size``, x2 and y2 exclusive.
        scores: (N,) float32 objectness in [0, 1].
        similarity: (N,) float32 with the audio at this time.
        probability: (N,) float32 that each mask sounds at this time.
        tracks: (N,) int64, the track of each mask, without duplicates.
        classes: (N,) int64, class of each mask at this time, index of ``VideoResult.labels``.
    """

    index: int
    time: float
    cut: bool
    masks: tuple[bytes, ...]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    similarity: NDArray[np.float32]
    probability: NDArray[np.float32]
    tracks: NDArray[np.int64]
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.masks)


@dataclass(frozen=True)
class AudioSteps:
    """The audio in S steps of :data:`STEP` seconds.

    Attributes:
        level: (S,) float32 dBFS (RMS of the step), at least -120.
        silent: (S,) bool.
        noise: (S,) bool, stationary noise without a source.
        sources: (S, k) int64 likeliest classes of the audio, likeliest first, indices of
            ``VideoResult.audio_labels``; -1 where there are fewer.
        source_probabilities: (S, k) float32.
        key_frame: (S,) int64 position of the key frame whose masks were paired with the step.
        probability: S arrays (N,) float32, probability that each mask of that key frame sounds in the step.
    """

    level: NDArray[np.float32]
    silent: NDArray[np.bool_]
    noise: NDArray[np.bool_]
    sources: NDArray[np.int64]
    source_probabilities: NDArray[np.float32]
    key_frame: NDArray[np.int64]
    probability: tuple[NDArray[np.float32], ...]

    def __len__(self) -> int:
        return len(self.level)


@dataclass(frozen=True)
class StoredTrack:
    """One object over time.

    Attributes:
        id: number of the track from 0.
        start: seconds of its first mask.
        stop: seconds until which its last mask is shown.
        embedding: (d,) float32 of unit length, mean text-space embedding, weighted by probability.
        class_scores: (C,) float32 mean score of each name of ``VideoResult.labels[1:]``, weighted by
            probability; the likeliest names the track.
    """

    id: int
    start: float
    stop: float
    embedding: NDArray[np.float32]
    class_scores: NDArray[np.float32]


@dataclass(frozen=True)
class Span:
    """A time during which something sounds.

    Attributes:
        start: seconds.
        stop: seconds, exclusive.
        probability: greatest probability of the span.
        level: greatest level of the span in dBFS.
    """

    start: float
    stop: float
    probability: float
    level: float


@dataclass(frozen=True)
class DecidedTrack:
    """A track after the decision.

    Attributes:
        id: number of the track.
        name: its name, renamed if the user did so.
        colour: red, green, blue from 0 to 255; the same in every output.
        spans: when it sounds, in order, without overlap; empty for a track that never sounds.
        covered: positions from 0 of key frames in which its mask is not shown, because a
            likelier sounding mask covers it.
    """

    id: int
    name: str
    colour: tuple[int, int, int]
    spans: tuple[Span, ...]
    covered: tuple[int, ...] = ()


@dataclass(frozen=True)
class OffScreen:
    """Audio of which nothing in the frame is the source.

    Attributes:
        name: likeliest class of the audio.
        span: when.
    """

    name: str
    span: Span


@dataclass(frozen=True)
class DecidedVideo:
    """What exports and drawings show.

    Attributes:
        info: the source.
        tracks: tracks that sound at some time, in order of their first span.
        off_screen: audio without a visible source.
        level: (S,) float32 dBFS in steps of :data:`STEP` seconds.
        captions: what the audio is in each step, see :mod:`seac.results.captions`; may be empty.
    """

    info: VideoInfo
    tracks: tuple[DecidedTrack, ...]
    off_screen: tuple[OffScreen, ...]
    level: NDArray[np.float32]
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class FrameMasks:
    """The sounding masks of one frame of the source: what exporters take, frame by frame.

    Attributes:
        index: number of the frame in the source from 0, in order of presentation.
        time: seconds of its presentation.
        duration: seconds until the next frame.
        tracks: (n,) int64 sounding tracks, likeliest first.
        masks: (n, H, W) bool at ``VideoInfo.size``.
        probability: (n,) float32.
        image: (H, W, 3) uint8 RGB upright; None for an exporter that does not need it.
    """

    index: int
    time: float
    duration: float
    tracks: NDArray[np.int64]
    masks: NDArray[np.bool_]
    probability: NDArray[np.float32]
    image: NDArray[np.uint8] | None = None
