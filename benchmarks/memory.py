"""Peak memory and time of the stages of SAM, at the published size, with random weights.

    python -m benchmarks.memory [--segmenter sam-vit-h] [--precision bfloat16] [--masks 50] [--size 1024x768]
                                [--threads 1] [--write docs/presets.md]

One process writes a checkpoint in the published format. Another process reads the checkpoint and makes masks
of boxes; its peak memory is reported after each step. Seconds are CPU seconds on the given threads.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.tables import machine, replace_section, table
from seac.cli.profile import parse_size
from seac.profiling.cases import VIT, random_sam
from seac.profiling.memory import peak_memory
from seac.profiling.synthetic import scene
from seac.segment.promptable.sam.sam import Sam, SamSettings

PRECISIONS = ("bfloat16", "float32")


def measure(checkpoint: Path, precision: Any, masks: int, size: str) -> dict[str, dict[str, float]]:
    """CPU seconds and peak memory after each step, in this process."""
    steps: dict[str, dict[str, float]] = {}
    began = time.process_time()

    def done(step: str) -> None:
        nonlocal began
        now = time.process_time()
        steps[step] = {"seconds": round(now - began, 2), "peak": peak_memory()}
        began = now

    width, height = parse_size(size)
    frame = scene(height, width, masks)
    done("imports and the image")
    sam = Sam.load(checkpoint, settings=SamSettings(precision=precision))
    done("reading the checkpoint")
    encoded = sam.encode(frame.image)
    done("image encoded")
    predicted, _ = sam.masks(encoded, frame.boxes)
    assert len(predicted) == masks
    done(f"{masks} boxes to masks")
    return steps


def run_step(options: argparse.Namespace, step: str, checkpoint: Path) -> str:
    """Last output line of a step in its own process; its memory includes that of the parent at the start."""
    arguments = [f"--{step}", str(checkpoint)]
    for name in ("segmenter", "precision", "masks", "size", "threads"):
        arguments += [f"--{name}", str(getattr(options, name))]
    completed = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", *arguments], check=True, capture_output=True, text=True
    )
    return completed.stdout.splitlines()[-1]


def page(options: argparse.Namespace, steps: dict[str, dict[str, float]]) -> list[str]:
    """Markdown lines of the document."""
    rows = [
        (step, f"{measured['seconds']:.1f}", f"{measured['peak'] / 1e9:.2f}")
        for step, measured in steps.items()
    ]
    asked = f"`{options.segmenter}` in {options.precision}, {options.size}, {options.masks} masks"
    return [
        f"{asked}; {options.threads} threads, {machine()}, torch {torch.__version__}.",
        "",
        *table(("step", "CPU seconds", "peak GB so far"), rows),
    ]


def main() -> None:
    """Make a checkpoint, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--segmenter", choices=tuple(VIT), default="sam-vit-h")
    parser.add_argument("--precision", choices=PRECISIONS, default="bfloat16")
    parser.add_argument("--masks", type=int, default=50)
    parser.add_argument("--size", default="1024x768")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--make", type=Path, help="only write a checkpoint to this path")
    parser.add_argument("--measure", type=Path, help="only measure with this checkpoint, in this process")
    parser.add_argument("--write", type=Path, help="document with a section for the table")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.make is not None:
        torch.save(random_sam(options.segmenter), options.make)
        print(options.make)
        return
    if options.measure is not None:
        print(json.dumps(measure(options.measure, options.precision, options.masks, options.size)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = Path(scratch) / f"{options.segmenter.replace('-', '_')}.pth"
        run_step(options, "make", checkpoint)
        lines = page(options, json.loads(run_step(options, "measure", checkpoint)))
    print("\n".join(lines))
    if options.write:
        replace_section(options.write, "memory", lines)


if __name__ == "__main__":
    main()
