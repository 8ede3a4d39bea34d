"""Train the audio encoder: ``python -m recipes.audio_student --media M --teacher yamnet.tflite --work W``.

One process downloads the packages, renders instruments and mixtures, and labels them with the teacher. The
main process trains on the samples rendered so far and writes the weights. A repeated command skips completed
steps and resumes training from its checkpoint. ``--start shipped`` starts a further training phase from the
shipped weights, at a lower learning rate.
"""

from __future__ import annotations

import argparse
import multiprocessing
from pathlib import Path

import torch

from recipes.audio_student.export import export
from recipes.audio_student.samples import render_shards, write_held_out
from recipes.audio_student.teacher import Teacher
from recipes.audio_student.train import Schedule, train_student
from recipes.common.recordings import fetch, list_held_out, load_groups, render_instruments
from seac.encoders.audio.yamnet_student import load_network


def render(
    media: Path, packages: Path, teacher: Path, samples: Path, count: int, spoken_words: int, seed: int
) -> None:
    """Download the recordings and render the training samples, on one core."""
    torch.set_num_threads(1)
    fetch(packages)
    font = next((packages / "fluid-soundfont-gm").rglob("*.sf2"))
    render_instruments(font, packages / "instruments", seed)
    labeller = Teacher(teacher)
    write_held_out(list_held_out(media), labeller, samples)
    render_shards(load_groups(media, packages, spoken_words, seed), labeller, samples, count, seed)


def main() -> None:
    """Run the recipe from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True, help="folder with sounds/<class>/*.ogg")
    parser.add_argument("--teacher", type=Path, required=True, help="yamnet.tflite")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for packages, training samples, checkpoints (13 GB)"
    )
    parser.add_argument("--samples", type=int, default=200_000, help="mixtures to render")
    parser.add_argument("--spoken-words", type=int, default=1_200, help="recordings of spoken words to use")
    parser.add_argument("--minutes", type=float, default=45.0, help="wall time of training")
    parser.add_argument("--start", choices=("random", "shipped"), default="random", help="initial weights")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    samples, packages = options.work / "samples", options.work / "packages"
    for folder in (samples, packages):
        folder.mkdir(parents=True, exist_ok=True)
    renderer = multiprocessing.Process(
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
    renderer.start()
    torch.set_num_threads(1)
    start, rate = (load_network()[0], 1.5e-3) if options.start == "shipped" else (None, 2e-3)
    schedule = Schedule(minutes=options.minutes, rate=rate, seed=options.seed)
    network = train_student(samples, options.work / f"student-{options.start}", schedule, start)
    renderer.terminate()  # complete shards are kept
    renderer.join()
    export(network)


if __name__ == "__main__":
    main()
