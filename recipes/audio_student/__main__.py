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
from recipes.audio_student.samples import render_shards, write_held_out
from recipes.audio_student.teacher import Teacher
from recipes.audio_student.train import Schedule, learn
from recipes.common.recordings import fetch, list_held_out, load_groups, render_instruments
from seac.encoders.audio.yamnet_student import load_network


def render(
    media: Path, packages: Path, teacher: Path, samples: Path, count: int, spoken_words: int, seed: int
) -> None:
    """Everything up to the lessons, on one core."""
    torch.set_num_threads(1)
    fetch(packages)
    font = next((packages / "fluid-soundfont-gm").rglob("*.sf2"))
    render_instruments(font, packages / "instruments", seed)
    labelling = Teacher(teacher)
    write_held_out(list_held_out(media), labelling, samples)
    render_shards(load_groups(media, packages, spoken_words, seed), labelling, samples, count, seed)


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
    parser.add_argument("--samples", type=int, default=200_000, help="mixtures to render")
    parser.add_argument("--spoken-words", type=int, default=1_200, help="spoken words to take")
    parser.add_argument("--minutes", type=float, default=45.0, help="wall time of learning")
    parser.add_argument(
        "--start", choices=("random", "shipped"), default="random", help="weights to begin with"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    samples, packages = options.work / "samples", options.work / "packages"
    for folder in (samples, packages):
        folder.mkdir(parents=True, exist_ok=True)
    rendering = multiprocessing.Process(
        target=render,
        args=(
            options.media,
            packages,
            options.teacher,
            samples,
            options.samples,
            options.spoken_words,
            options.seed,
        ),
    )
    rendering.start()
    torch.set_num_threads(1)
    start, rate = (load_network()[0], 1.5e-3) if options.start == "shipped" else (None, 2e-3)
    schedule = Schedule(minutes=options.minutes, rate=rate, seed=options.seed)
    network = learn(samples, options.work / f"student-{options.start}", schedule, start)
    rendering.terminate()  # whole shards stay, and nobody waits for more
    rendering.join()
    export(network)


if __name__ == "__main__":
    main()
