"""Training pairs as paths, and the decoding of their excerpts.

The protocol :class:`Pair` has three implementations: a video, a sequence of frames with an audio file
(AVSBench), and an image with an audio file. Pairs are small values that can be pickled.
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
"""Seconds of audio that are skipped at a time before the excerpt; bounds memory for long files."""


@dataclass(frozen=True)
class ExcerptConfig:
    """Settings of excerpts.

    Attributes:
        seconds: length of the excerpt, taken from the centre of the source.
        fps: frames per second; the first frame is at the start of the excerpt.
        sample_rate: sample rate of the mono waveform in Hz.
        max_side: maximum long side of the images in pixels; larger images are scaled down.
    """

    seconds: float = 5.0
    fps: float = 1.0
    sample_rate: int = SAMPLE_RATE
    max_side: int = MAX_SIDE


@dataclass(frozen=True)
class Excerpt:
    """A decoded excerpt.

    Attributes:
        start: start of the excerpt in the source, in seconds.
        times: times of the images, in seconds from ``start``.
        images: (3, H, W) uint8 RGB each, at least one.
        waveform: (S,) float32 mono in [-1, 1], S at least 1.
    """

    start: float
    times: tuple[float, ...]
    images: tuple[Tensor, ...]
    waveform: Tensor


class Pair(Protocol):
    """Images or a video with audio.

    ``id`` is unique in a store. ``video_id`` is the id of the source video, which exclusion lists use.
    ``label`` is the class name, if the source has one; it is stored and not used in training.
    """

    @property
    def id(self) -> str:
        """Id, unique in a store."""
        ...

    @property
    def video_id(self) -> str:
        """Id of the source video."""
        ...

    @property
    def label(self) -> str | None:
        """Class name, or None."""
        ...

    def excerpt(self, config: ExcerptConfig) -> Excerpt:
        """Decode the excerpt.

        Raises:
            InputError: a file cannot be read.
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
        """See :class:`Pair`; a video shorter than the excerpt is used completely."""
        length = probe(self.video).duration or audio_duration(self.video)
        start = max(0.0, (length - config.seconds) / 2)
        stop = start + config.seconds
        shown = list(frames(self.video, config.fps, config.max_side, start=start, stop=stop))
        waveform = read_audio_between(self.video, start, stop, config.sample_rate)
        return Excerpt(start, tuple(f.time - start for f in shown), tuple(f.image for f in shown), waveform)


@dataclass(frozen=True)
class Sequence:
    """Image files at one frame per second, with the audio of these seconds.

    Attributes:
        id: unique in a store.
        video_id: id of the source video.
        label: class name, or None.
        images: image files in order of time; the first is at ``start``.
        audio: the audio file; one second per image is used, from ``start`` on.
        start: seconds into ``audio``.
    """

    id: str
    video_id: str
    label: str | None
    images: tuple[Path, ...]
    audio: Path
    start: float = 0.0

    def excerpt(self, config: ExcerptConfig) -> Excerpt:
        """See :class:`Pair`; all images are used, regardless of ``config.seconds``."""
        images = tuple(read_image(path, config.max_side) for path in self.images)
        stop = self.start + len(images)
        waveform = read_audio_between(self.audio, self.start, stop, config.sample_rate)
        return Excerpt(self.start, tuple(float(second) for second in range(len(images))), images, waveform)


@dataclass(frozen=True)
class ImageAudioPair:
    """An image with the centre of an audio file."""

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
    """The mono waveform of a file from ``start`` to ``stop`` (seconds): (S,) float32; shorter at its end.

    Raises:
        InputError: the file has no audio, is damaged, or ends before ``start``.
    """
    reader = AudioReader(path, sample_rate)
    skipped = 0.0
    while skipped + STEP < start:
        skipped += STEP
        reader.read(skipped, skipped)
    waveform = reader.read(start, stop)
    if len(waveform) == 0:
        raise InputError(
            f"{path}: has no audio from {start:g} s to {stop:g} s; check that the file is complete"
        )
    return waveform
