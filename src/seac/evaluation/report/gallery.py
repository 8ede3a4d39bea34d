"""Gallery of the best and worst clips, with images and audio."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from seac.datasets.clip import Clip, Reader
from seac.evaluation.answer import ClipAnswer
from seac.evaluation.report.figures import (
    at_side,
    fill_pixels,
    mask_boundary,
    save_audio,
    save_image,
    under_heat,
)
from seac.evaluation.summary import ClipScore, Evaluation

EACH = 12
"""Number of best and of worst clips."""
SIDE = 224


@dataclass(frozen=True)
class Example:
    """One clip of the gallery; files are relative to the report."""

    id: str
    category: str
    score: float
    attribution: str
    image: str
    audio: str | None


@dataclass(frozen=True)
class Gallery:
    """The best and the worst clips by the metric ``figure``."""

    figure: str
    best: tuple[Example, ...]
    worst: tuple[Example, ...]


def ranked_by(clips: Sequence[ClipScore]) -> str:
    """Metric by which clips are ranked: ciou for boxes, else iou."""
    return "ciou" if any("ciou" in clip.scores for clip in clips) else "iou"


def write_gallery(
    evaluation: Evaluation, reader: Reader, answer_of: Callable[[Clip], ClipAnswer], folder: Path
) -> Gallery:
    """Draw the best and the worst clips of the first row.

    An image shows the frame and the frame under the heatmap, both with the contour of the truth in white.
    """
    folder.mkdir()
    first = evaluation.methods[0]
    figure = ranked_by(first.clips)
    known = [clip for clip in first.clips if not math.isnan(clip.scores.get(figure, math.nan))]
    known.sort(key=lambda clip: clip.scores[figure])
    by_id = {clip.id: clip.annotated() for clip in reader.clips}

    def save_examples(rows: Sequence[ClipScore], end: str) -> tuple[Example, ...]:
        return tuple(
            _save_example(row, figure, reader, by_id[row.id], answer_of, folder, f"{end}-{number:02d}")
            for number, row in enumerate(rows)
        )

    half = min(EACH, max(1, len(known) // 2))
    return Gallery(figure, save_examples(known[::-1][:half], "best"), save_examples(known[:half], "worst"))


def _save_example(
    row: ClipScore,
    figure: str,
    reader: Reader,
    clip: Clip,
    answer_of: Callable[[Clip], ClipAnswer],
    folder: Path,
    name: str,
) -> Example:
    truth = reader.truth(clip)
    frame = len(clip.frames) // 2
    sounding = truth.flatten(1).amax(1) > 0
    if bool(sounding.any()) and not bool(sounding[frame]):
        frame = int(sounding.nonzero()[0])
    image = Image.fromarray(reader.image(clip, frame)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    heat = at_side(answer_of(clip).heatmaps[frame].numpy(), SIDE)
    boundary = mask_boundary(at_side((truth[frame] > 0).numpy().astype(np.float32), SIDE) > 0.5)
    pixels = np.asarray(image, np.float32)
    pair = np.concatenate(
        [fill_pixels(pixels, boundary), fill_pixels(under_heat(pixels, heat), boundary)], axis=1
    )
    save_image(pair, folder / f"{name}.jpg")
    return Example(
        clip.id,
        clip.category or "",
        row.scores[figure],
        row.attribution or "",
        f"{folder.name}/{name}.jpg",
        save_audio(reader, clip, folder, name),
    )
