"""``sheet.png``: the clip at a glance, at most twelve of its frames side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from seac.core.result import FrameResult
from seac.export.draw import draw_result
from seac.export.writer import Clip

MAX_FRAMES, COLUMNS, WIDTH = 12, 4, 320


class Sheet:
    """Keeps evenly spaced frames; when there are too many, every second one goes."""

    files = ("sheet.png",)

    def __init__(self, folder: Path, clip: Clip) -> None:
        self._path = folder / "sheet.png"
        self._kept: list[tuple[float, NDArray[np.uint8]]] = []
        self._every, self._count = 1, 0

    def add(self, result: FrameResult) -> None:
        """Keep a frame if it is one of those."""
        if self._count % self._every == 0:
            self._kept.append((result.time, draw_result(result)))
            if len(self._kept) > MAX_FRAMES:
                self._kept, self._every = self._kept[::2], self._every * 2
        self._count += 1

    def close(self) -> None:
        """Write the picture."""
        if not self._kept:
            return
        tall = max(1, round(self._kept[0][1].shape[0] * WIDTH / self._kept[0][1].shape[1]))
        rows = -(-len(self._kept) // COLUMNS)
        sheet = Image.new("RGB", (COLUMNS * WIDTH, rows * tall), "white")
        pen = ImageDraw.Draw(sheet)
        for number, (time, frame) in enumerate(self._kept):
            corner = (number % COLUMNS * WIDTH, number // COLUMNS * tall)
            sheet.paste(Image.fromarray(frame).resize((WIDTH, tall), Image.Resampling.LANCZOS), corner)
            pen.text((corner[0] + WIDTH - 44, corner[1] + tall - 14), f"{time:.1f} s", fill="white")
        sheet.save(self._path)
