"""Number and mean rate of the frames of a video, and its duration, without decoding it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seac.core.errors import InputError
from seac.media.container import clock_origin, open_container, video_stream


@dataclass(frozen=True)
class Extent:
    """Extent of a video stream.

    Attributes:
        frames: number of frames.
        duration: seconds from the beginning of the file to the end of the last frame.
        frame_rate: mean frames per second.
    """

    frames: int
    duration: float
    frame_rate: float


def read_extent(path: Path) -> Extent:
    """Read the extent of a video from its packets.

    Raises:
        InputError: missing, not a media file, or no video in it.
    """
    with open_container(path) as container:
        stream = video_stream(container)
        if stream is None:
            raise InputError(f"{path}: has no video stream; give a video")
        count, end, origin = 0, 0.0, float(clock_origin(container))
        mean = float(stream.average_rate or stream.guessed_rate or 0)
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            count += 1
            if packet.pts is not None and packet.time_base is not None:
                length = float(packet.duration * packet.time_base) if packet.duration else 0.0
                end = max(end, float(packet.pts * packet.time_base) - origin + (length or 1 / (mean or 25)))
        duration = end or (count / mean if mean else 0.0)
        return Extent(count, duration, count / duration if duration > 0 else mean)
