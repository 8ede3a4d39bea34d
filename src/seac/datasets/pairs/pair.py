"""A training pair: some seconds of pictures with their sound, as paths; opened only when asked for.

Three kinds of pair answer to one protocol: a film, a sequence of frames with a wave file (AVSBench), and a
photograph with a sound. All are small values, so they travel to other processes and machines as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from seac.core.errors import InputError
from seac.media.decode import SAMPLE_RATE, AudioReader, frames, probe
from seac.media.image import MAX_SIDE, read_image
from seac.media.sources import audio_duration

STEP = 60.0
"""Seconds of sound that are skipped at a time on the way to the excerpt; bounds memory for long films."""


@dataclass(frozen=True)
class ExcerptConfig:
    """How an excerpt is made.

    Attributes:
        seconds: length of the excerpt; it is taken from the centre.
        fps: pictures per second, the first one at the excerpt's beginning.
        sample_rate: Hz of the mono sound.
        max_side: long side in pixels that pictures are scaled down to.
    """

    seconds: float = 5.0
    fps: float = 1.0
    sample_rate: int = SAMPLE_RATE
    max_side: int = MAX_SIDE


@dataclass(frozen=True)
class Excerpt:
    """An excerpt, decoded.

    Attributes:
        start: seconds into the source at which it begins.
        times: of the pictures, in seconds from ``start``.
        images: (3, H, W) uint8 RGB each, at least one.
        waveform: (S,) float32 mono in [-1, 1], S at least 1.
    """

    start: float
    times: tuple[float, ...]
    images: tuple[Tensor, ...]
    waveform: Tensor


class Pair(Protocol):
    """Something seen with something heard.

    ``id`` is unique in a store, ``video_id`` names the video it comes from (what exclusion lists speak of),
    ``label`` is its class where the source has one: kept for the record, never used in training.
    """

    @property
    def id(self) -> str:
        """Unique in a store."""
        ...

    @property
    def video_id(self) -> str:
        """Of the source video."""
        ...

    @property
    def label(self) -> str | None:
        """Class name, or None."""
        ...

    def excerpt(self, config: ExcerptConfig) -> Excerpt:
        """Decode it.

        Raises:
            InputError: it cannot be read; the line says why.
        """
        ...


@dataclass(frozen=True)
class VideoPair:
    """The centre of a video file."""

    id: str
    video_id: str
    label: str | None
    video: Path

    def excerpt(self, config: ExcerptConfig) -> Excerpt:
        """See :class:`Pair`; a film that is shorter than the cut is taken whole."""
        length = probe(self.video).duration or audio_duration(self.video)
        start = max(0.0, (length - config.seconds) / 2)
        stop = start + config.seconds
        shown = list(frames(self.video, config.fps, config.max_side, start=start, stop=stop))
        waveform = read_audio_between(self.video, start, stop, config.sample_rate)
        return Excerpt(start, tuple(f.time - start for f in shown), tuple(f.image for f in shown), waveform)


@dataclass(frozen=True)
class Sequence:
    """Picture files that were taken once a second, with the sound of those seconds.

    Attributes:
        id: unique in a store.
        video_id: of the source video.
        label: class name, or None.
        images: in order of time; the first is shown at ``start``.
        audio: the file that is heard from ``start`` on, for as many seconds as there are pictures.
        start: seconds into ``audio``.
    """

    id: str
    video_id: str
    label: str | None
    images: tuple[Path, ...]
    audio: Path
    start: float = 0.0

    def excerpt(self, config: ExcerptConfig) -> Excerpt:
        """See :class:`Pair`; all pictures are taken, whatever the cut's length."""
        images = tuple(read_image(path, config.max_side) for path in self.images)
        stop = self.start + len(images)
        waveform = read_audio_between(self.audio, self.start, stop, config.sample_rate)
        return Excerpt(self.start, tuple(float(second) for second in range(len(images))), images, waveform)


@dataclass(frozen=True)
class ImageAudioPair:
    """A picture with the centre of a sound."""

    id: str
    video_id: str
    label: str | None
    image: Path
    audio: Path

    def excerpt(self, config: ExcerptConfig) -> Excerpt:
        """See :class:`Pair`."""
        image = read_image(self.image, config.max_side)
        start = max(0.0, (audio_duration(self.audio) - config.seconds) / 2)
        waveform = read_audio_between(self.audio, start, start + config.seconds, config.sample_rate)
        return Excerpt(start, (0.0,), (image,), waveform)


def read_audio_between(path: Path, start: float, stop: float, sample_rate: int) -> Tensor:
    """Mono sound of a file from ``start`` to ``stop`` (seconds): (S,) float32; shorter at the file's end.

    Raises:
        InputError: no sound, broken, or none left at ``start``.
    """
    reader = AudioReader(path, sample_rate)
    passed = 0.0
    while passed + STEP < start:
        passed += STEP
        reader.read(passed, passed)
    waveform = reader.read(start, stop)
    if len(waveform) == 0:
        raise InputError(f"{path}: has no sound from {start:g} s to {stop:g} s; is the file whole?")
    return waveform
