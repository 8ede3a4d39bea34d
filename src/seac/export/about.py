"""What the page of formats says about an exporter: ``about`` of its class."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """One row of docs/exports.md.

    Attributes:
        opens: programs and libraries that read the format.
        numbers: how the format counts frames, and from which number.
        pixels: what its coordinates refer to, and whether images are written.
        holes: what becomes of holes and of several parts of a mask.
    """

    opens: str
    numbers: str
    pixels: str
    holes: str
