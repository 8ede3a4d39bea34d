"""Inputs of the command line: a video, an image with an audio file, or a folder of either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seac.core.errors import InputError
from seac.media.container import check_file
from seac.media.damage import Damage
from seac.media.decode import AudioReader, Frame, Media, check_fps, frames, probe
from seac.media.extent import read_extent
from seac.media.image import ImageKind, image_kind, page_notes, read_image, read_image_size
from seac.media.presentation import timed_frames

# fmt: off
IMAGE_SUFFIXES = frozenset((
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif", ".ppm",
    ".pgm", ".pbm", ".apng", ".avif", ".jp2", ".j2k",
))
VIDEO_SUFFIXES = frozenset((
    ".mp4", ".webm", ".mov", ".mkv", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".ogv", ".flv", ".wmv", ".3gp",
    ".3g2", ".mts", ".m2ts", ".m2t", ".vob", ".f4v", ".asf", ".mxf", ".qt", ".divx", ".dv", ".ogm", ".mpe",
    ".m2v", ".m1v", ".tod", ".rm", ".rmvb", ".insv", ".lrv", ".amv", ".nut", ".y4m", ".ivf", ".wtv",
))
AUDIO_SUFFIXES = frozenset((
    ".wav", ".mp3", ".ogg", ".flac", ".m4a", ".aac", ".opus", ".oga", ".wma", ".aif", ".aiff", ".ac3",
    ".eac3", ".dts", ".amr", ".caf", ".w64", ".mka", ".weba", ".m4b", ".mp2", ".spx", ".wv", ".ape", ".au",
))
# fmt: on
"""Suffixes by which files are sorted in a folder without opening them; others are told by their content."""
NO_MEDIA = {"tty", "srt", "webvtt", "ass", "lrc", "bin", "subviewer", "microdvd", "ffmetadata"}
"""Formats as which texts are taken."""
DIFFERENCE = 0.5
"""Seconds by which audio and video may differ in length without a word."""
STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Source:
    """A video, a stream, or an image with audio, probed once.

    Attributes:
        image: a video, or a still image; the address of a stream.
        audio: the file with the audio, which is the video itself unless another is given; None for none.
        still: whether ``image`` is a still image.
        duration: seconds of the video, or of the audio beside a still image; 0 where no container says.
        live: address of a stream that can be read only once; empty for files.
        notes: what the user should know about the source, one line each.
    """

    image: Path
    audio: Path | None
    still: bool
    duration: float
    live: str = ""
    notes: tuple[str, ...] = ()


def resolve_source(path: str | Path, audio: Path | None = None) -> Source:
    """A single video, an image with its audio, or a stream; every file is opened once.

    A video without audio is a source in which nothing sounds.

    Args:
        path: a file; "-" for standard input, a named pipe, a device, or an address such as
            ``https://...`` or ``rtsp://...`` for a stream.
        audio: an audio file in place of the video's own audio.

    Raises:
        InputError: missing, not a media file, an image without audio, or audio without an image.
    """
    address = stream_address(path)
    if address:
        if audio is not None:
            raise InputError(f"{path}: --audio goes with a file, not with a stream")
        return Source(Path(address), None, still=False, duration=0.0, live=address)
    path = Path(path)
    check_file(path)
    kind = image_kind(path)
    if kind is ImageKind.STILL:
        return _still(path, audio)
    if kind is ImageKind.ANIMATION:
        return _animation(path, audio)
    if path.suffix.lower() in IMAGE_SUFFIXES and not _holds_video(path):
        raise InputError(f"{path}: not a readable image; check that the file is complete")
    video = probe(path)
    if not video.has_video:
        raise InputError(f"{path}: has no video stream; give a video, or an image and this file as --audio")
    name, seconds = path.name, video.video_duration or video.duration
    if audio is not None:
        notes = length_notes(name, seconds, _probe_audio(audio).duration)
    elif video.has_audio:
        notes = length_notes(name, seconds, video.audio_duration, own=True)
    else:
        notes = (f"{name} has no audio, so nothing in it sounds; give audio with --audio FILE",)
    chosen = audio if audio is not None or not video.has_audio else path
    return Source(path, chosen, still=False, duration=video.duration, notes=(*video.notes, *notes))


def check_decodable(source: Source) -> None:
    """Decode the beginning of a source, so that it is refused before any network is loaded.

    Raises:
        InputError: nothing of the image, the video or the audio can be decoded.
    """
    if source.live:
        return
    if source.still:
        read_image(source.image)
    else:
        next(timed_frames(source.image))
    if source.audio is not None:
        AudioReader(source.audio).read(0, 0.1)


def audio_file(source: Source) -> Path:
    """The file with the audio of a source.

    Raises:
        InputError: the source has no audio.
    """
    if source.audio is None:
        raise InputError(f"{source.image}: this video has no audio; give it with --audio FILE")
    return source.audio


def stream_address(given: str | Path) -> str:
    """The address of a stream that can be read only once; empty for a file."""
    text = str(given)
    if text == STANDARD_INPUT or ("://" in text and not _is_file(text)):
        return text.removeprefix("file://") if text.startswith("file://") and _is_pipe(text[7:]) else text
    return text if _is_pipe(text) else ""


def length_notes(name: str, video: float, audio: float, *, own: bool = False) -> tuple[str, ...]:
    """What to say of audio that is shorter or longer than the video.

    Args:
        name: of the video.
        video: seconds; 0 if unknown.
        audio: seconds; 0 if unknown.
        own: whether the audio is that of the video file; the last frame then stands to its end.
    """
    if not video or not audio or abs(video - audio) <= DIFFERENCE:
        return ()
    if audio < video:
        return (f"the audio of {name} ends at {audio:.1f} s of {video:.1f} s; nothing sounds after that",)
    rest = "the last frame stands until then" if own else "the rest is left out"
    return (f"the audio of {name} is {audio:.1f} s long, the video {video:.1f} s; {rest}",)


def _still(path: Path, audio: Path | None) -> Source:
    if audio is None:
        raise InputError(f"{path}: an image has no audio; give it with --audio FILE")
    seconds = _probe_audio(audio).duration or decoded_duration(audio)
    return Source(path, audio, still=True, duration=seconds, notes=page_notes(path))


def _animation(path: Path, audio: Path | None) -> Source:
    """An animated image, which is played once."""
    if audio is None:
        raise InputError(f"{path}: an image has no audio; give it with --audio FILE")
    extent = read_extent(path)
    notes = length_notes(path.name, extent.duration, _probe_audio(audio).duration)
    return Source(path, audio, still=False, duration=extent.duration, notes=notes)


def _holds_video(path: Path) -> bool:
    """Whether a file that no image format knows is a video, whatever its name."""
    try:
        return probe(path).has_video
    except InputError:
        return False


def _probe_audio(audio: Path) -> Media:
    media = probe(audio)
    if not media.has_audio:
        raise InputError(f"{audio}: has no audio; give an audio file as --audio")
    return media


def _is_pipe(text: str) -> bool:
    try:
        return Path(text).is_fifo() or Path(text).is_char_device()
    except (OSError, ValueError):
        return False


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


@dataclass(frozen=True)
class FolderContent:
    """What a folder holds.

    Attributes:
        sources: videos, and (image, audio file of the same name), in order of name.
        left_out: a line for each file or folder that is neither, nor the audio of an image; hidden files do
            not count.
    """

    sources: tuple[Path | tuple[Path, Path], ...]
    left_out: tuple[str, ...]


def list_sources(folder: Path) -> list[Path | tuple[Path, Path]]:
    """List the videos of a folder, and the images with an audio file of the same name, in order of name.

    Raises:
        InputError: the folder holds neither.
    """
    return list(read_folder(folder).sources)


def read_folder(folder: Path, besides: Path | None = None) -> FolderContent:
    """The videos of a folder, the images with an audio file of the same name, and what is neither.

    Files without a usual suffix are told by their content.

    Args:
        folder: the folder; its subfolders are not read.
        besides: a subfolder that is not named as left out, such as that of the results.

    Raises:
        InputError: the folder holds no video, and no image with audio.
    """
    own = None if besides is None else besides.resolve()
    visible = (item for item in folder.iterdir() if not item.name.startswith("."))
    items = sorted(item for item in visible if item.resolve() != own)
    found = {item: _kind_in_folder(item) for item in items}
    audio_files = {item.stem: item for item, kind in found.items() if kind == "audio"}
    sources: list[Path | tuple[Path, Path]] = []
    left_out, used = [], set()
    for item, kind in found.items():
        if kind == "video":
            sources.append(item)
        elif kind == "image" and item.stem in audio_files:
            sources.append((item, audio_files[item.stem]))
            used.add(audio_files[item.stem])
        elif kind == "image":
            left_out.append(f"{item.name} (an image without an audio file of the same name)")
        elif kind != "audio":
            left_out.append(f"{item.name} ({kind})")
    left_out += [
        f"{item.name} (audio without an image of the same name)"
        for item in audio_files.values()
        if item not in used
    ]
    if not sources:
        raise InputError(
            f"{folder}: holds no video, and no image with an audio file of the same name; give another folder"
        )
    return FolderContent(tuple(sources), tuple(sorted(left_out)))


def _kind_in_folder(path: Path) -> str:
    """Whether a file is a "video", an "image" or "audio", else why it is none of them."""
    if path.is_dir():
        return "a folder"
    if not path.is_file():
        return "a pipe, a device, or a link to nothing"
    suffix = path.suffix.lower()
    tables = (("video", VIDEO_SUFFIXES), ("image", IMAGE_SUFFIXES), ("audio", AUDIO_SUFFIXES))
    known = next((kind for kind, suffixes in tables if suffix in suffixes), None)
    return known or _kind_by_content(path)


def _kind_by_content(path: Path) -> str:
    if image_kind(path) is not None:
        return "image"
    try:
        media = probe(path)
    except InputError:
        return "no media file"
    if media.format in NO_MEDIA:
        return "no media file"
    return "video" if media.has_video else "audio" if media.has_audio else "no media file"


def source_frames(source: Source, fps: float, max_side: int, damage: Damage | None = None) -> Iterator[Frame]:
    """Yield the frames of a source at 0, 1/fps, ... seconds; an image is repeated to the end of its audio.

    An image is the same tensor object in every frame, so that it can be encoded once.

    Raises:
        InputError: a file cannot be decoded, or fps is below :data:`seac.media.decode.MIN_FPS`.
    """
    if not source.still:
        yield from frames(source.image, fps, max_side, damage=damage)
        return
    check_fps(fps)
    image = read_image(source.image, max_side)
    size = read_image_size(source.image)
    count = 0
    while count == 0 or count / fps < source.duration - 1e-6:
        yield Frame(count / fps, image, size)
        count += 1


def audio_duration(path: Path) -> float:
    """Seconds of an audio file; decoded to the end where its container does not say."""
    return probe(path).duration or decoded_duration(path)


def decoded_duration(path: Path) -> float:
    """Seconds of an audio file, decoded to the end."""
    reader, second = AudioReader(path), 0
    while len(reader.read(second, second + 1)):
        second += 1
    return float(second)
