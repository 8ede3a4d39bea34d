"""Excerpts of an audio track as WAV files, cut in one pass."""

from __future__ import annotations

import math
import wave
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seac.media.audio import decode_audio


@dataclass(frozen=True)
class Excerpt:
    """A part of the audio.

    Attributes:
        path: the file to write.
        start: seconds.
        stop: seconds, exclusive; infinite for all the rest.
        silent_from: seconds from which on there is silence, whatever the audio has.
    """

    path: Path
    start: float
    stop: float
    silent_from: float = math.inf


def write_excerpts(
    source: Path | None, excerpts: Sequence[Excerpt], *, layout: str = "stereo", rate: int = 48_000
) -> None:
    """Write excerpts of the first audio track as 16-bit WAV files; they may overlap.

    An excerpt has exactly the samples of its time; where the audio ends earlier, silence follows. Memory
    holds less than a second of audio, and only the files of current excerpts are open.

    Args:
        source: a media file; without one, all is silence.
        excerpts: what to cut.
        layout: "mono" or "stereo".
        rate: sample rate of the files in Hz.

    Raises:
        InputError: not a media file, no audio track, or an audio track that cannot be decoded.
    """
    waiting = sorted(excerpts, key=lambda excerpt: excerpt.start, reverse=True)
    current: list[_Cut] = []
    position = 0
    channels = {"mono": 1, "stereo": 2}[layout]
    with ExitStack() as stack:
        for chunk in () if source is None else decode_audio(source, layout, rate):
            samples = chunk.to_ndarray()
            end = position + samples.shape[1]
            while waiting and round(waiting[-1].start * rate) < end:
                current.append(stack.enter_context(_Cut(waiting.pop(), channels, rate)))
            for cut in current:
                cut.take(samples, position)
            for cut in [cut for cut in current if cut.stop <= end]:
                cut.close()
                current.remove(cut)
            position = end
            if not waiting and not current:
                return
        for excerpt in waiting:
            _Cut(excerpt, channels, rate).close()


class _Cut:
    """The file of an excerpt while it is written."""

    def __init__(self, excerpt: Excerpt, channels: int, rate: int) -> None:
        self._start = round(excerpt.start * rate)
        self.stop = math.inf if math.isinf(excerpt.stop) else round(excerpt.stop * rate)
        silent_from = excerpt.silent_from
        self._silent_from = math.inf if math.isinf(silent_from) else round(silent_from * rate)
        self._written = 0
        self._channels = channels
        self._open = True
        self._file = wave.open(str(excerpt.path), "wb")  # noqa: SIM115 - closed by close()
        self._file.setnchannels(channels)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)

    def __enter__(self) -> _Cut:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def take(self, samples: NDArray[np.float32], position: int) -> None:
        """Write what of ``samples`` (C, S), from sample ``position`` on, lies within the excerpt."""
        first = max(0, self._start - position)
        last = int(min(samples.shape[1], min(self.stop, self._silent_from) - position))
        if last > first:
            part = np.clip(np.round(samples[:, first:last] * 32767), -32768, 32767)
            self._file.writeframesraw(part.T.astype("<i2").tobytes())
            self._written += last - first

    def close(self) -> None:
        """Fill up with silence and finish the file."""
        if not self._open:
            return
        self._open = False
        if not math.isinf(self.stop):
            missing = int(self.stop) - self._start - self._written
            while missing > 0:
                block = min(missing, 65_536)
                self._file.writeframesraw(bytes(2 * self._channels * block))
                missing -= block
        self._file.close()
