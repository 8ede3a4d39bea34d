"""Clips of a rendered benchmark, one frame each: what was heard, lit and picked, against the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.composite import FOLDERS
from benchmarks.gallery.figures import WHITE, YELLOW, beside
from seac.core.errors import InputError
from seac.datasets.clip import Clip, Reader
from seac.datasets.table import open_benchmark
from seac.evaluation.answer import Answer, ClipAnswer
from seac.evaluation.attribution import blame_frame, frame_overlaps
from seac.evaluation.methods import Model
from seac.evaluation.report.figures import at_side, inked, outline, save_picture, save_sound, under_heat
from seac.evaluation.scene import Picture, Scene, Sound
from seac.metrics.functional.overlap import overlap
from seac.pipeline import SeAC

EXACT = ("s4", "ms3", "avss")
"""Benchmarks whose truth is masks; boxes say too little to look at."""
SIDE = 224
TAGS = 4


@dataclass(frozen=True)
class ShownClip:
    """One frame of a clip; files are relative to the page.

    Attributes:
        benchmark: its name on the command line.
        id: of the clip.
        category: what sounds; may be empty.
        lit: IoU of what the heatmap lights above .5 with what sounds.
        picked: IoU of the mask with the greatest evidence with what sounds.
        hindsight: IoU of the best union of masks with what sounds.
        blame: the stage that lost the frame, or "right".
        heard: the audio network's likeliest words with their probabilities, or "silence".
        first_word: the likeliest of them, or "silence".
        looked: class and probability of the picked mask.
        picture: file.
        sound: file, or None.
    """

    benchmark: str
    id: str
    category: str
    lit: float
    picked: float
    hindsight: float
    blame: str
    heard: str
    first_word: str
    looked: str
    picture: str
    sound: str | None


def readers(folder: Path) -> dict[str, Reader]:
    """The benchmarks with exact masks that lie in a folder as the composite builder lays them out.

    Raises:
        InputError: there are none, or one that cannot be read.
    """
    there = [name for name in EXACT if (folder / FOLDERS[name]).is_dir()]
    if not there:
        wanted = ", ".join(FOLDERS[name] for name in EXACT)
        raise InputError(f"{folder}: holds none of {wanted}; render them with python -m benchmarks.composite")
    return {name: open_benchmark(name, folder / FOLDERS[name]) for name in there}


def shown_clips(found: dict[str, Reader], model: SeAC, most: int | None, folder: Path) -> Iterator[ShownClip]:
    """Judge and draw the first ``most`` clips of each benchmark into ``folder``, one at a time."""
    for name, reader in found.items():
        for number, clip in enumerate(reader.clips[:most]):
            yield show(name, reader, clip.annotated(), model, folder, f"{name}-{number:03d}")


def show(benchmark: str, reader: Reader, clip: Clip, model: SeAC, folder: Path, file: str) -> ShownClip:
    """Judge one frame and draw it: the frame, under the heatmap, and the picked mask; truth in white."""
    truth = reader.truth(clip)
    frame = frame_to_show(truth)
    scene = Scene(
        Picture(reader, clip, frame),
        Sound(reader, clip),
        clip.hears[frame],
        reader.kind,
        truth[frame],
        torch.Generator().manual_seed(0),
    )
    answer, result = Model("tiny", model)(scene), scene.judged(model)
    masks = scene.masks(model)
    row = int(np.argmax(model.evidence(torch.from_numpy(result.similarity), torch.from_numpy(result.scores))))
    wanted = truth[frame] > 0
    lit = frame_overlaps(answer.heatmap[None], truth[frame][None])[0]
    _draw(scene, answer, wanted.numpy(), masks[row].numpy(), folder / f"{file}.jpg")
    said = ", ".join(f"{word} {probability:.0%}" for word, probability in result.heard.tags[:TAGS])
    return ShownClip(
        benchmark,
        clip.id,
        clip.category or "",
        lit,
        float(overlap(masks[row][None], wanted)[0]),
        answer.best,
        blame_frame(ClipAnswer.of([answer]), truth[frame][None], 0, reader.kind, lit),
        "silence" if result.heard.silent else said,
        "silence" if result.heard.silent or not result.heard.tags else result.heard.tags[0][0],
        f"{result.names[row]} {result.probability[row]:.0%}",
        f"{folder.name}/{file}.jpg",
        save_sound(reader, clip, folder, file),
    )


def frame_to_show(truth: torch.Tensor) -> int:
    """The middle frame of a truth (F, h, w), or the first in which something sounds if that is dark."""
    middle = len(truth) // 2
    sounding = (truth > 0).flatten(1).any(1)
    return int(sounding.nonzero()[0]) if bool(sounding.any()) and not bool(sounding[middle]) else middle


def _draw(scene: Scene, answer: Answer, truth: np.ndarray, picked: np.ndarray, path: Path) -> None:
    image = Image.fromarray(scene.picture.image).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.float32)
    heat = at_side(answer.heatmap.numpy(), SIDE)
    rim = outline(at_side(truth.astype(np.float32), SIDE) > 0.5)
    mask = at_side(picked.astype(np.float32), SIDE) > 0.5
    chosen = np.where(mask[..., None], pixels, pixels * 0.45)
    views = pixels, under_heat(pixels, heat), inked(chosen, outline(mask), YELLOW)
    save_picture(beside(*(inked(view, rim, WHITE) for view in views)), path)
