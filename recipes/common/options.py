"""Command line options shared by recipes and benchmarks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipes.common.composites.media import Media, find_media
from seac.core.errors import InputError

USAGE = 2
"""Exit code for invalid input."""


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End the program with one line and the exit code of invalid input if the block raises an InputError."""
    try:
        yield
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(USAGE) from None


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
    with errors_in_one_line():
        return Media.open(find_media(given))
