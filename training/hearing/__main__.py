"""Teach the audio network: ``python -m training.hearing --media M --teacher yamnet.tflite --work W``.

Downloads the packages, plays the instruments, renders mixtures and labels them in one process while another
learns from what is there, then writes the weights and the model card. Every step that is finished is skipped
when the command is given again, and learning goes on from its checkpoint.
"""

from __future__ import annotations

import argparse
import multiprocessing
from pathlib import Path

import torch

from training.hearing.export import export
from training.hearing.learn import Schedule, learn
from training.hearing.lessons import lesson_plan
from training.hearing.sources import fetch, instruments, library
from training.hearing.teacher import Teacher


def render(
    media: Path, packages: Path, teacher: Path, lessons: Path, count: int, words: int, seed: int
) -> None:
    """Everything up to the lessons, on one core."""
    torch.set_num_threads(1)
    fetch(packages)
    font = next((packages / "fluid-soundfont-gm").rglob("*.sf2"))
    instruments(font, packages / "instruments", seed)
    lesson_plan(library(media, packages, words, seed), Teacher(teacher), lessons, count, seed)


def main() -> None:
    """Run the whole recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True, help="folder with sounds/<class>/*.ogg")
    parser.add_argument("--teacher", type=Path, required=True, help="yamnet.tflite")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for packages, lessons, checkpoints (8 GB)"
    )
    parser.add_argument("--lessons", type=int, default=300_000, help="mixtures to render")
    parser.add_argument("--words", type=int, default=1_200, help="spoken words to take")
    parser.add_argument("--minutes", type=float, default=50.0, help="wall time of learning")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    lessons, packages = options.work / "lessons", options.work / "packages"
    for folder in (lessons, packages):
        folder.mkdir(parents=True, exist_ok=True)
    rendering = multiprocessing.Process(
        target=render,
        args=(
            options.media,
            packages,
            options.teacher,
            lessons,
            options.lessons,
            options.words,
            options.seed,
        ),
    )
    rendering.start()
    torch.set_num_threads(1)
    network = learn(lessons, options.work / "student", Schedule(minutes=options.minutes, seed=options.seed))
    rendering.join()
    export(network)


if __name__ == "__main__":
    main()
