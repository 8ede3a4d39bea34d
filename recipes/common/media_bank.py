"""The media bank: cut-outs and recordings by class, from the media folder and Debian packages.

``build`` writes ``pictures/<class>/*.png`` and ``sounds/<class>/*.npy``. Patterns in ``classes.tsv`` assign
the files of a package to classes. In image-audio pairs the class decides which object of a composite sounds;
training on pairs does not use the class. Instruments are rendered by FluidSynth with the sound font of the
packages.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from recipes.common.midi import drumming, melody, rendered_score
from recipes.common.recordings import PACKAGES, SUFFIXES, unpack_package
from recipes.common.shapes import find_opaque_box
from seac.core.errors import InputError
from seac.media.decode import SAMPLE_RATE, load_waveform

EMOJI_FONT, EMOJI = "fonts-noto-color-emoji", "noto"
"""The package of the emoji font, and the folder of the rendered emoji."""
IMAGE_PACKAGES = ("openclipart-png", "tuxpaint-stamps-default")
IMAGE_AND_EMOJI_PACKAGES = (*IMAGE_PACKAGES, EMOJI_FONT)
TABLE = Path(__file__).with_name("classes.tsv")
SILENT = "_silent"
MAX_SECONDS, MIN_SECONDS = 40.0, 0.05
"""Maximum and minimum seconds of a recording."""
MAX_IMAGES = {SILENT: 250}
MAX_PER_CLASS = 40
"""Maximum number of images and of recordings of a class, which limits the imbalance of classes."""
SIDE = 320
TAKES, TAKE_SECONDS = 3, 20.0


@dataclass(frozen=True)
class MediaClass:
    """A row of the table: patterns of image and recording names, programs and drum keys of the sound font."""

    name: str
    images: tuple[str, ...]
    recordings: tuple[str, ...]
    programs: tuple[int, ...]
    keys: tuple[int, ...]


def to_class_name(identifier: str) -> str:
    """The class name of an identifier: ``acoustic_guitar`` is "acoustic guitar"."""
    return identifier.replace("_", " ")


def load_media_classes() -> tuple[MediaClass, ...]:
    """Read the table of classes."""
    found = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, images, recordings = [*line.split("\t"), ""][:3]
        patterns = recordings.split()
        found.append(
            MediaClass(
                name,
                tuple(images.split()),
                tuple(pattern for pattern in patterns if not pattern.startswith(("gm:", "note:"))),
                tuple(int(pattern[3:]) for pattern in patterns if pattern.startswith("gm:")),
                tuple(int(pattern[5:]) for pattern in patterns if pattern.startswith("note:")),
            )
        )
    return tuple(found)


def fetch(folder: Path, names: Iterable[str] = (*PACKAGES, *IMAGE_AND_EMOJI_PACKAGES)) -> None:
    """Download and unpack packages into ``folder/NAME`` with apt and dpkg."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(set(names)):
        if (folder / name).is_dir():
            continue
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            shutil.move(unpack_package(name, Path(scratch)), folder / name)


def render_emoji(packages: Path) -> None:
    """Render all emoji of the font as ``packages/noto/<unicode_name>.png``."""
    folder = packages / EMOJI
    if folder.is_dir():
        return
    temporary = folder.with_suffix(".part")
    temporary.mkdir(parents=True, exist_ok=True)
    font = ImageFont.truetype(str(next((packages / EMOJI_FONT).rglob("*.ttf"))), 109)
    for code in (*range(0x2600, 0x27C0), *range(0x1F300, 0x1FB00)):
        name = {0x1FA87: "maracas"}.get(code) or unicodedata.name(chr(code), "")
        if not name:
            continue
        canvas = Image.new("RGBA", (160, 160))
        ImageDraw.Draw(canvas).text((10, 10), chr(code), font=font, embedded_color=True)
        if canvas.getbbox() is not None:
            canvas.save(temporary / f"{name.lower().replace(' ', '_').replace('/', '_')}.png")
    temporary.rename(folder)


def match_paths(patterns: tuple[str, ...], paths: dict[str, Path]) -> list[Path]:
    """The paths whose names match any of the patterns."""
    if not patterns:
        return []
    wanted = re.compile("|".join(patterns))
    return [path for name, path in sorted(paths.items()) if wanted.search(name)]


def choose_paths(paths: list[Path], limit: int, seed: int) -> list[Path]:
    """Sample at most ``limit`` of the paths."""
    order = np.random.default_rng(seed).permutation(len(paths))[:limit]
    return [paths[index] for index in sorted(order)]


def load_cutout(path: Path) -> Image.Image | None:
    """An RGBA image with transparency, cropped to its content and scaled down; None if unsuitable."""
    try:
        opened = Image.open(path)
    except Image.DecompressionBombError:
        return None
    with opened:
        if opened.width * opened.height > 16_000_000:
            return None
        opened.draft("RGBA", (SIDE, SIDE))
        image = opened.convert("RGBA")
    box = find_opaque_box(image)
    if box is None:
        return None
    image = image.crop(box)
    image.thumbnail((SIDE, SIDE))
    covered = float((np.asarray(image.getchannel("A")) > 127).mean())
    fills_canvas = (box[2] - box[0], box[3] - box[1]) == opened.size
    return image if covered > 0.04 and not (fills_canvas and covered > 0.97) and min(image.size) > 8 else None


def load_recording(path: Path) -> NDArray[np.int16] | None:
    """Decode an audio file to mono int16 at 16 kHz; None if it is unreadable, too short or silent."""
    try:
        waveform = load_waveform(path, SAMPLE_RATE, MAX_SECONDS).numpy()
    except InputError:
        return None
    peak = float(np.abs(waveform).max()) if len(waveform) else 0.0
    if len(waveform) < MIN_SECONDS * SAMPLE_RATE or peak < 1e-3:
        return None
    return np.round(waveform * (32_000 / max(peak, 0.05))).clip(-32_768, 32_767).astype(np.int16)


def render_midi(score: bytes, font: Path) -> NDArray[np.int16] | None:
    """Render a MIDI file with the sound font: mono int16 at 16 kHz."""
    with rendered_score(score, font) as wave:
        return load_recording(wave)


def render_takes(media_class: MediaClass, font: Path, seed: int) -> Iterator[tuple[str, NDArray[np.int16]]]:
    """Yield (name, waveform) of ``TAKES`` random scores for each program and key of a class."""
    scores = [
        *(("gm", program, take) for program in media_class.programs for take in range(TAKES)),
        *(("note", key, take) for key in media_class.keys for take in range(TAKES)),
    ]
    for prefix, number, take in scores:
        random = np.random.default_rng((seed, number, take, len(prefix)))
        if prefix == "note":
            score = drumming(number, TAKE_SECONDS, random)
        else:
            score = melody(number % 128, TAKE_SECONDS, random, drums=number >= 128)
        waveform = render_midi(score, font)
        if waveform is not None:
            yield f"{prefix}{number:03d}-{take}", waveform


def build(media: Path, packages: Path, folder: Path, seed: int) -> None:
    """Build the media bank; existing classes are kept."""
    fetch(packages)
    render_emoji(packages)
    font = next((packages / "fluid-soundfont-gm").rglob("*.sf2"))
    files = sorted(path for path in packages.rglob("*") if path.suffix.lower() in SUFFIXES | {".png"})
    named = [(str(path.relative_to(packages).with_suffix("")).lower(), path) for path in files]
    images = {name: path for name, path in named if path.suffix.lower() == ".png"}
    audio_files = [(name, path) for name, path in named if path.suffix.lower() in SUFFIXES]
    recordings = {f"{name}.{path.suffix[1:]}": path for name, path in audio_files if "_desc" not in name}
    spoken_words = [path for name, path in audio_files if "_desc" in name]
    table = {media_class.name: media_class for media_class in load_media_classes()}
    media_names = {path.name for path in (media / "images").iterdir()} | {
        path.name for path in (media / "sounds").iterdir()
    }
    for name in sorted(media_names | set(table)):
        media_class = table.get(name, MediaClass(name, (), (), (), ()))
        more_images = choose_paths(
            match_paths(media_class.images, images), MAX_IMAGES.get(name, MAX_PER_CLASS), seed
        )
        _write_images(media_class, media, more_images, folder)
        found = match_paths(
            tuple(pattern for pattern in media_class.recordings if pattern != "words:"), recordings
        )
        if "words:" in media_class.recordings:
            found += choose_paths(spoken_words, MAX_PER_CLASS, seed)
        _write_recordings(
            media_class, media, choose_paths(found, 2 * MAX_PER_CLASS, seed), font, folder, seed
        )


def _write_images(media_class: MediaClass, media: Path, more: list[Path], folder: Path) -> None:
    target = folder / "pictures" / media_class.name
    if target.is_dir():
        return
    temporary = target.with_name(f"{media_class.name}.part")
    temporary.mkdir(parents=True, exist_ok=True)
    seen: set[bytes] = set()
    named = [
        (f"media-{path.stem}", path) for path in sorted((media / "images" / media_class.name).glob("*.png"))
    ]
    for stem, path in named + [(f"more-{number:03d}-{path.stem}", path) for number, path in enumerate(more)]:
        image = load_cutout(path)
        if image is None or (digest := image_fingerprint(image)) in seen:
            continue
        seen.add(digest)
        image.save(temporary / f"{stem}.png")
    temporary.rename(target)


def image_fingerprint(image: Image.Image) -> bytes:
    """A hash that is equal for the same image at another size, to find duplicates between sources."""
    small = np.asarray(image.resize((8, 8), Image.Resampling.BOX), np.float32)
    return bytes(np.round(small / 48).astype(np.uint8).tobytes())


def _write_recordings(
    media_class: MediaClass, media: Path, more: list[Path], font: Path, folder: Path, seed: int
) -> None:
    target = folder / "sounds" / media_class.name
    if target.is_dir():
        return
    temporary = target.with_name(f"{media_class.name}.part")
    temporary.mkdir(parents=True, exist_ok=True)
    named = [
        (f"media-{path.stem}", path) for path in sorted((media / "sounds" / media_class.name).glob("*.ogg"))
    ]
    seen: set[tuple[int, int]] = set()
    for stem, path in named + [(f"more-{number:03d}-{path.stem}", path) for number, path in enumerate(more)]:
        wave = load_recording(path)
        if (
            wave is None
            or (digest := (len(wave) // 160, int(np.abs(wave.astype(np.int64)).mean()) // 8)) in seen
        ):
            continue
        seen.add(digest)
        np.save(temporary / f"{stem}.npy", wave)
    for stem, wave in render_takes(media_class, font, seed):
        np.save(temporary / f"{stem}.npy", wave)
    temporary.rename(target)
