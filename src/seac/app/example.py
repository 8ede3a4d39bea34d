"""The example clip: that of the demo, which is part of the wheel."""

from __future__ import annotations

from pathlib import Path

NAME = "example.mp4"
IN_PACKAGE = Path(__file__).parent / "example" / "clip.mp4"
IN_REPOSITORY = Path(__file__).parents[3] / "demo" / "clip.mp4"


def find_example() -> Path | None:
    """The example clip; None if this installation has none."""
    return next((path for path in (IN_PACKAGE, IN_REPOSITORY) if path.is_file()), None)
