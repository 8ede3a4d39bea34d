"""The run-length code of Label Studio's brush: a stream of bits for the bytes of an RGBA image.

The stream begins with the number of bytes (32 bits), the width of a word less one (5 bits) and four widths of
lengths less one (4 bits each). Then follow blocks: a bit that says whether one word is repeated, the number
of the width (2 bits), the length less one in that width, and the word. Zeros fill the last byte.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seac.export.instances import run_lengths

WORD = 8
WIDTHS = (3, 4, 8, 16)
"""Bits of a length, by number of the width."""
CHANNELS = 4


def encode_brush(mask: NDArray[np.bool_]) -> list[int]:
    """The bytes of the code of a mask (H, W): all four channels are 255 inside it and 0 outside."""
    pixels = mask.ravel()
    runs = run_lengths(pixels) * CHANNELS
    inside = bool(pixels[0])
    bits = [f"{pixels.size * CHANNELS:032b}{WORD - 1:05b}", *(f"{width - 1:04b}" for width in WIDTHS)]
    for run in runs.tolist():
        bits.append(_blocks(run, 255 * inside))
        inside = not inside
    stream = "".join(bits)
    stream += "0" * (-len(stream) % 8)
    return list(int(stream, 2).to_bytes(len(stream) // 8, "big"))


def _blocks(length: int, word: int) -> str:
    """Blocks of ``length`` times one word."""
    longest = 1 << WIDTHS[-1]
    whole, rest = divmod(length, longest)
    return _block(longest, word) * whole + (_block(rest, word) if rest else "")


def _block(length: int, word: int) -> str:
    number, width = next((n, width) for n, width in enumerate(WIDTHS) if length <= 1 << width)
    return f"1{number:02b}{length - 1:0{width}b}{word:0{WORD}b}"
