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
from seac.evaluation.attribution import attribute_frame, frame_ious
from seac.evaluation.methods import Model
from seac.evaluation.report.figures import (
    at_side,
    fill_pixels,
    mask_boundary,
    save_audio,
    save_image,
    under_heat,
)
from seac.evaluation.scene import CachedAudio, CachedImage, Scene
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
        heatmap_iou: IoU of what the heatmap lights above .5 with what sounds.
        picked: IoU of the mask with the greatest evidence with what sounds.
        oracle: IoU of the best union of masks with what sounds.
        attribution: the stage that lost the frame, or "right".
        top_classes: the audio network's likeliest words with their probabilities, or "silence".
        first_word: the likeliest of them, or "silence".
        predicted: class and probability of the picked mask.
        image: file.
        audio: file, or None.
    """

    benchmark: str
    id: str
    category: str
    heatmap_iou: float
    picked: float
    oracle: float
    attribution: str
    top_classes: str
    first_word: str
    predicted: str
    image: str
    audio: str | None


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


def show_clips(found: dict[str, Reader], model: SeAC, limit: int | None, folder: Path) -> Iterator[ShownClip]:
    """Judge and draw the first ``limit`` clips of each benchmark into ``folder``, one at a time."""
    for name, reader in found.items():
        for number, clip in enumerate(reader.clips[:limit]):
            yield show(name, reader, clip.annotated(), model, folder, f"{name}-{number:03d}")


def show(benchmark: str, reader: Reader, clip: Clip, model: SeAC, folder: Path, file: str) -> ShownClip:
    """Judge one frame and draw it: the frame, under the heatmap, and the picked mask; truth in white."""
    truth = reader.truth(clip)
    frame = frame_to_show(truth)
    scene = Scene(
        CachedImage(reader, clip, frame),
        CachedAudio(reader, clip),
        clip.audio_windows[frame],
        reader.kind,
        truth[frame],
        torch.Generator().manual_seed(0),
    )
    answer, result = Model("tiny", model)(scene), scene.predict(model)
    masks = scene.masks(model)
    row = int(np.argmax(result.similarity + model.settings.objectness * result.scores))
    wanted = truth[frame] > 0
    heatmap_iou = frame_ious(answer.heatmap[None], truth[frame][None])[0]
    _draw_frame(scene, answer, wanted.numpy(), masks[row].numpy(), folder / f"{file}.jpg")
    audio_text = ", ".join(
        f"{word} {probability:.0%}" for word, probability in result.audio_summary.top_classes[:TAGS]
    )
    return ShownClip(
        benchmark,
        clip.id,
        clip.category or "",
        heatmap_iou,
        float(overlap(masks[row][None], wanted)[0]),
        answer.best,
        attribute_frame(ClipAnswer.of([answer]), truth[frame][None], 0, reader.kind, heatmap_iou),
        "silence" if result.audio_summary.silent else audio_text,
        "silence"
        if result.audio_summary.silent or not result.audio_summary.top_classes
        else result.audio_summary.top_classes[0][0],
        f"{result.names[row]} {result.probability[row]:.0%}",
        f"{folder.name}/{file}.jpg",
        save_audio(reader, clip, folder, file),
    )


def frame_to_show(truth: torch.Tensor) -> int:
    """The middle frame of a truth (F, h, w), or the first in which something sounds if that is dark."""
    middle = len(truth) // 2
    sounding = (truth > 0).flatten(1).any(1)
    return int(sounding.nonzero()[0]) if bool(sounding.any()) and not bool(sounding[middle]) else middle


def _draw_frame(scene: Scene, answer: Answer, truth: np.ndarray, picked: np.ndarray, path: Path) -> None:
    image = Image.fromarray(scene.cached_image.image).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.float32)
    heat = at_side(answer.heatmap.numpy(), SIDE)
    rim = mask_boundary(at_side(truth.astype(np.float32), SIDE) > 0.5)
    mask = at_side(picked.astype(np.float32), SIDE) > 0.5
    chosen = np.where(mask[..., None], pixels, pixels * 0.45)
    views = pixels, under_heat(pixels, heat), fill_pixels(chosen, mask_boundary(mask), YELLOW)
    save_image(beside(*(fill_pixels(view, rim, WHITE) for view in views)), path)
