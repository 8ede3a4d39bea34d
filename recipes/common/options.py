"""Command line options shared by recipes and benchmarks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from recipes.common.composites.media import Media, find_media
from seac.core.errors import InputError

USAGE = 2
"""Exit code for invalid input."""


def recipe(description: str | None, out: Path) -> argparse.ArgumentParser:
    """A parser with --media, --work, --dev, --workers, --seed, --out and --model-card."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True, help="folder with images, sounds, backgrounds")
    parser.add_argument("--work", type=Path, required=True, help="folder for packages and features (5 GB)")
    parser.add_argument("--dev", type=Path, help="media folder of the evaluation composites")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--model-card", action="store_true", help="write the model card beside the weights")
    return parser


def add_media(parser: argparse.ArgumentParser) -> None:
    """Add ``--media``, the folder of cut-outs and recordings for composites."""
    parser.add_argument(
        "--media",
        type=Path,
        help="folder with images, sounds, backgrounds (default: data/media/dev in the folder SEAC_SHARED)",
    )


def open_media(given: Path | None) -> Media:
    """Open the media folder of ``--media``, or the default one.

    Raises:
        SystemExit: the folder is missing or cannot be used; a one-line message is printed.
    """
    try:
        return Media.open(find_media(given))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(USAGE) from None
