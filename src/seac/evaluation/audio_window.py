"""``--window``: audio of each frame is limited to the seconds around it, as in video prediction."""

from __future__ import annotations

from dataclasses import replace

from seac.core.errors import InputError
from seac.datasets.clip import Clip, Reader, TruthKind


def with_audio_window(clip: Clip, seconds: float | None) -> Clip:
    """The whole clip at one frame per second, each with the audio window around it; None changes nothing.

    Apply this before frames are selected: the time of a frame is its index among all frames, in seconds.
    """
    if seconds is None:
        return clip
    half = seconds / 2
    centres = (second + 0.5 for second in range(len(clip.frames)))
    return replace(clip, audio_windows=tuple((max(0.0, centre - half), centre + half) for centre in centres))


def check_timed(reader: Reader, seconds: float | None) -> None:
    """Refuse a window for clips of a single image, whose time is unknown.

    Raises:
        InputError: the clips are single images.
    """
    if seconds is not None and reader.kind is TruthKind.BOXES:
        raise InputError(
            f"--window does not go with {reader.name} in {reader.folder}: its clips are single "
            "images of an unknown second: leave it out"
        )
