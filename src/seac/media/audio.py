"""Decoding of audio tracks into one sample format, aligned with the timestamps of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np

from seac.core.errors import InputError
from seac.media.clock import MAX_GAP, Clock
from seac.media.container import audio_stream, decode_stream, open_container
from seac.media.damage import Damage
from seac.media.downmix import Downmix

JITTER = 0.05
"""Seconds by which a timestamp may exceed the duration of the samples before it without counting as a gap."""


def decode_audio(path: Path, layout: str, rate: int, damage: Damage | None = None) -> Iterator[av.AudioFrame]:
    """Decode the default audio track into short planar float frames ("fltp"), from the beginning of the file.

    Silence fills the time before a late start and all gaps, so that the index of a sample gives its time.
    Channels and sample rate of the track may change within the file. Damaged packets are left out.

    Args:
        path: the file.
        layout: channel layout of the output, "mono" or "stereo".
        rate: sample rate of the output in Hz.
        damage: filled with what is damaged.

    Raises:
        InputError: not a media file, no audio track, or an audio track of which no packet can be decoded.
    """
    with open_container(path) as container:
        stream = audio_stream(container)
        if stream is None:
            raise InputError(f"{path}: has no audio track; give an audio file with --audio FILE")
        clock = Clock.of(container)
        decoded = decode_stream(container, stream, path, clock, damage or Damage())
        yield from align_to_clock(decoded, clock.origin, layout, rate)


def align_to_clock(
    frames: Iterable[av.AudioFrame], origin: Fraction, layout: str, rate: int
) -> Iterator[av.AudioFrame]:
    """Convert decoded frames as :func:`decode_audio` does; ``origin`` is the timestamp of the beginning."""
    downmix = Downmix() if layout == "mono" else None
    resampler: av.AudioResampler | None = None
    sample_format: tuple[str, str, int] | None = None
    written, start = 0, float(origin)
    for frame in frames:
        before: Iterable[av.AudioFrame] = ()
        position = (frame.pts * float(frame.time_base) - start) * rate if frame.pts is not None else written
        has_gap = position - written > (1 if resampler is None else JITTER * rate)
        previous, sample_format = sample_format, (frame.format.name, frame.layout.name, frame.sample_rate)
        if has_gap or sample_format != previous:  # a resampler takes one format and buffers samples
            buffered = _flush(resampler)
            gap = round(position) - written - sum(part.samples for part in buffered) if has_gap else 0
            start += max(0, gap - MAX_GAP * rate) / rate
            before = chain(buffered, _generate_silence(min(gap, MAX_GAP * rate), layout, rate))
            resampler = av.AudioResampler("fltp", layout, rate)
        assert resampler is not None
        frame.pts = None
        mixed = frame if downmix is None else downmix(frame)
        for part in chain(before, resampler.resample(mixed)):
            written += part.samples
            yield part
    yield from _flush(resampler)


def _flush(resampler: av.AudioResampler | None) -> list[av.AudioFrame]:
    """The frames that a resampler still buffers; a resampler that converts nothing returns None for them."""
    return [part for part in resampler.resample(None) if part is not None] if resampler else []


def _generate_silence(samples: int, layout: str, rate: int) -> Iterator[av.AudioFrame]:
    """Silence of ``samples`` samples in frames of at most one second."""
    channels = av.AudioLayout(layout).nb_channels
    for first in range(0, samples, rate):
        zeros = np.zeros((channels, min(rate, samples - first)), np.float32)
        frame = av.AudioFrame.from_ndarray(zeros, "fltp", layout)
        frame.sample_rate = rate
        yield frame
