"""How much each part of ``tiny`` gives: the preset, and the preset with one thing swapped, on all benchmarks.

    python -m benchmarks.swaps --bench B [--limit N] [--benchmarks s4,ms3,...] [--write docs/swaps.md]

B is the folder that ``benchmarks.composite`` rendered. What is swapped in is the simpler thing: saliency and
superpixels for the proposal network, words alone for the trained association, bare cosines without objectness
beside them or without contrast (the paper's min-max has neither); the last row has the exact views of every
mask in place of quick ones.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.cards import machine
from benchmarks.compared import Figures, compared, made_with, publish, section
from benchmarks.composite import FOLDERS
from seac.loading import load
from seac.pipeline import SeAC

SWAPS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "tiny": ({}, {}),
    "saliency and superpixels": ({"segmenter": "classic"}, {}),
    "words alone": ({"associate": "zero-shot"}, {}),
    "no objectness": ({}, {"objectness": 0.0}),
    "no contrast": ({}, {"contrast": 0.0}),
    "neither objectness nor contrast": ({}, {"objectness": 0.0, "contrast": 0.0}),
    "exact views": ({}, {"exact": True}),
}
"""Row of the table -> parts and settings that differ from the preset."""


def swapped(model: SeAC) -> dict[str, list[SeAC]]:
    """The model with every swap; parts that stay are the same objects, so what they do is done once."""
    found = {}
    for row, (parts, constants) in SWAPS.items():
        stages = model.stages
        if "segmenter" in parts:
            stages = replace(stages, segmenter=load("tiny", **parts).stages.segmenter)
        if "associate" in parts:
            other = load("tiny", **parts).stages
            stages = replace(stages, association=other.association, calibration=other.calibration)
        if constants.get("exact"):
            # What is seen is remembered by segmenter, and with these views it is seen anew.
            stages = replace(stages, segmenter=load("tiny").stages.segmenter)
        found[row] = [SeAC(stages, model.vocabulary, replace(model.settings, **constants))]
    return found


def page(found: Mapping[str, Figures], options: argparse.Namespace, versions: Mapping[str, str]) -> list[str]:
    """Lines of the whole page."""
    limit = f" --limit {options.limit}" if options.limit else ""
    return [
        "# One thing swapped at a time",
        "",
        f"Written by `python -m benchmarks.swaps --bench B{limit} --benchmarks {options.benchmarks} "
        f"--write {options.write}` on {machine()}, torch {torch.__version__}. In percent. "
        "Composites of the dev media.",
        "",
        f"{made_with(versions)}.",
        "",
        *(line for name, each in found.items() for line in section(name, each, "what is swapped")),
    ]


def main() -> None:
    """Evaluate, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", type=Path, required=True, help="a rendered benchmark folder")
    parser.add_argument("--limit", type=int, default=None, help="clips of each benchmark")
    parser.add_argument("--benchmarks", default=",".join(FOLDERS))
    parser.add_argument("--write", type=Path, default=None)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = {}
    for name in options.benchmarks.split(","):
        found[name] = compared(name, options.bench / FOLDERS[name], swapped, options.limit)
        print("\n".join(section(name, found[name], "what is swapped")), flush=True)
    publish(page(found, options, load("tiny").stages.versions()), options.write)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
