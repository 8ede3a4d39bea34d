"""A decided video with what breaks formats: odd sizes, holes, parts, single pixels, odd names."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seac.export.exporter import exporter_class
from seac.results.values import DecidedTrack, DecidedVideo, FrameMasks, OffScreen, Span, VideoInfo
from tests.fixtures.parts import tone, write_wav

SIZE, ORIGINAL_SIZE = (37, 51), (111, 153)
NAMES = ('kettle, "big" & <old>', "träd 🎻 'x'", "dog/..\\cat; a=b\nnew")
TIMES = (0.0, 0.31, 0.6, 1.7, 2.04, 2.5)
"""Of the frames: the rate varies."""
INDICES = (0, 7, 15, 40, 52, 61)
"""Of the frames in the source: key frames with varying steps."""
DURATION, RATE, FRAMES = 3.0, 25.0, 75


def info(audio: Path | None = None, **changes: object) -> VideoInfo:
    values: dict[str, object] = {
        "source": "/videos/a clip, of & <things>.mp4",
        "audio": None if audio is None else str(audio),
        "still": False,
        "size": SIZE,
        "original_size": ORIGINAL_SIZE,
        "duration": DURATION,
        "frame_rate": RATE,
        "frames": FRAMES,
    }
    return VideoInfo(**{**values, **changes})  # type: ignore[arg-type]


def decided(audio: Path | None = None, **changes: object) -> DecidedVideo:
    """Track 4 sounds twice, track 2 once (in part under track 4), track 9 never."""
    tracks = (
        DecidedTrack(4, NAMES[0], (255, 80, 0), (Span(0.0, 0.7, 0.9, -20), Span(1.6, 2.2, 0.8, -25))),
        DecidedTrack(2, NAMES[1], (0, 200, 40), (Span(0.3, 2.6, 0.7, -30),)),
        DecidedTrack(9, NAMES[2], (10, 20, 200), ()),
    )
    off_screen = (OffScreen("wind", Span(2.6, 3.0, 0.5, -40)),)
    return DecidedVideo(info(audio, **changes), tracks, off_screen, np.full(30, -20, np.float32))


def masks() -> dict[str, NDArray[np.bool_]]:
    ring = np.zeros(SIZE, np.bool_)
    ring[5:20, 8:30] = True
    ring[9:15, 12:20] = False
    ring[11, 15] = True
    parts = np.zeros(SIZE, np.bool_)
    parts[0:4, 0:6] = parts[30:37, 40:51] = True
    parts[4, 6] = True  # touches at a corner
    pixel = np.zeros(SIZE, np.bool_)
    pixel[36, 50] = True
    return {"ring": ring, "parts": parts, "pixel": pixel, "full": np.ones(SIZE, np.bool_)}


SHOWN: tuple[tuple[tuple[int, str, float], ...], ...] = (
    ((4, "ring", 0.9),),
    ((4, "ring", 0.8), (2, "parts", 0.7)),
    ((2, "full", 0.9), (4, "ring", 0.6)),
    ((4, "pixel", 0.8),),
    (),
    ((2, "pixel", 0.75),),
)
"""(track, mask, probability) in each frame, likeliest first."""


def synthetic_image(number: int) -> NDArray[np.uint8]:
    """A smooth image, so that lossy codecs keep it."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.stack([rows * 4, columns * 3, np.full(SIZE, 20 * number)], axis=-1).astype(np.uint8)


def frames(
    shown: Sequence[Sequence[tuple[int, str, float]]] = SHOWN,
    times: Sequence[float] = TIMES,
    indices: Sequence[int] = INDICES,
    duration: float = DURATION,
) -> list[FrameMasks]:
    shapes = masks()
    found = []
    for number, (rows, time, index) in enumerate(zip(shown, times, indices, strict=True)):
        until = times[number + 1] if number + 1 < len(times) else duration
        found.append(
            FrameMasks(
                index=index,
                time=time,
                duration=until - time,
                tracks=np.array([track for track, _, _ in rows], np.int64),
                masks=np.array([shapes[name] for _, name, _ in rows], np.bool_).reshape(-1, *SIZE),
                probability=np.array([probability for _, _, probability in rows], np.float32),
                image=synthetic_image(number),
            )
        )
    return found


def export(
    name: str, folder: Path, video: DecidedVideo | None = None, given: Sequence[FrameMasks] | None = None
) -> Path:
    """Run an exporter; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    exporter = exporter_class(name)(folder, video or decided())
    for frame in frames() if given is None else given:
        exporter.add(frame)
    exporter.close()
    return folder


def constant_rate(count: int, rate: float = 10.0) -> list[FrameMasks]:
    """Frames at a constant rate from 0; those of :data:`SHOWN` in turn."""
    shown = list(itertools.islice(itertools.cycle(SHOWN), count))
    return frames(shown, [n / rate for n in range(count)], list(range(count)), count / rate)


def audio_file(folder: Path, seconds: float = DURATION) -> Path:
    """A tone of 300 Hz."""
    path = folder / "tone.wav"
    write_wav(path, tone("red", seconds))
    return path
