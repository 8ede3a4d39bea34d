"""What a user may point at: a video, a picture with a sound, a folder of either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seac.core.errors import InputError
from seac.media.decode import AudioReader, Frame, check_fps, frames, probe
from seac.media.image import read_image, size_on_disk

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm"}
VIDEOS = {".mp4", ".webm", ".mov", ".mkv", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".ogv", ".flv", ".wmv"}
AUDIO_SUFFIXES = {".wav", ".mp3", ".ogg", ".flac", ".m4a", ".aac", ".opus", ".oga", ".wma", ".aif", ".aiff"}


@dataclass(frozen=True)
class Source:
    """A video, or an image with audio, probed once.

    Attributes:
        image: a video, or a still image.
        audio: the file with the audio; the video itself unless another is given.
        still: whether ``image`` is a still image.
        duration: seconds of the video, or of the audio beside a still image; 0 where no container says.
    """

    image: Path
    audio: Path
    still: bool
    duration: float


def open_source(path: Path, audio: Path | None = None) -> Source:
    """A single video, or an image with its audio; every file is opened once.

    Raises:
        InputError: missing, not a media file, no audio, or no image.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")
    still = path.suffix.lower() in IMAGE_SUFFIXES
    if still and audio is None:
        raise InputError(f"{path}: an image has no audio; give it with --audio FILE")
    video = None if still else probe(path)
    if video is not None and not video.has_video:
        raise InputError(f"{path}: has no video stream; give a video, or an image and this file as --audio")
    if video is not None and audio is None and not video.has_audio:
        raise InputError(f"{path}: this video has no audio; give it with --audio FILE")
    probed = probe(audio) if audio is not None else video
    if probed is None or not probed.has_audio:
        raise InputError(f"{audio}: has no audio; give an audio file as --audio")
    track = audio or path
    duration = video.duration if video is not None else probed.duration or decoded_duration(track)
    return Source(path, track, still, duration)


def sources_in(folder: Path) -> list[Path | tuple[Path, Path]]:
    """Videos of a folder, and pictures paired with the sound of the same name, in order of name.

    Raises:
        InputError: there are none.
    """
    files = sorted(item for item in folder.iterdir() if item.is_file() and not item.name.startswith("."))
    audio_files = {item.stem: item for item in files if item.suffix.lower() in AUDIO_SUFFIXES}
    found: list[Path | tuple[Path, Path]] = []
    for item in files:
        kind = item.suffix.lower()
        if kind in VIDEOS:
            found.append(item)
        elif kind in IMAGE_SUFFIXES and item.stem in audio_files:
            found.append((item, audio_files[item.stem]))
    if not found:
        raise InputError(
            f"{folder}: holds no video, and no picture with a sound of the same name; give another folder"
        )
    return found


def source_frames(source: Source, fps: float, max_side: int) -> Iterator[Frame]:
    """The frames of a source at 0, 1/fps, ...; a still is shown as long as its sound lasts.

    A still is one and the same tensor every time, so that it need be looked at only once.

    Raises:
        InputError: what cannot be decoded, or fps below :data:`seac.media.decode.MIN_FPS`.
    """
    if not source.still:
        yield from frames(source.image, fps, max_side)
        return
    check_fps(fps)
    image = read_image(source.image, max_side)
    size = size_on_disk(source.image)
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
