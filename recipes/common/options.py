"""Options that training on the association's library have in common."""

from __future__ import annotations

import argparse
from pathlib import Path


def recipe(description: str | None, out: Path) -> argparse.ArgumentParser:
    """A parser of ``--media``, ``--work``, ``--dev``, ``--workers``, ``--seed``, ``--out``, --model-card."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True, help="folder with images, sounds, backgrounds")
    parser.add_argument("--work", type=Path, required=True, help="folder for packages and features (5 GB)")
    parser.add_argument("--dev", type=Path, help="shared folder whose dev media judge")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--model-card", action="store_true", help="write the model card beside the weights")
    return parser
