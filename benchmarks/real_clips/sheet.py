"""Contact sheet of the worst frames: sounding masks, annotated boxes, names and probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.real_clips.annotation import Box
from benchmarks.real_clips.clips import Case, FrameRecord
from benchmarks.real_clips.errors import worst_frames
from benchmarks.real_clips.scores import ResultScore, heatmap_peak
from seac.core.result import FrameResult
from seac.evaluation.report.figures import mask_boundary

WIDTH, HEIGHT, TEXT, HEADING = 400, 300, 40, 28
COLUMNS = 5
ACTIVE, LIKELIEST = (255, 64, 64), (255, 160, 0)
SMALLEST, LARGER, OPTIONAL, DISTRACTOR = (0, 255, 0), (0, 160, 255), (160, 255, 160), (255, 0, 255)
SHOWN_NAMES = 4
Colour = tuple[int, int, int]


@dataclass
class Sheet:
    """Draws every frame as it is scored; the worst are chosen at the end."""

    cells: list[Image.Image] = field(default_factory=list)

    def add(self, result: FrameResult, case: Case, score: ResultScore) -> None:
        """Draw one frame."""
        self.cells.append(draw_cell(result, case))

    def save(self, path: Path, records: Sequence[FrameRecord], worst: int) -> None:
        """Write the ``worst`` frames by error, each with a heading.

        Args:
            path: PNG file.
            records: of the drawn frames, in the same order.
            worst: number of frames.
        """
        groups = worst_frames(records, worst)
        lines = {cause: -(-len(rows) // COLUMNS) for cause, rows in groups.items()}
        height = sum(HEADING + count * HEIGHT for count in lines.values())
        sheet = Image.new("RGB", (COLUMNS * WIDTH, max(HEADING, height)))
        top = 0
        for cause, rows in groups.items():
            ImageDraw.Draw(sheet).text((4, top + 4), f"{cause}: {len(rows)}", fill=LIKELIEST, font=_font(18))
            top += HEADING
            for place, row in enumerate(rows):
                corner = place % COLUMNS * WIDTH, top + place // COLUMNS * HEIGHT
                sheet.paste(self.cells[row], corner)
            top += lines[cause] * HEIGHT
        sheet.save(path)


def draw_cell(result: FrameResult, case: Case) -> Image.Image:
    """One frame: sounding masks red, or the contour of the likeliest mask orange; annotated boxes."""
    pixels = result.image.astype(np.float32)
    chosen = result.display_masks()
    ordered = result.top(len(result))
    for mask in chosen.masks:
        pixels = _paint(pixels, mask, ACTIVE, 0.45)
    outlines = chosen.masks if len(chosen) else ordered.masks[:1]
    for mask in outlines:
        pixels = _paint(pixels, mask_boundary(mask), ACTIVE if len(chosen) else LIKELIEST, 1.0)
    image = Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
    scale = min(WIDTH / image.width, (HEIGHT - TEXT) / image.height)
    image = image.resize((max(1, int(image.width * scale)), max(1, int(image.height * scale))))
    draw = ImageDraw.Draw(image)
    for box in case.frame.distractors:
        _outline(draw, box, image.size, DISTRACTOR)
    for thing in case.frame.sounding:
        if thing.larger is not None:
            _outline(draw, thing.larger, image.size, LARGER)
        _outline(draw, thing.box, image.size, OPTIONAL if thing.optional else SMALLEST)
    peak = heatmap_peak(result.heatmap)
    if peak is not None:
        x, y = peak[0] * image.width, peak[1] * image.height
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), outline=(0, 0, 0), fill=(255, 255, 0))
    cell = Image.new("RGB", (WIDTH, HEIGHT), (24, 24, 24))
    cell.paste(image, (0, TEXT))
    _write(ImageDraw.Draw(cell), result, ordered, case)
    return cell


def _write(draw: ImageDraw.ImageDraw, result: FrameResult, ordered: FrameResult, case: Case) -> None:
    wanted = case.frame.sounding[0].names[0] if case.frame.sounding else " ".join(case.frame.flags)
    summary = result.audio_summary
    audio = ", ".join(f"{name} {probability:.2f}" for name, probability in summary.top_classes[:3])
    state = "silent" if summary.silent else "noise" if summary.noise else audio
    names = ", ".join(
        f"{'*' if mask.sounding else ''}{mask.name} {mask.probability:.2f}"
        for mask in ordered.top(SHOWN_NAMES)
    )
    draw.text(
        (2, 1), f"{case.clip.file[-28:-4]} {case.frame.time:g} [{wanted}] {state}", fill="white", font=_font()
    )
    draw.text((2, 13), names, fill="white", font=_font())


def _paint(
    pixels: NDArray[np.float32], where: NDArray[np.bool_], colour: Colour, weight: float
) -> NDArray[np.float32]:
    painted = pixels.copy()
    painted[where] = (1 - weight) * painted[where] + weight * np.array(colour, np.float32)
    return painted


def _outline(draw: ImageDraw.ImageDraw, box: Box, size: tuple[int, int], colour: Colour) -> None:
    width, height = size
    x1, y1, x2, y2 = box
    draw.rectangle((x1 * width, y1 * height, x2 * width - 1, y2 * height - 1), outline=colour, width=2)


def _font(size: int = 10) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
