"""Inputs of the command line: a video, an image with an audio file, or a folder of either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seac.core.errors import InputError
from seac.media.decode import AudioReader, Frame, Media, check_fps, frames, probe
from seac.media.image import read_image, read_image_size

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm"}
VIDEO_SUFFIXES = {
    ".mp4",
    ".webm",
    ".mov",
    ".mkv",
    ".avi",
    ".m4v",
    ".mpg",
    ".mpeg",
    ".ts",
    ".ogv",
    ".flv",
    ".wmv",
}
DIFFERENCE = 0.5
"""Seconds by which audio and video may differ in length without a word."""
STANDARD_INPUT = "-"
AUDIO_SUFFIXES = {".wav", ".mp3", ".ogg", ".flac", ".m4a", ".aac", ".opus", ".oga", ".wma", ".aif", ".aiff"}


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
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return _still(path, audio)
    video = probe(path)
    if not video.has_video:
        raise InputError(f"{path}: has no video stream; give a video, or an image and this file as --audio")
    if audio is None:
        if not video.has_audio:
            note = f"{path.name} has no audio, so nothing in it sounds; give audio with --audio FILE"
            return Source(path, None, still=False, duration=video.duration, notes=(note,))
        seconds = video.audio_duration
    else:
        seconds = _probe_audio(audio).duration
    notes = length_notes(path.name, video.video_duration or video.duration, seconds)
    return Source(path, audio or path, still=False, duration=video.duration, notes=notes)


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
    if text == STANDARD_INPUT or "://" in text:
        return text.removeprefix("file://") if text.startswith("file://") and _is_pipe(text[7:]) else text
    return text if _is_pipe(text) else ""


def length_notes(name: str, video: float, audio: float) -> tuple[str, ...]:
    """What to say of audio that is shorter or longer than the video.

    Args:
        name: of the video.
        video: seconds; 0 if unknown.
        audio: seconds; 0 if unknown.
    """
    if not video or not audio or abs(video - audio) <= DIFFERENCE:
        return ()
    if audio < video:
        return (f"the audio of {name} ends at {audio:.1f} s of {video:.1f} s; nothing sounds after that",)
    return (f"the audio of {name} is {audio:.1f} s long, the video {video:.1f} s; the rest is left out",)


def _still(path: Path, audio: Path | None) -> Source:
    if audio is None:
        raise InputError(f"{path}: an image has no audio; give it with --audio FILE")
    return Source(path, audio, still=True, duration=_probe_audio(audio).duration or decoded_duration(audio))


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


def list_sources(folder: Path) -> list[Path | tuple[Path, Path]]:
    """List the videos of a folder, and the images with an audio file of the same name, in order of name.

    Raises:
        InputError: the folder holds neither.
    """
    files = sorted(item for item in folder.iterdir() if item.is_file() and not item.name.startswith("."))
    audio_files = {item.stem: item for item in files if item.suffix.lower() in AUDIO_SUFFIXES}
    found: list[Path | tuple[Path, Path]] = []
    for item in files:
        suffix = item.suffix.lower()
        if suffix in VIDEO_SUFFIXES:
            found.append(item)
        elif suffix in IMAGE_SUFFIXES and item.stem in audio_files:
            found.append((item, audio_files[item.stem]))
    if not found:
        raise InputError(
            f"{folder}: holds no video, and no image with an audio file of the same name; give another folder"
        )
    return found


def source_frames(source: Source, fps: float, max_side: int) -> Iterator[Frame]:
    """Yield the frames of a source at 0, 1/fps, ... seconds; an image is repeated to the end of its audio.

    An image is the same tensor object in every frame, so that it can be encoded once.

    Raises:
        InputError: a file cannot be decoded, or fps is below :data:`seac.media.decode.MIN_FPS`.
    """
    if not source.still:
        yield from frames(source.image, fps, max_side)
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
