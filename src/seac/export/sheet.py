"""``sheet.png``: a contact sheet of at most twelve frames of the clip."""

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
    """Keeps evenly spaced frames; when there are too many, every second frame is dropped."""

    files = ("sheet.png",)

    def __init__(self, folder: Path, clip: Clip) -> None:
        self._path = folder / "sheet.png"
        self._frames: list[tuple[float, NDArray[np.uint8]]] = []
        self._every, self._count = 1, 0

    def add(self, result: FrameResult) -> None:
        """Keep a frame if it is at the current spacing."""
        if self._count % self._every == 0:
            self._frames.append((result.time, draw_result(result)))
            if len(self._frames) > MAX_FRAMES:
                self._frames, self._every = self._frames[::2], self._every * 2
        self._count += 1

    def close(self) -> None:
        """Write the sheet."""
        if not self._frames:
            return
        height = max(1, round(self._frames[0][1].shape[0] * WIDTH / self._frames[0][1].shape[1]))
        rows = -(-len(self._frames) // COLUMNS)
        sheet = Image.new("RGB", (COLUMNS * WIDTH, rows * height), "white")
        pen = ImageDraw.Draw(sheet)
        for number, (time, frame) in enumerate(self._frames):
            corner = (number % COLUMNS * WIDTH, number // COLUMNS * height)
            sheet.paste(Image.fromarray(frame).resize((WIDTH, height), Image.Resampling.LANCZOS), corner)
            pen.text((corner[0] + WIDTH - 44, corner[1] + height - 14), f"{time:.1f} s", fill="white")
        sheet.save(self._path)
