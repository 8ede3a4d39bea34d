"""Two photographs of different classes side by side, with a recording of one of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.real_clips.encoded import EncodedImages
from benchmarks.real_clips.scores import heatmap_peak
from benchmarks.tables import table
from seac.core.errors import InputError
from seac.core.result import FrameResult
from seac.media.decode import load_waveform
from seac.pipeline import SeAC

SIDE = 256
"""Height of a pair in pixels."""
MIN_SHARE = 0.08
"""Smallest share of a photograph that its main instance covers."""
TRIALS = 200
"""Trials of each kind of pair; each pair of photographs gives two, one per recording."""
ANIMALS: Mapping[str, str] = {
    "bird": "songbird",
    "cat": "cat",
    "cow": "cow",
    "dog": "dog",
    "horse": "horse",
    "rooster": "rooster",
    "sheep": "sheep",
}
THINGS: Mapping[str, str] = {
    "airplane": "airplane",
    "banjo": "banjo",
    "clarinet": "clarinet",
    "drum_kit": "drum",
    "flute": "flute",
    "guitar": "acoustic_guitar",
    "gun": "gun",
    "helicopter": "helicopter",
    "mandolin": "mandolin",
    "maracas": "maracas",
    "piano": "piano",
    "saxophone": "saxophone",
    "sitar": "sitar",
    "tambourine": "tambourine",
    "train": "train",
    "trombone": "trombone",
    "trumpet": "trumpet",
    "violin": "violin",
}
"""Classes of photographs with the class of their recordings."""
RECORDINGS: Mapping[str, str] = {**ANIMALS, **THINGS}
CATEGORIES = {"animal/animal": (ANIMALS, ANIMALS), "animal/thing": (ANIMALS, THINGS)}


@dataclass(frozen=True)
class Trial:
    """One pair of photographs with one recording.

    Attributes:
        kind: key of :data:`CATEGORIES`.
        pair: number of the pair.
        classes: of the left and the right photograph.
        sounding: 0 if the left one sounds, 1 for the right one.
        peak: whether the peak of the heatmap is on the sounding side; False without heat.
        likeliest: whether the most probable mask is on the sounding side; False without masks.
        heat: whether there is heat.
        active: number of sounding masks on the sounding and on the other side.
        objectness: whether the mask of highest objectness is on the sounding side.
    """

    kind: str
    pair: int
    classes: tuple[str, str]
    sounding: int
    peak: bool
    likeliest: bool
    heat: bool
    active: tuple[int, int]
    objectness: bool


def main_classes(photos: Path) -> dict[str, list[Path]]:
    """Photographs by the class of their label or main instance, without those that have neither.

    Raises:
        InputError: the folder has no ``instances.jsonl``.
    """
    listing = photos / "instances.jsonl"
    if not listing.is_file():
        raise InputError(f"{listing}: no such file; give the folder with photos/dev and recordings/dev")
    found: dict[str, list[Path]] = {}
    for line in listing.read_text(encoding="utf-8").splitlines():
        photo = json.loads(line)
        name = main_class(photo)
        if name is not None:
            found.setdefault(name, []).append(photos / photo["file"])
    return found


def main_class(photo: Mapping[str, Any]) -> str | None:
    """The label, or the class of the largest box if that covers at least :data:`MIN_SHARE`; no crowds."""
    if photo.get("label"):
        return str(photo["label"])
    shares = [
        ((box[2] - box[0]) * (box[3] - box[1]) / (photo["width"] * photo["height"]), instance["class"])
        for instance in photo["instances"]
        if not instance["crowd"] and (box := instance["box"])
    ]
    share, name = max(shares, key=lambda row: row[0], default=(0.0, None))
    return str(name) if name is not None and share >= MIN_SHARE else None


def draw_pairs(
    photos: Mapping[str, Sequence[Path]], kind: str, count: int, generator: np.random.Generator
) -> Iterator[tuple[tuple[str, str], tuple[Path, Path]]]:
    """``count`` pairs of photographs of different classes, the sides in random order."""
    left, right = ([name for name in sorted(group) if photos.get(name)] for group in CATEGORIES[kind])
    possible = [(a, b) for a, b in product(left, right) if a != b]
    if not possible:
        raise InputError(f"no two classes of photographs for {kind} pairs; give the folder with photos/dev")
    for _ in range(count):
        names = possible[int(generator.integers(len(possible)))]
        if generator.random() < 0.5:
            names = names[1], names[0]
        files = tuple(photos[name][int(generator.integers(len(photos[name])))] for name in names)
        yield names, (files[0], files[1])


def side_by_side(left: Path, right: Path) -> tuple[Tensor, float]:
    """Both photographs at a height of :data:`SIDE`: (3, SIDE, W) uint8, and the share of the left one."""
    scaled = []
    for path in (left, right):
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        scaled.append(np.asarray(image.resize((max(1, round(image.width * SIDE / image.height)), SIDE))))
    joined = torch.from_numpy(np.concatenate(scaled, axis=1)).permute(2, 0, 1).contiguous()
    return joined, scaled[0].shape[1] / joined.shape[2]


def run_pairs(
    model: SeAC, images: EncodedImages, folder: Path, limit: int | None, seed: int
) -> Iterator[Trial]:
    """Score pairs of every kind, each with a recording of its left and of its right class.

    Args:
        model: any preset.
        images: encodes a pair once.
        folder: with photos/dev and recordings/dev.
        limit: pairs of each kind; None for half of :data:`TRIALS`.
        seed: of pairs and recordings.

    Raises:
        InputError: photographs or recordings are missing.
    """
    photos = main_classes(folder / "photos" / "dev")
    generator = np.random.default_rng(seed)
    for kind in CATEGORIES:
        pairs = draw_pairs(photos, kind, TRIALS // 2 if limit is None else limit, generator)
        for number, (names, files) in enumerate(pairs):
            pixels, border = side_by_side(*files)
            image = images.encode(pixels, (int(pixels.shape[1]), int(pixels.shape[2])))
            for sounding, name in enumerate(names):
                recording = choose_recording(folder / "recordings" / "dev", name, generator)
                rate = model.stages.audio.sample_rate
                waveform = loudest(load_waveform(recording, rate), round(model.settings.audio_window * rate))
                result = model.predict(image, model.encode_audio(waveform, rate))
                yield score_pair(result, kind, number, names, sounding, border)


def choose_recording(recordings: Path, name: str, generator: np.random.Generator) -> Path:
    """A recording for a class of photographs.

    Raises:
        InputError: the class has no recordings.
    """
    folder = recordings / RECORDINGS[name]
    files = sorted(folder.glob("*")) if folder.is_dir() else []
    if not files:
        raise InputError(f"{folder}: holds no recordings; give the folder with recordings/dev")
    return files[int(generator.integers(len(files)))]


def loudest(waveform: Tensor, samples: int) -> Tensor:
    """The loudest ``samples`` of a waveform (S,), in steps of a quarter; all of it if it is shorter."""
    if len(waveform) <= samples:
        return waveform
    starts = [*range(0, len(waveform) - samples, max(1, samples // 4)), len(waveform) - samples]
    start = max(starts, key=lambda first: float(waveform[first : first + samples].square().sum()))
    return waveform[start : start + samples]


def score_pair(
    result: FrameResult, kind: str, pair: int, classes: tuple[str, str], sounding: int, border: float
) -> Trial:
    """Score a pair; ``border`` is the share of the width that the left photograph has."""
    peak = heatmap_peak(result.heatmap)
    sides = [mask_side(mask, border) for mask in result.masks]
    best = int(np.argmax(result.scores)) if len(result) else None
    top = mask_side(result.top(1).masks[0], border) if len(result) else None
    active = [side for side, sounds in zip(sides, result.sounding.tolist(), strict=True) if sounds]
    return Trial(
        kind=kind,
        pair=pair,
        classes=classes,
        sounding=sounding,
        peak=peak is not None and int(peak[0] >= border) == sounding,
        likeliest=top == sounding,
        heat=peak is not None,
        active=(active.count(sounding), active.count(1 - sounding)),
        objectness=best is not None and sides[best] == sounding,
    )


def mask_side(mask: np.ndarray[Any, np.dtype[np.bool_]], border: float) -> int:
    """0 if most of a mask (H, W) is left of the border, else 1."""
    left = int(mask[:, : round(border * mask.shape[1])].sum())
    return int(2 * left < int(mask.sum()))


SHARES: Mapping[str, Callable[[Trial], bool]] = {
    "peak on the sounding side": lambda trial: trial.peak,
    "likeliest mask on the sounding side": lambda trial: trial.likeliest,
    "no heat": lambda trial: not trial.heat,
    "active on the sounding side only": lambda trial: trial.active[0] > 0 and trial.active[1] == 0,
    "nothing active": lambda trial: sum(trial.active) == 0,
    "guess: mask of highest objectness": lambda trial: trial.objectness,
}


def summarise_pairs(trials: Sequence[Trial], draws: int, seed: int) -> dict[str, dict[str, float]]:
    """Shares of each kind with confidence intervals (95 %, bootstrap over pairs)."""
    found, generator = {}, np.random.default_rng(seed)
    for kind in CATEGORIES:
        chosen = [trial for trial in trials if trial.kind == kind]
        if not chosen:
            continue
        pairs = sorted({trial.pair for trial in chosen})
        by_pair = [[trial for trial in chosen if trial.pair == pair] for pair in pairs]
        drawn = [generator.integers(len(pairs), size=len(pairs)) for _ in range(draws)]
        for name, pick in SHARES.items():
            values = np.array([np.mean([pick(trial) for trial in rows]) for rows in by_pair])
            spread = [float(values[rows].mean()) for rows in drawn]
            low, high = np.quantile(spread, (0.025, 0.975)) if spread else (values.mean(), values.mean())
            found[f"{kind}: {name}"] = {"value": float(values.mean()), "low": float(low), "high": float(high)}
    return found


def report_pairs(trials: Sequence[Trial], summary: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Lines of Markdown: all figures, then the share of right peaks by sounding class."""
    rows = [
        [name, f"{row['value']:.2f}", f"{row['low']:.2f} to {row['high']:.2f}"]
        for name, row in summary.items()
    ]
    classes: dict[str, list[bool]] = {}
    for trial in trials:
        classes.setdefault(trial.classes[trial.sounding], []).append(trial.peak)
    by_class = [[name, len(found), f"{np.mean(found):.2f}"] for name, found in sorted(classes.items())]
    return [
        *table(["figure", "value", "95 % interval over pairs"], rows),
        "",
        *table(["sounding class", "trials", "peak on its side"], by_class),
    ]
