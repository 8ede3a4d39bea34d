"""Benchmarks of coloured squares in the public layouts: what sounds is the square of the pitch's colour."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.fakes import COLOURS, squares, tone, write_wav

SIDE = 224


def picture() -> np.ndarray:
    return squares(SIDE, SIDE)


def mask_of(colour: str) -> np.ndarray:
    """(224, 224) bool."""
    channel = COLOURS.index(colour)
    return picture()[..., channel] > 200


def save(image: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def sound(colour: str, path: Path, seconds: float = 5.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, tone(colour, seconds))


def rows(path: Path, *lines: list[object]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)


def s4(root: Path, count: int = 3, train: int = 0) -> Path:
    """A clip per colour in turn, five frames each; after them those to train on, with one mask each."""
    listed = []
    for number in range(count + train):
        colour = COLOURS[number % 3]
        name = f"{colour}_{number}"
        split = "test" if number < count else "train"
        for frame in range(1, 6):
            save(picture(), root / f"s4_data/visual_frames/{split}/{colour}/{name}/{name}_{frame}.png")
            truth = (mask_of(colour) * 255).astype(np.uint8)
            if split == "test" or frame == 1:
                save(truth, root / f"s4_data/gt_masks/{split}/{colour}/{name}/{name}_{frame}.png")
        sound(colour, root / f"s4_data/audio_wav/{split}/{colour}/{name}.wav")
        listed.append([name, 0, colour, split])
    rows(root / "s4_meta_data.csv", ["name", "start", "category", "split"], *listed)
    return root


def ms3(root: Path) -> Path:
    """One clip of red, whose third frame is silent by its truth."""
    for frame in range(1, 6):
        save(picture(), root / f"ms3_data/visual_frames/v/v.mp4_{frame}.png")
        truth = (mask_of("red") * (0 if frame == 3 else 255)).astype(np.uint8)
        save(truth, root / f"ms3_data/gt_masks/test/v/v_{frame}.png")
    sound("red", root / "ms3_data/audio_wav/test/v.wav")
    rows(root / "ms3_meta_data.csv", ["video_id", "split"], ["v", "test"])
    return root


def avss(root: Path) -> Path:
    """A clip of ten frames: red sounds for five seconds, then blue."""
    names = ["background", *COLOURS]
    home = root / "v2/clip_0_10000"
    for frame in range(10):
        colour = "red" if frame < 5 else "blue"
        save(picture(), home / f"frames/{frame}.jpg")
        save((mask_of(colour) * names.index(colour)).astype(np.uint8), home / f"labels_semantic/{frame}.png")
        save(np.zeros((SIDE, SIDE, 3), np.uint8), home / f"labels_rgb/{frame}.png")
    waveform = np.concatenate([tone("red", 5), tone("blue", 5)])
    write_wav(home / "audio.wav", waveform)
    (root / "label2idx.json").write_text(json.dumps({name: row for row, name in enumerate(names)}))
    head = ["vid", "uid", "s_min", "s_sec", "a_obj", "split", "label"]
    rows(root / "metadata.csv", head, ["clip", "clip_0_10000", 0, 0, "red_blue", "test", "v2"])
    return root


def vggss(root: Path) -> Path:
    """A clip per colour, and for each the sound of nothing."""
    entries, negatives = [], []
    for colour in COLOURS:
        name = f"{colour}_000000"
        ys, xs = np.where(mask_of(colour))
        box = [xs.min() / SIDE, ys.min() / SIDE, (xs.max() + 1) / SIDE, (ys.max() + 1) / SIDE]
        entries.append({"file": name, "class": colour, "bbox": [[float(value) for value in box]]})
        for folder in ("frames", "extend_frames"):
            save(picture(), root / folder / f"{name}.jpg")
        sound(colour, root / f"audio/{name}.wav")
        sound("silence", root / f"extend_audio/silent{colour}.wav")
        negatives.append([name, f"silent{colour}", "non-sounding"])
    (root / "vggss.json").write_text(json.dumps(entries))
    rows(root / "vggss_test_plus_silent.csv", ["video", "audio", "label"], *negatives)
    return root
