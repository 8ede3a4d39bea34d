"""The figure docs/figures/layers.svg: the folders of the package in the order of the import rule."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

WIDTH, HEIGHT, GAP, MARGIN = 760, 34, 10, 12
"""Width of the figure, height of a row, and distances, in pixels."""
LETTER = 7.2
"""Width of a letter in pixels, about."""
BOX, LINE, TEXT, PAPER = "#e8eaf6", "#3949ab", "#1a1a2e", "#ffffff"


def layers(config: Path) -> list[list[str]]:
    """The rows of the import rule from the top; folders of a row do not import one another.

    Args:
        config: the file .importlinter.
    """
    parser = ConfigParser()
    parser.read(config, encoding="utf-8")
    rows = parser["importlinter:contract:layers"]["layers"].split("\n")
    return [[name.strip() for name in row.split("|")] for row in rows if row.strip()]


def layers_figure(config: Path) -> str:
    """The figure as SVG.

    Args:
        config: the file .importlinter.
    """
    rows = layers(config)
    height = len(rows) * (HEIGHT + GAP) - GAP + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" font-family="sans-serif" font-size="13" text-anchor="middle">',
        "<title>The folders of src/seac: each imports only from the rows below it</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
    ]
    for number, names in enumerate(rows):
        parts += row_figure(names, MARGIN + number * (HEIGHT + GAP))
    return "\n".join([*parts, "</svg>"]) + "\n"


def row_figure(names: list[str], top: float) -> list[str]:
    """The boxes of a row, as wide as their names need, across the figure.

    Args:
        names: folders.
        top: y of the boxes.
    """
    room = WIDTH - 2 * MARGIN - GAP * (len(names) - 1)
    needs = [len(name) * LETTER + 2 * GAP for name in names]
    left, parts = float(MARGIN), []
    for name, need in zip(names, needs, strict=True):
        width = room * need / sum(needs)
        parts += [
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{HEIGHT}" rx="4" fill="{BOX}" '
            f'stroke="{LINE}"/>',
            f'<text x="{left + width / 2:.1f}" y="{top + HEIGHT / 2 + 5}" fill="{TEXT}">{name}</text>',
        ]
        left += width + GAP
    return parts
