"""A file's sound in one form and in step with its clock, whatever the track does on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from seac.core.errors import InputError
from seac.media.container import opened, origin_of

JITTER = 0.05
"""Seconds by which a track's clock may run ahead of its samples before that counts as a hole."""

LONGEST = 3600
"""Seconds of silence at most for one hole: a clock that leaps further is broken, and goes on from there."""


def decode_audio(path: Path, layout: str, rate: int) -> Iterator[av.AudioFrame]:
    """The first sound track in small pieces of float planes ("fltp"), from the beginning of the file on.

    A track that starts late is preceded by silence, and silence fills its holes, so a sample's place is its
    time. Channels and rate of the track may change.

    Args:
        path: the file.
        layout: channels of the pieces, "mono" or "stereo".
        rate: Hz of the pieces.

    Raises:
        InputError: not a media file, without sound, or its sound breaks off.
    """
    with opened(path) as container:
        stream = next(iter(container.streams.audio), None)
        if stream is None:
            raise InputError(f"{path}: has no sound; give one with --audio FILE")
        try:
            yield from _in_step(container.decode(stream), origin_of(container), layout, rate)
        except FFmpegError as error:
            raise InputError(f"{path}: its sound breaks off ({error.strerror}); repair the file") from None


def _in_step(
    frames: Iterable[av.AudioFrame], origin: Fraction, layout: str, rate: int
) -> Iterator[av.AudioFrame]:
    resampler: av.AudioResampler | None = None
    form: tuple[str, str, int] | None = None
    given = 0
    for frame in frames:
        before: Iterable[av.AudioFrame] = ()
        position = (frame.pts * frame.time_base - origin) * rate if frame.pts is not None else given
        late = position - given > (1 if resampler is None else JITTER * rate)
        was, form = form, (frame.format.name, frame.layout.name, frame.sample_rate)
        if late or form != was:  # a resampler knows one form only, and holds back samples from before a hole
            rest = _rest(resampler)
            hole = round(position) - given - sum(part.samples for part in rest) if late else 0
            origin += Fraction(max(0, hole - LONGEST * rate), rate)
            before = chain(rest, _silence(min(hole, LONGEST * rate), layout, rate))
            resampler = av.AudioResampler("fltp", layout, rate)
        assert resampler is not None
        frame.pts = None
        for part in chain(before, resampler.resample(frame)):
            given += part.samples
            yield part
    yield from _rest(resampler)


def _rest(resampler: av.AudioResampler | None) -> list[av.AudioFrame]:
    """What a resampler holds back; one with nothing to convert holds nothing, and says so by a None."""
    return [part for part in resampler.resample(None) if part is not None] if resampler else []


def _silence(samples: int, layout: str, rate: int) -> Iterator[av.AudioFrame]:
    """A second at a time."""
    channels = av.AudioLayout(layout).nb_channels
    for first in range(0, samples, rate):
        zeros = np.zeros((channels, min(rate, samples - first)), np.float32)
        frame = av.AudioFrame.from_ndarray(zeros, "fltp", layout)
        frame.sample_rate = rate
        yield frame
