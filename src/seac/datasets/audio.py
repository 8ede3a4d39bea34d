"""Audio files of benchmark clips, at their stored sample rate."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from seac.core.errors import InputError
from seac.media.container import audio_stream, open_container
from seac.media.decode import SAMPLE_RATE, load_waveform

SUFFIXES = (".wav", ".flac", ".mp3", ".m4a", ".ogg")


def read_waveform(path: Path) -> tuple[Tensor, int]:
    """The waveform of a file, (S,) float32 mono in [-1, 1], and its sample rate in Hz.

    Raises:
        InputError: the file is missing, empty or damaged, or has no audio.
    """
    rate = _read_rate(path)
    waveform = load_waveform(path, rate)
    if not bool(waveform.isfinite().all()):
        raise InputError(f"{path}: audio holds NaN or infinity; replace the file")
    return waveform.clamp_(-1, 1), rate


def _read_rate(path: Path) -> int:
    """The stored sample rate; a default for missing or empty files, which ``load_waveform`` refuses."""
    if not path.is_file() or path.stat().st_size == 0:
        return SAMPLE_RATE
    with open_container(path) as container:
        stream = audio_stream(container)
        rate = None if stream is None or stream.codec_context is None else stream.rate
        return int(rate) if rate else SAMPLE_RATE
