"""Trains an association: ``python examples/train_on_folder.py VIDEOS OUT [NAME=VALUE ...]``.

Extracts features of a folder of videos once, trains with MSA-MICL, and segments the first video with the
result. Every step resumes where it was interrupted. NAME=VALUE are settings of the training, such as
epochs=10 or lr=3e-4.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import seac


def run(*arguments: str | Path) -> None:
    """Run one command of seac."""
    subprocess.run([sys.executable, "-m", "seac", *map(str, arguments)], check=True)


def main(videos: str, out: str, *settings: str) -> None:
    """From videos to an association, and to the names of what sounds."""
    store, trained = Path(out, "store"), Path(out, "run")
    run("extract", videos, store, "--kind", "videos")
    run("train", store, "--out", trained, *(word for setting in settings for word in ("--set", setting)))
    model = seac.load("tiny", association_weights=trained)
    frames = seac.VideoPredictor(model).stream(sorted(Path(videos).glob("*.mp4"))[0], fps=1)
    for frame in frames:
        print(
            f"{frame.time:.0f} s:", {frame.names[n] for n in frame.sounding.nonzero()[0]} or "nothing sounds"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
