"""``--window``: each frame hears only the seconds around it, as a video's frames do."""

from __future__ import annotations

from dataclasses import replace

from seac.core.errors import InputError
from seac.datasets.clip import Clip, Reader, TruthKind


def with_audio_window(clip: Clip, seconds: float | None) -> Clip:
    """The whole clip, one frame a second, each frame hearing the sound around it; None changes nothing.

    It must come before frames are chosen: a frame's second is its place among all frames.
    """
    if seconds is None:
        return clip
    half = seconds / 2
    centres = (second + 0.5 for second in range(len(clip.frames)))
    return replace(clip, audio_windows=tuple((max(0.0, centre - half), centre + half) for centre in centres))


def check_timed(reader: Reader, seconds: float | None) -> None:
    """Refuse a window where a clip is a still, whose second is not known.

    Raises:
        InputError: it is.
    """
    if seconds is not None and reader.kind is TruthKind.BOXES:
        raise InputError(
            f"--window does not go with {reader.name} in {reader.folder}: its clips are single "
            "images of an unknown second: leave it out"
        )
