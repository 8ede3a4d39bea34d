"""Best and worst clips, drawn, with their sound: what a table cannot tell."""

from __future__ import annotations

import math
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion

from seac.data.clip import Clip, Reader
from seac.errors import InputError
from seac.evaluation.answer import ClipAnswer
from seac.evaluation.evaluation import ClipScore, Evaluation

EACH = 12
"""Clips at either end."""
SIDE = 224
SEARED = np.array([255, 96, 32], np.float32)
LONGEST = 10.0
"""Seconds of sound that are kept."""


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
    heat = _at_side(answer_of(clip).heatmaps[frame].numpy())
    outline = _outline(_at_side((truth[frame] > 0).numpy().astype(np.float32)) > 0.5)
    pixels = np.asarray(picture, np.float32)
    seared = (
        pixels * (1 - 0.6 * heat[..., None]) * (0.45 + 0.55 * heat[..., None])
        + SEARED * 0.6 * heat[..., None]
    )
    pair = np.concatenate([_inked(pixels, outline), _inked(seared, outline)], axis=1)
    Image.fromarray(pair.round().clip(0, 255).astype(np.uint8)).save(folder / f"{name}.jpg", quality=88)
    return Shown(
        clip.id,
        clip.category or "",
        row.scores[figure],
        row.blame or "",
        f"{folder.name}/{name}.jpg",
        _sound(reader, clip, folder, name),
    )


def _at_side(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    image = Image.fromarray(heat.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    inner: NDArray[np.bool_] = binary_erosion(mask, iterations=2)
    return mask & ~inner


def _inked(pixels: NDArray[np.float32], outline: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.where(outline[..., None], np.float32(255), pixels)


def _sound(reader: Reader, clip: Clip, folder: Path, name: str) -> str | None:
    """The clip's sound as 16-bit wav beside the pictures, so that the page needs nothing but its folder."""
    try:
        waveform, sample_rate = reader.waveform(clip)
    except InputError:
        return None
    samples = (waveform[: round(LONGEST * sample_rate)].clamp(-1, 1) * 32_767).round().to(torch.int16)
    with wave.open(str(folder / f"{name}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.numpy().tobytes())
    return f"{folder.name}/{name}.wav"
