"""Teach the audio network: ``python -m recipes.audio_student --media M --teacher yamnet.tflite --work W``.

Downloads the packages, plays the instruments, renders mixtures and labels them in one process while another
learns from what is there, then writes the weights. Every step that is finished is skipped when the command is
given again, and learning goes on from its checkpoint. With ``--start shipped`` a further course begins with
the weights that ship, at a lower rate.
"""

from __future__ import annotations

import argparse
import multiprocessing
from pathlib import Path

import torch

from recipes.audio_student.export import export
from recipes.audio_student.samples import exam, lesson_plan
from recipes.audio_student.teacher import Teacher
from recipes.audio_student.train import Schedule, learn
from recipes.common.recordings import fetch, held_out, instruments, library
from seac.encoders.audio.yamnet_student import stored


def render(
    media: Path, packages: Path, teacher: Path, lessons: Path, count: int, words: int, seed: int
) -> None:
    """Everything up to the lessons, on one core."""
    torch.set_num_threads(1)
    fetch(packages)
    font = next((packages / "fluid-soundfont-gm").rglob("*.sf2"))
    instruments(font, packages / "instruments", seed)
    labelling = Teacher(teacher)
    exam(held_out(media), labelling, lessons)
    lesson_plan(library(media, packages, words, seed), labelling, lessons, count, seed)


def main() -> None:
    """Run the whole recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True, help="folder with sounds/<class>/*.ogg")
    parser.add_argument("--teacher", type=Path, required=True, help="yamnet.tflite")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for packages, lessons, checkpoints (13 GB)"
    )
    parser.add_argument("--lessons", type=int, default=200_000, help="mixtures to render")
    parser.add_argument("--words", type=int, default=1_200, help="spoken words to take")
    parser.add_argument("--minutes", type=float, default=45.0, help="wall time of learning")
    parser.add_argument(
        "--start", choices=("random", "shipped"), default="random", help="weights to begin with"
    )
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
    start, rate = (stored()[0], 1.5e-3) if options.start == "shipped" else (None, 2e-3)
    schedule = Schedule(minutes=options.minutes, rate=rate, seed=options.seed)
    network = learn(lessons, options.work / f"student-{options.start}", schedule, start)
    rendering.terminate()  # whole shards stay, and nobody waits for more
    rendering.join()
    export(network)


if __name__ == "__main__":
    main()
