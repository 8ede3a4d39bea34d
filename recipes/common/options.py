"""Options that recipes and benchmarks have in common."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from recipes.common.composites.media import Media, find_media
from seac.core.errors import InputError

USAGE = 2
"""Exit code for wrong input."""


def recipe(description: str | None, out: Path) -> argparse.ArgumentParser:
    """A parser of ``--media``, ``--work``, ``--dev``, ``--workers``, ``--seed``, ``--out``, --model-card."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True, help="folder with images, sounds, backgrounds")
    parser.add_argument("--work", type=Path, required=True, help="folder for packages and features (5 GB)")
    parser.add_argument("--dev", type=Path, help="media folder whose composites evaluate")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--model-card", action="store_true", help="write the model card beside the weights")
    return parser


def add_media(parser: argparse.ArgumentParser) -> None:
    """Add ``--media``, the folder of composites' cut-outs and recordings."""
    parser.add_argument(
        "--media",
        type=Path,
        help="folder with images, sounds, backgrounds (default: data/media/dev in the folder SEAC_SHARED)",
    )


def open_media(given: Path | None) -> Media:
    """The media folder of ``--media``, or the default one.

    Raises:
        SystemExit: there is none, or it cannot be used; one line says what to give.
    """
    try:
        return Media.open(find_media(given))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(USAGE) from None
