"""Opening of media files, their tracks, and the packets and frames of one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import av
from av.error import FFmpegError
from av.stream import Disposition, Stream

from seac.core.errors import InputError
from seac.media.clock import Clock
from seac.media.damage import Damage

# Tags that are not UTF-8 stop no file from being read. From 19 on PyAV reads them so by itself.
LENIENT: dict[str, str] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
NO_FILM = int(Disposition.attached_pic) | int(Disposition.timed_thumbnails)
"""Video tracks that are no film: cover art, and previews of chapters."""
HEADERS = {"mov", "mp4", "matroska", "webm", "avi", "asf", "flv", "wav", "w64", "aiff", "flac", "caf"}
"""Formats whose header names the duration; of others it is an estimate."""
MAX_BROKEN = 100
"""Reads in a row that may fail before the file counts as ended."""

Track = TypeVar("Track", bound=Stream)


def media_url(path: Path) -> str:
    """The path for FFmpeg, which takes what is before a colon for a protocol."""
    return f"file:{path}"


@contextmanager
def open_container(path: Path) -> Iterator[av.container.InputContainer]:
    """Open the container of a media file; it is closed at the end of the block.

    Raises:
        InputError: missing, no regular file, empty, not a media file, or damaged (raised by the block).
    """
    check_file(path)
    try:
        container = av.open(media_url(path), **LENIENT)
    except (FFmpegError, ValueError, OSError):
        raise InputError(f"{path}: not a readable media file; check that the file is complete") from None
    with container:
        try:
            yield container
        except (FFmpegError, MemoryError):  # sizes in a damaged header exceed the memory
            raise InputError(f"{path}: damaged, its packets cannot be read; repair the file") from None


def check_file(path: Path) -> None:
    """Check that a path is a file with content.

    Raises:
        InputError: missing, a directory, a pipe or device, or empty.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a directory; give a media file")
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")
    if not path.is_file():
        raise InputError(f"{path}: is a pipe or device, which can be read only once; give a regular file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty (0 bytes); give a media file")


def video_stream(container: av.container.InputContainer) -> av.VideoStream | None:
    """The video track that players choose; cover art of an audio file does not count."""
    videos = [each for each in container.streams.video if not int(each.disposition) & NO_FILM]
    return _default(videos)


def audio_stream(container: av.container.InputContainer) -> av.AudioStream | None:
    """The audio track that players choose."""
    return _default(container.streams.audio)


def _default(tracks: Sequence[Track]) -> Track | None:
    """The first track marked as default, else the first one; those that can be decoded come first."""
    able = [track for track in tracks if track.codec_context is not None]
    marked = (track for track in able if int(track.disposition) & int(Disposition.default))
    return next(marked, next(iter(able or tracks), None))


def track_notes(name: str, container: av.container.InputContainer) -> tuple[str, ...]:
    """Which track is used, of a file with several of a kind.

    Args:
        name: of the file.
        container: the file.
    """
    videos = [each for each in container.streams.video if not int(each.disposition) & NO_FILM]
    rows: tuple[tuple[str, Sequence[Stream], Stream | None], ...] = (
        ("video", videos, video_stream(container)),
        ("audio", container.streams.audio, audio_stream(container)),
    )
    return tuple(
        f"{name} has {len(tracks)} {kind} tracks; number {list(tracks).index(used) + 1} is used"
        for kind, tracks, used in rows
        if used is not None and len(tracks) > 1
    )


def decode_video(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    path: Path,
    clock: Clock,
    damage: Damage | None = None,
) -> Iterator[av.VideoFrame]:
    """Decode a video stream to its end, by the clock of the file; damaged packets are left out.

    Raises:
        InputError: no packet can be decoded.
    """
    stream.thread_type = "AUTO"
    yield from decode_stream(container, stream, path, clock, damage or Damage())


def decode_stream(
    container: av.container.InputContainer, stream: Any, path: Path, clock: Clock, damage: Damage
) -> Iterator[Any]:
    """Decode a stream to its end.

    Args:
        container: the file.
        stream: one of its video or audio streams.
        path: of the file, for messages.
        clock: corrects timestamps.
        damage: counts packets that cannot be decoded, and frames with faults.

    Raises:
        InputError: no packet can be decoded.
    """
    kind, given, broken = stream.type, False, None
    own = (packet for packet in read_packets(container, clock, damage) if packet.stream_index == stream.index)
    for packet in own:
        try:
            frames = packet.decode()
        except EOFError:  # the decoder was emptied already
            break
        except FFmpegError as error:
            broken = error
            damage.count(kind)
            continue
        for frame in frames:
            given = True
            if frame.is_corrupt:
                damage.count(kind)
            yield frame
    if broken is not None and not given:
        raise InputError(f"{path}: {kind} cannot be decoded ({broken.strerror}); repair the file") from None


def read_packets(container: av.container.InputContainer, clock: Clock, damage: Damage) -> Iterator[av.Packet]:
    """Packets of the tracks that players choose, in the order of the file, by one clock.

    Both tracks are read whichever is decoded, so that all readers of a file have the same clock. The last
    packet of each track is empty: it asks the decoder for what it holds.

    Args:
        container: the file.
        clock: corrects timestamps.
        damage: told if the file ends before its header says.
    """
    tracks = [each for each in (video_stream(container), audio_stream(container)) if each is not None]
    if not tracks:
        return
    failed, packets = 0, container.demux(tracks)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            failed += 1
            if failed > MAX_BROKEN:
                break
            packets = container.demux(tracks)  # the demuxer goes on behind the damage
            continue
        if packet is None:
            break
        if packet.size:
            failed = 0
            if not packet.is_discard:
                clock.correct(packet)
        else:
            damage.jumps = clock.jumps
            # Some headers count from 0, and not from the first timestamp.
            damage.compare_ends(stated_duration(container), clock.end + max(0.0, float(clock.origin)))
        yield packet


def stated_duration(container: av.container.InputContainer) -> float:
    """Seconds that the header of a file names; 0 of formats without one."""
    if container.duration is None or not HEADERS & set(container.format.name.split(",")):
        return 0.0
    return float(container.duration / av.time_base)
