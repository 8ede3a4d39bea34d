"""Best and worst clips, drawn, with their sound: what a table cannot tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from seac.datasets.clip import Clip, Reader
from seac.evaluation.answer import ClipAnswer
from seac.evaluation.report.figures import at_side, inked, outline, save_picture, save_sound, under_heat
from seac.evaluation.summary import ClipScore, Evaluation

EACH = 12
"""Clips at either end."""
SIDE = 224


@dataclass(frozen=True)
class Shown:
    """One clip of the gallery; files are relative to the report."""

    id: str
    category: str
    score: float
    blame: str
    picture: str
    sound: str | None


@dataclass(frozen=True)
class Gallery:
    """The ends of the list, by the figure that a clip is ranked by."""

    figure: str
    best: tuple[Shown, ...]
    worst: tuple[Shown, ...]


def ranked_by(clips: Sequence[ClipScore]) -> str:
    """The figure that tells clips apart: ciou for boxes, else iou."""
    return "ciou" if any("ciou" in clip.scores for clip in clips) else "iou"


def write_gallery(
    evaluation: Evaluation, reader: Reader, answer_of: Callable[[Clip], ClipAnswer], folder: Path
) -> Gallery:
    """Draw the best and the worst clips of the first row.

    A picture shows the frame, the frame under the heatmap, and the truth's outline in white on both.
    """
    folder.mkdir()
    first = evaluation.methods[0]
    figure = ranked_by(first.clips)
    known = [clip for clip in first.clips if not math.isnan(clip.scores.get(figure, math.nan))]
    known.sort(key=lambda clip: clip.scores[figure])
    by_id = {clip.id: clip.annotated() for clip in reader.clips}

    def drawn(rows: Sequence[ClipScore], end: str) -> tuple[Shown, ...]:
        return tuple(
            _show(row, figure, reader, by_id[row.id], answer_of, folder, f"{end}-{number:02d}")
            for number, row in enumerate(rows)
        )

    half = min(EACH, max(1, len(known) // 2))
    return Gallery(figure, drawn(known[::-1][:half], "best"), drawn(known[:half], "worst"))


def _show(
    row: ClipScore,
    figure: str,
    reader: Reader,
    clip: Clip,
    answer_of: Callable[[Clip], ClipAnswer],
    folder: Path,
    name: str,
) -> Shown:
    truth = reader.truth(clip)
    frame = len(clip.frames) // 2
    sounding = truth.flatten(1).amax(1) > 0
    if bool(sounding.any()) and not bool(sounding[frame]):
        frame = int(sounding.nonzero()[0])
    picture = Image.fromarray(reader.image(clip, frame)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    heat = at_side(answer_of(clip).heatmaps[frame].numpy(), SIDE)
    rim = outline(at_side((truth[frame] > 0).numpy().astype(np.float32), SIDE) > 0.5)
    pixels = np.asarray(picture, np.float32)
    pair = np.concatenate([inked(pixels, rim), inked(under_heat(pixels, heat), rim)], axis=1)
    save_picture(pair, folder / f"{name}.jpg")
    return Shown(
        clip.id,
        clip.category or "",
        row.scores[figure],
        row.blame or "",
        f"{folder.name}/{name}.jpg",
        save_sound(reader, clip, folder, name),
    )
