"""The sound of a clip, at the rate it is stored with."""

from __future__ import annotations

from pathlib import Path

import av
from av.error import FFmpegError
from torch import Tensor

from seac.core.errors import InputError
from seac.media.decode import SAMPLE_RATE, load_waveform

SUFFIXES = (".wav", ".flac", ".mp3", ".m4a", ".ogg")


def read_waveform(path: Path) -> tuple[Tensor, int]:
    """The whole sound of a file: (S,) float32 mono in [-1, 1], and its sample rate in Hz.

    Raises:
        InputError: missing, empty, broken, without sound or without length; the line names the file.
    """
    rate = _rate(path)
    waveform = load_waveform(path, rate)
    if not bool(waveform.isfinite().all()):
        raise InputError(f"{path}: holds NaN or infinity; write the sound again")
    return waveform.clamp_(-1, 1), rate


def _rate(path: Path) -> int:
    """The stored rate; for a file that cannot be opened, one with which ``load_waveform`` says why."""
    if not path.is_file() or path.stat().st_size == 0:
        return SAMPLE_RATE
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            stream = next(iter(container.streams.audio), None)
            return int(stream.rate) if stream is not None and stream.rate else SAMPLE_RATE
    except (FFmpegError, ValueError, OSError):
        raise InputError(f"{path}: not a sound file that can be read; is the file whole?") from None
