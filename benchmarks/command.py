"""What the commands of benchmarks on dev media share: options, sections of a page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.tables import replace_section


def pair_parser(description: str | None, section: str, limit: int) -> argparse.ArgumentParser:
    """A parser with the options of benchmarks on photographs side by side.

    Args:
        description: docstring of the module.
        section: name of the section that ``--write`` replaces.
        limit: default number of pairs of each category.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with photos/dev and recordings/dev")
    parser.add_argument("--limit", type=int, default=limit, help="pairs of photographs of each category")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, help="folder where encoded images are kept between runs")
    parser.add_argument("--write", type=Path, help=f"page whose section {section} is replaced")
    return parser


def publish(lines: Sequence[str], page: Path | None, section: str) -> None:
    """Print lines, and replace a section of a page with them if one is given."""
    print("\n".join(lines))
    if page is not None:
        replace_section(page, section, lines)
