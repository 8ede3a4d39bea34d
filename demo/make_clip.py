"""Makes ``demo/clip.mp4``: a composite in which three things sound in turn, then none.

    python demo/make_clip.py MEDIA_FOLDER

MEDIA_FOLDER has ``images/<class>/*.png`` (cut-outs with alpha), ``sounds/<class>/*.ogg`` and
``backgrounds/*.jpg``. The pieces are named in the table below; their sources and licences are in
``demo/LICENCE.md``. The things were chosen because one free licence covers the pictures and sounds of all,
before anything had been run on them: a pet, an instrument, a farm animal.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seac.media.decode import SAMPLE_RATE, load_waveform
from seac.media.encode import VideoWriter

WIDTH, HEIGHT, FPS, SECONDS = 448, 256, 12, 12.0
BACKGROUND = "backgrounds/gcompris-bentPyramid.jpg"


@dataclass(frozen=True)
class Thing:
    """A cut-out, where its feet are, how tall it is (pixels), and when it sounds (seconds)."""

    image: str
    audio: str
    x: float
    y: float
    height: float
    start: float
    stop: float


THINGS = (
    Thing("images/dog/gcompris-dog.png", "sounds/dog/gcompris-dog.ogg", 84, 240, 104, 0.3, 2.5),
    Thing(
        "images/acoustic_guitar/gcompris-guitar.png",
        "sounds/acoustic_guitar/gcompris-guitar_melody.ogg",
        214, 238, 124, 3.5, 5.7,
    ),
    Thing("images/cow/gcompris-cow.png", "sounds/cow/gcompris-cow.ogg", 348, 242, 120, 6.7, 8.9),
)  # fmt: skip


def cutout(path: Path, height: float) -> Image.Image:
    """A thing cropped to its alpha and scaled to ``height`` pixels."""
    image = Image.open(path).convert("RGBA")
    image = image.crop(image.getchannel("A").getbbox())
    return image.resize(
        (max(1, round(image.width * height / image.height)), round(height)), Image.Resampling.LANCZOS
    )


def background(path: Path) -> Image.Image:
    """The middle of a photograph, filling the frame."""
    image = Image.open(path).convert("RGB")
    scale = max(WIDTH / image.width, HEIGHT / image.height)
    image = image.resize(
        (math.ceil(image.width * scale), math.ceil(image.height * scale)), Image.Resampling.LANCZOS
    )
    left, top = (image.width - WIDTH) // 2, (image.height - HEIGHT) // 2
    return image.crop((left, top, left + WIDTH, top + HEIGHT))


def render_frame(
    ground: Image.Image, things: list[tuple[Thing, Image.Image]], time: float
) -> NDArray[np.uint8]:
    """The frame at ``time``: every thing sways a little, whether it sounds or not."""
    frame = ground.copy()
    for number, (thing, image) in enumerate(things):
        x = thing.x + 5 * math.sin(0.9 * time + 2.1 * number)
        frame.paste(image, (round(x - image.width / 2), round(thing.y - image.height)), image)
    return np.asarray(frame)


def audio(folder: Path) -> NDArray[np.int16]:
    """Each recording, repeated if it is short, for as long as its thing sounds; otherwise nothing at all."""
    track = np.zeros(round(SECONDS * SAMPLE_RATE), np.float32)
    for thing in THINGS:
        recording = load_waveform(folder / thing.audio).numpy()
        first, last = round(thing.start * SAMPLE_RATE), round(thing.stop * SAMPLE_RATE)
        piece = np.resize(recording, last - first) * (0.5 / max(1e-6, float(np.abs(recording).max())))
        fade = np.minimum(1, np.arange(len(piece)) / 800)
        track[first:last] = piece * fade * fade[::-1]
    return (track * 32767).astype(np.int16)


def main() -> None:
    """Render the clip."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("clip.mp4"))
    options = parser.parse_args()
    things = [(thing, cutout(options.media / thing.image, thing.height)) for thing in THINGS]
    ground = background(options.media / BACKGROUND)
    with tempfile.TemporaryDirectory() as scratch:
        track = Path(scratch) / "sound.wav"
        with wave.open(str(track), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(audio(options.media).tobytes())
        temporary = Path(scratch) / "clip.mp4"
        writer = VideoWriter(temporary, FPS, track)
        for count in range(round(SECONDS * FPS)):
            writer.add(render_frame(ground, things, count / FPS))
        writer.close()
        options.out.write_bytes(temporary.read_bytes())


if __name__ == "__main__":
    main()
