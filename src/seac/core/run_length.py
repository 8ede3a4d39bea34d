"""Check of COCO's compressed run-length code before pycocotools reads it.

The decoder of pycocotools trusts the code: a damaged or hostile one makes it write outside its buffers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST_LETTER, MORE, SIGN, VALUE_BITS = 48, 32, 16, 5
"""A number is written in letters of 5 bits, lowest first; bit 5 says that more follow, bit 4 is the sign."""
MAX_LETTERS = 8
"""Letters of a number: 40 bits, more than the pixels of any mask."""
MAX_PIXELS = 2**31 - 1


def checked_codes(codes: Sequence[bytes], size: tuple[int, int]) -> list[dict[str, Any]]:
    """The masks as pycocotools takes them, if every code covers exactly the pixels of ``size``.

    Args:
        codes: masks in the compressed code.
        size: (height, width).

    Raises:
        ValueError: a code is damaged or of another size.
    """
    height, width = size
    if not 0 < height * width <= MAX_PIXELS or min(size) < 1:
        raise ValueError(f"a mask of {width} x {height} pixels")
    for code in codes:
        runs = read_runs(code)
        if len(runs) == 0 or runs.min() < 0 or runs.max() > MAX_PIXELS or int(runs.sum()) != height * width:
            raise ValueError(f"a mask is no run-length code of {width} x {height} pixels")
    return [{"size": [height, width], "counts": code} for code in codes]


def read_runs(code: bytes) -> NDArray[np.int64]:
    """Lengths of the runs of a code, (n,) in pixels, as written: they may be negative or too many.

    Raises:
        ValueError: the letters are no numbers.
    """
    letters = np.frombuffer(code, np.uint8).astype(np.int64) - FIRST_LETTER
    if len(letters) == 0:
        return np.zeros(0, np.int64)
    ends = (letters & MORE) == 0
    starts = np.flatnonzero(np.concatenate([[True], ends[:-1]]))
    lengths = np.diff(np.append(starts, len(letters)))
    if letters.min() < 0 or letters.max() >= 2 * MORE or not ends[-1] or lengths.max() > MAX_LETTERS:
        raise ValueError("letters that are no run-length code")
    shifts = VALUE_BITS * (np.arange(len(letters)) - np.repeat(starts, lengths))
    values = np.add.reduceat((letters & (MORE - 1)) << shifts, starts)
    negative = (letters[starts + lengths - 1] & SIGN) > 0
    runs = np.where(negative, values - (1 << (VALUE_BITS * lengths)), values)
    # From the fourth number on, the code holds differences to the number before the last.
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs
