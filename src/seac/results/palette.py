"""Colours of tracks, the same in every output."""

from __future__ import annotations

import colorsys


def colour(number: int) -> tuple[int, int, int]:
    """The RGB colour of a track; hues advance by the golden ratio, so that consecutive tracks differ."""
    red, green, blue = colorsys.hsv_to_rgb((0.08 + number * 0.618034) % 1.0, 0.85, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)
