"""Makes ``demo/clip.mp4``: real photographs and a video under real recordings, then silence.

    python -m demo.make_clip [--media FOLDER] [--out demo/clip.mp4]

The pieces come from Debian packages (235 MB with apt, no other source), see :mod:`demo.media`. The view of a
photograph moves slowly, so that frames differ as those of a video do. Sources, authors and licences are in
``demo/LICENCE.md``.
"""

from __future__ import annotations

import argparse
import tempfile
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demo.media import fetch
from seac.media.decode import frames, load_waveform
from seac.media.encode import VideoWriter

WIDTH, HEIGHT, FPS = 480, 336, 25
CRF = 26
"""Constant rate factor of H.264: at 20, grass that moves takes 3.8 MB."""
RATE = 48_000
PEAK = 0.5
"""Greatest absolute value of every recording; two at once stay within 1."""
FADE = 0.02
"""Seconds in which a recording begins and ends."""
WEBCAM = (114, 92, 366, 268)
"""Left, top, right, bottom of the man in the video, in pixels; of the shape of the frame."""


@dataclass(frozen=True)
class View:
    """A part of a photograph.

    Attributes:
        x: centre as a share of the width.
        y: centre as a share of the height.
        height: height as a share of the height; the width follows from the shape of the panel.
    """

    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Panel:
    """A photograph in a part of the frame.

    Attributes:
        piece: name of the photograph.
        first: view at the beginning of the scene.
        last: view at its end.
    """

    piece: str
    first: View
    last: View


@dataclass(frozen=True)
class Sound:
    """A recording, when it is heard, and from which second on.

    Attributes:
        piece: name of the recording.
        start: seconds in the clip.
        stop: seconds in the clip.
        offset: seconds in the recording.
    """

    piece: str
    start: float
    stop: float
    offset: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Panels from left to right, or the video ``movie`` from second ``offset`` on.

    Attributes:
        stop: seconds in the clip; a scene starts where the scene before it stops.
        panels: photographs of equal width.
        movie: name of a video; empty for photographs.
        offset: seconds in the video.
    """

    stop: float
    panels: tuple[Panel, ...] = ()
    movie: str = ""
    offset: float = 0.0


SCENES = (
    Scene(3.2, (Panel("dog", View(0.54, 0.47, 0.82), View(0.5, 0.5, 0.93)),)),
    Scene(
        9.2,
        (
            Panel("sheep", View(0.475, 0.5, 0.94), View(0.475, 0.5, 1.0)),
            Panel("duck", View(0.48, 0.5, 0.92), View(0.46, 0.5, 1.0)),
        ),
    ),
    Scene(
        13.8,
        (Panel("drum kit and electric guitar", View(0.5, 0.5, 0.93), View(0.53, 0.52, 0.84)),),
    ),
    Scene(16.8, movie="man speaks", offset=0.6),
    Scene(21.6, (Panel("cow", View(0.54, 0.54, 0.80), View(0.52, 0.52, 0.88)),)),
)
SOUNDS = (
    Sound("dog barks", 0.4, 1.3),
    Sound("dog barks", 1.9, 2.8),
    Sound("sheep bleats", 3.5, 4.8),
    Sound("duck quacks", 5.3, 6.9, 1.5),
    Sound("sheep bleats", 7.4, 8.7),
    Sound("duck quacks", 7.4, 8.9, 2.1),
    Sound("rock band", 9.4, 11.2, 2.0),  # the drums alone
    Sound("rock band", 11.6, 13.6, 9.0),  # drums and guitars
    Sound("man speaks", 13.8, 16.8, 0.6),
    Sound("cow moos", 17.1, 18.6, 2.95),
)
"""From 18.6 s on nothing sounds: the cow stays in view."""


def interpolate(panel: Panel, share: float) -> View:
    """The view of a panel after a share of its scene; it starts and stops gently."""
    weight = share * share * (3 - 2 * share)
    first, last = panel.first, panel.last
    return View(
        first.x + weight * (last.x - first.x),
        first.y + weight * (last.y - first.y),
        first.height + weight * (last.height - first.height),
    )


def show(image: Image.Image, view: View, width: int, height: int) -> Image.Image:
    """The part of a photograph in a view, ``width`` x ``height`` pixels; it is moved into the photograph."""
    tall = min(view.height * image.height, image.height, image.width * height / width)
    wide = tall * width / height
    left = min(max(view.x * image.width - wide / 2, 0), image.width - wide)
    top = min(max(view.y * image.height - tall / 2, 0), image.height - tall)
    box = (left, top, left + wide, top + tall)
    return image.resize((width, height), Image.Resampling.LANCZOS, box)


def render(scene: Scene, start: float, files: Mapping[str, Path]) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a scene that starts at ``start`` seconds: (H, W, 3) uint8."""
    count = round((scene.stop - start) * FPS)
    if scene.movie:
        stop = scene.offset + count / FPS
        for frame in frames(files[scene.movie], FPS, 4096, start=scene.offset, stop=stop):
            image = Image.fromarray(frame.image.permute(1, 2, 0).numpy())
            yield np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, WEBCAM))
        return
    images = [Image.open(files[panel.piece]).convert("RGB") for panel in scene.panels]
    width = WIDTH // len(images)
    for number in range(count):
        shared = Image.new("RGB", (WIDTH, HEIGHT))
        for column, (panel, image) in enumerate(zip(scene.panels, images, strict=True)):
            view = interpolate(panel, number / max(1, count - 1))
            shared.paste(show(image, view, width, HEIGHT), (column * width, 0))
        yield np.asarray(shared)


def mix(files: Mapping[str, Path]) -> NDArray[np.int16]:
    """The audio of the clip: (S,) int16 at :data:`RATE`; exactly 0 where nothing sounds."""
    track = np.zeros(round(SCENES[-1].stop * RATE), np.float32)
    for sound in SOUNDS:
        recording = load_waveform(files[sound.piece], RATE).numpy()
        at, first = round(sound.start * RATE), round(sound.offset * RATE)
        piece = recording[first : first + round((sound.stop - sound.start) * RATE)]
        piece = piece * (PEAK / max(1e-6, float(np.abs(piece).max())))
        fade = np.minimum(1, np.arange(len(piece)) / (FADE * RATE))
        track[at : at + len(piece)] += piece * fade * fade[::-1]
    return np.round(np.clip(track, -1, 1) * 32_767).astype(np.int16)


def make_clip(files: Mapping[str, Path], out: Path) -> None:
    """Render the clip from its pieces, by name."""
    with tempfile.TemporaryDirectory() as scratch:
        track = Path(scratch) / "audio.wav"
        with wave.open(str(track), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(mix(files).tobytes())
        temporary = Path(scratch) / "clip.mp4"
        writer, start = VideoWriter(temporary, FPS, track, crf=CRF), 0.0
        for scene in SCENES:
            for frame in render(scene, start, files):
                writer.add(frame)
            start = scene.stop
        writer.close()
        out.write_bytes(temporary.read_bytes())


def main() -> None:
    """Download the pieces and render the clip."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, help="folder to keep the pieces in")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("clip.mp4"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.media or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        make_clip(fetch(folder), options.out)


if __name__ == "__main__":
    main()
