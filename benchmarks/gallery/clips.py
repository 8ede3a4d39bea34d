"""Clips of a rendered benchmark, one frame each: audio classes, heatmap and best mask, with the truth."""

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
from seac.evaluation.cached_model import EncodingCache
from seac.evaluation.methods import Model
from seac.evaluation.report.figures import (
    at_side,
    fill_pixels,
    mask_boundary,
    save_audio,
    save_image,
    under_heat,
)
from seac.evaluation.scene import Scene, SceneAudio, SceneImage
from seac.metrics.functional.overlap import overlap
from seac.pipeline import SeAC

EXACT = ("s4", "ms3", "avss")
"""Benchmarks with masks as truth; benchmarks with boxes are not shown."""
SIDE = 224
MAX_CLASSES = 4


@dataclass(frozen=True)
class ShownClip:
    """One frame of a clip; files are relative to the page.

    Attributes:
        benchmark: name of the benchmark on the command line.
        id: id of the clip.
        category: sounding class; may be empty.
        heatmap_iou: IoU of the pixels of the heatmap above .5 with the truth.
        picked: IoU of the mask with the highest logit with the truth.
        oracle: IoU of the best union of masks with the truth.
        attribution: error type of the frame, or "right".
        top_classes: classes with the highest audio probabilities, with these, or "silence".
        top_class: the most probable audio class, or "silence".
        predicted: class and probability of the selected mask.
        image: image file.
        audio: audio file, or None.
    """

    benchmark: str
    id: str
    category: str
    heatmap_iou: float
    picked: float
    oracle: float
    attribution: str
    top_classes: str
    top_class: str
    predicted: str
    image: str
    audio: str | None


def readers(folder: Path) -> dict[str, Reader]:
    """Open the benchmarks with exact masks in a folder of the composite builder.

    Raises:
        InputError: no benchmark, or one that cannot be read.
    """
    present = [name for name in EXACT if (folder / FOLDERS[name]).is_dir()]
    if not present:
        wanted = ", ".join(FOLDERS[name] for name in EXACT)
        raise InputError(f"{folder}: has none of {wanted}; render them with python -m benchmarks.composite")
    return {name: open_benchmark(name, folder / FOLDERS[name]) for name in present}


def show_clips(found: dict[str, Reader], model: SeAC, limit: int | None, folder: Path) -> Iterator[ShownClip]:
    """Predict and draw the first ``limit`` clips of each benchmark into ``folder``, one by one."""
    for name, reader in found.items():
        for number, clip in enumerate(reader.clips[:limit]):
            yield show(name, reader, clip.annotated(), model, folder, f"{name}-{number:03d}")


def show(benchmark: str, reader: Reader, clip: Clip, model: SeAC, folder: Path, file: str) -> ShownClip:
    """Predict and draw one frame: the frame, the heatmap and the selected mask; truth in white."""
    truth = reader.truth(clip)
    frame = frame_to_show(truth)
    scene = Scene(
        SceneImage(reader, clip, frame),
        SceneAudio(reader, clip),
        clip.audio_windows[frame],
        reader.kind,
        truth[frame],
        torch.Generator().manual_seed(0),
        EncodingCache(),
    )
    answer, result = Model("tiny", model)(scene), scene.predict(model)
    masks = scene.masks(model)
    row = int(np.argmax(result.similarity + model.settings.objectness * result.scores))
    wanted = truth[frame] > 0
    heatmap_iou = frame_ious(answer.heatmap[None], truth[frame][None])[0]
    _draw_frame(scene, answer, wanted.numpy(), masks[row].numpy(), folder / f"{file}.jpg")
    audio_text = ", ".join(
        f"{name} {probability:.0%}" for name, probability in result.audio_summary.top_classes[:MAX_CLASSES]
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
    """Index of the middle frame of a truth (F, h, w), or of the first sounding frame if that is empty."""
    middle = len(truth) // 2
    sounding = (truth > 0).flatten(1).any(1)
    return int(sounding.nonzero()[0]) if bool(sounding.any()) and not bool(sounding[middle]) else middle


def _draw_frame(scene: Scene, answer: Answer, truth: np.ndarray, picked: np.ndarray, path: Path) -> None:
    image = Image.fromarray(scene.image.pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.float32)
    heat = at_side(answer.heatmap.numpy(), SIDE)
    rim = mask_boundary(at_side(truth.astype(np.float32), SIDE) > 0.5)
    mask = at_side(picked.astype(np.float32), SIDE) > 0.5
    chosen = np.where(mask[..., None], pixels, pixels * 0.45)
    views = pixels, under_heat(pixels, heat), fill_pixels(chosen, mask_boundary(mask), YELLOW)
    save_image(beside(*(fill_pixels(view, rim, WHITE) for view in views)), path)
