"""Fonts that have the letters of a text, and plots in which names are text and never formulas.

matplotlib's own font has Latin, Greek, Cyrillic, Arabic and Hebrew letters; for others an installed font is
searched. Where there is none, the text is left out rather than drawn as boxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache

DEFAULT_FAMILY = "DejaVu Sans"
"""Font family that comes with matplotlib."""


@lru_cache(maxsize=256)
def find_font(text: str) -> str | None:
    """Path of a font file with all letters of a text, matplotlib's own first; None if there is none."""
    from matplotlib import font_manager  # imported late: loading takes as long as segmenting a frame

    letters = frozenset(ord(letter) for letter in text if not letter.isspace())
    own = font_manager.findfont(DEFAULT_FAMILY)
    installed = (entry.fname for entry in font_manager.fontManager.ttflist if entry.style == "normal")
    return next((path for path in (own, *installed) if letters <= _letters_of(path)), None)


@lru_cache(maxsize=1024)
def _letters_of(path: str) -> frozenset[int]:
    """Code points of a font file; none if it cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


def drawable(text: str, otherwise: str = "") -> str:
    """A text if a font has all its letters, else what stands in for it."""
    return text if find_font(text) is not None else otherwise


@contextmanager
def plain_text(texts: Iterable[str]) -> Iterator[None]:
    """Plots in the block draw these texts letter by letter, in fonts that have their letters.

    Args:
        texts: names from files and users; ASCII needs no search.
    """
    import matplotlib as mpl
    from matplotlib import font_manager

    paths = {find_font(text) for text in texts if not text.isascii()} - {None}
    families = {font_manager.get_font(str(path)).family_name for path in paths} - {DEFAULT_FAMILY}
    with mpl.rc_context({"text.parse_math": False, "font.family": [DEFAULT_FAMILY, *sorted(families)]}):
        yield
