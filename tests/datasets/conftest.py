"""Benchmarks on disk: rendered composites, and small synthetic benchmarks in the published layouts."""

from __future__ import annotations

import json
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipes.common.composites.layouts import LAYOUTS
from recipes.common.composites.media import Media
from recipes.common.composites.render import render_composites
from tests.fixtures.media_bank import write_media_folder

COMPOSITES = {name: layout.folder for name, layout in LAYOUTS.items()}
SIDE = 16


@pytest.fixture(scope="session")
def composites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A very small benchmark in each layout, rendered from discs and tones."""
    media = Media.open(write_media_folder(tmp_path_factory.mktemp("media")))
    out = tmp_path_factory.mktemp("composites")
    render_composites(media, out, 0, {"s4": 3, "ms3": 2, "avss": 2, "vggss": 6})
    return out


@pytest.fixture
def composites_copy(composites: Path, tmp_path: Path) -> Path:
    """A copy of the composites that a test may change."""
    return Path(shutil.copytree(composites, tmp_path / "copy"))


def write_audio(path: Path, seconds: float = 0.1, rate: int = 16000, level: float = 0.5) -> None:
    """A 16-bit mono wav with a tone; level 0 is silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = level * np.sin(np.arange(int(seconds * rate)) * 0.1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def write_image(path: Path, values: np.ndarray | None = None, mode: str | None = None) -> None:
    """Write an image from an array, noise by default."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if values is None:
        values = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    image = Image.fromarray(values)
    if mode == "P":
        indexed = Image.frombytes("P", image.size, values.tobytes())
        indexed.putpalette([value for n in range(256) for value in (n, 255 - n, n // 2)])
        image = indexed
    image.save(path)


def square(value: int = 255, side: int = SIDE) -> np.ndarray:
    """A mask with its upper left quarter set."""
    mask = np.zeros((side, side), np.uint8)
    mask[: side // 2, : side // 2] = value
    return mask


def make_s4(root: Path, header: str = "name,start,category,split", row: str = "{name},0,dog,{split}") -> Path:
    """The layout of S4: a train clip with one mask and a test clip with five."""
    lines = [header]
    for name, split, masks in (("M1P1xla8rg0_1000", "train", 1), ("MKC9LvRivTM_30000", "test", 5)):
        below = Path(split, "dog")
        for n in range(1, 6):
            write_image(root / "s4_data/visual_frames" / below / name / f"{name}_{n}.png")
        for n in range(1, masks + 1):
            write_image(root / "s4_data/gt_masks" / below / name / f"{name}_{n}.png", square())
        write_audio(root / "s4_data/audio_wav" / below / f"{name}.wav")
        lines.append(row.format(name=name, split=split))
    (root / "s4_meta_data.csv").write_text("\n".join(lines) + "\n")
    return root


def make_ms3(root: Path) -> Path:
    """The layout of MS3: palette masks with indices from 1 on, and an empty frame."""
    name = "a_clip"
    for n in range(1, 6):
        write_image(root / f"ms3_data/visual_frames/{name}/{name}.mp4_{n}.png")
        write_image(
            root / f"ms3_data/gt_masks/test/{name}/{name}_{n}.png", square(0 if n == 2 else n % 3 + 1), "P"
        )
    write_audio(root / f"ms3_data/audio_wav/test/{name}.wav")
    (root / "ms3_meta_data.csv").write_text(f"name,split\n{name},test\n")
    return root


AVSS_CLASSES = {"background": 0, "dog": 1, "cat": 2, "piano": 9}


def make_avss(root: Path, *, numbers: bool) -> Path:
    """The layout of AVSS with ten classes; label images are colours only, unless ``numbers``."""
    classes = ["background", *(f"class {n}" for n in range(1, 10))]
    colours = {0: (0, 0, 0), 1: (128, 0, 0), 9: (192, 0, 0)}
    lines = ["vid,uid,s_min,s_sec,a_obj,split,label"]
    for uid, split, label, frames in (
        ("M1P1xla8rg0_0_5000", "train", "v1s", 5),
        ("MKC9LvRivTM_0_5000", "test", "v1m", 5),
        ("MKC9LvRivTM_30000_40000", "test", "v2", 10),
    ):
        home = root / label / uid
        for n in range(frames):
            write_image(home / f"frames/{n}.jpg")
            labels = square(9 if n % 2 else 1)
            image = np.array([colours.get(value, (0, 0, 0)) for value in labels.ravel()], np.uint8)
            write_image(home / f"labels_rgb/{n}.png", image.reshape(SIDE, SIDE, 3))
            if numbers:
                write_image(home / f"labels_semantic/{n}.png", labels)
        write_audio(home / "audio.wav")
        lines.append(f"{uid[:11]},{uid},0,0,dog,{split},{label}")
    (root / "metadata.csv").write_text("\n".join(lines) + "\n")
    (root / "label2idx.json").write_text(json.dumps({name: n for n, name in enumerate(classes)}))
    return root


def make_vggss(root: Path, entries: list[dict[str, object]]) -> Path:
    """``vggss.json`` with a frame and an audio file for each entry."""
    for entry in entries:
        write_image(root / f"frames/{entry['file']}.jpg")
        write_audio(root / f"audio/{entry['file']}.wav")
    root.mkdir(parents=True, exist_ok=True)
    (root / "vggss.json").write_text(json.dumps(entries))
    return root


def make_flickr(root: Path, boxes: dict[str, list[tuple[int, int, int, int]]]) -> Path:
    """An annotation, a frame and an audio file for each id; boxes in 256 px, one annotator each."""
    for name, found in boxes.items():
        body = "".join(
            f"<annotator><bbox><id>1</id><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bbox>"
            "</annotator>"
            for a, b, c, d in found
        )
        path = root / f"annotations/{name}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<annotation>{body}</annotation>")
        write_image(root / f"frames/{name}.jpg")
        write_audio(root / f"audio/{name}.wav")
    return root
