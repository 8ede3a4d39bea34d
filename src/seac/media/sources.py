"""Inputs of the command line: a video, an image with an audio file, or a folder of either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seac.core.errors import InputError
from seac.media.decode import AudioReader, Frame, check_fps, frames, probe
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
AUDIO_SUFFIXES = {".wav", ".mp3", ".ogg", ".flac", ".m4a", ".aac", ".opus", ".oga", ".wma", ".aif", ".aiff"}


@dataclass(frozen=True)
class Source:
    """An image or video file with its audio file.

    Attributes:
        image: a video file or an image file.
        audio: the audio file; the video itself unless another file is given.
        still: whether ``image`` is an image file.
    """

    image: Path
    audio: Path
    still: bool


def resolve_source(path: Path, audio: Path | None = None) -> Source:
    """The source for a video, or for an image with an audio file.

    Raises:
        InputError: a file is missing or not a media file, or the audio or the image is missing.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        if audio is None:
            raise InputError(f"{path}: an image has no audio; give an audio file with --audio FILE")
        if not probe(audio).has_audio:
            raise InputError(f"{audio}: has no audio track; give an audio file as --audio")
        return Source(path, audio, still=True)
    media = probe(path)
    if not media.has_video:
        raise InputError(f"{path}: has no video; give a video, or an image and this file as --audio")
    if audio is None and not media.has_audio:
        raise InputError(f"{path}: this video has no audio; give an audio file with --audio FILE")
    if audio is not None and not probe(audio).has_audio:
        raise InputError(f"{audio}: has no audio track; give an audio file as --audio")
    return Source(path, audio or path, still=False)


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
    count, duration = 0, audio_duration(source.audio)
    while count == 0 or count / fps < duration - 1e-6:
        yield Frame(count / fps, image, size)
        count += 1


def audio_duration(path: Path) -> float:
    """Duration of an audio file in seconds; it is decoded to the end if the container stores no duration."""
    duration = probe(path).duration
    if duration > 0:
        return duration
    reader, second = AudioReader(path), 0
    while len(reader.read(second, second + 1)):
        second += 1
    return float(second)
