"""Number and mean rate of the frames of a video, and its duration, without decoding it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seac.core.errors import InputError
from seac.media.animation import animation_frames, is_animation
from seac.media.clock import Clock
from seac.media.container import open_container, read_packets, video_stream
from seac.media.damage import Damage
from seac.media.presentation import frame_rate, held_end


@dataclass(frozen=True)
class Extent:
    """Extent of a video stream.

    Attributes:
        frames: number of frames.
        duration: seconds from the beginning of the file to the end of the last frame, which stands to the end
            of the audio of the file.
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
    if is_animation(path):
        lengths = [float(frame.duration * frame.time_base) for frame in animation_frames(path)]
        return Extent(len(lengths), sum(lengths), len(lengths) / max(sum(lengths), 1e-3))
    with open_container(path) as container:
        stream = video_stream(container)
        if stream is None:
            raise InputError(f"{path}: has no video stream; give a video")
        clock, rate = Clock.of(container), frame_rate(stream)
        count, end, origin = 0, 0.0, float(clock.origin)
        for packet in read_packets(container, clock, Damage()):
            if packet.stream_index != stream.index or packet.size == 0 or packet.is_discard:
                continue
            count += 1
            if packet.pts is not None and packet.time_base is not None:
                length = float(packet.duration * packet.time_base) if packet.duration else 1 / rate
                end = max(end, float(packet.pts * packet.time_base) - origin + length)
        end = end or count / rate
        return Extent(count, held_end(end, clock.end), count / end if end > 0 else rate)
