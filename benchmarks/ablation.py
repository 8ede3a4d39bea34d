"""How much each part of ``tiny`` gives: the preset, and the preset with one thing swapped, on all benchmarks.

    python -m benchmarks.ablation --bench B [--limit N] [--benchmarks s4,ms3,...] [--write docs/ablation.md]

B is the folder that ``benchmarks.composite`` rendered. What is swapped in is the simpler thing: saliency and
superpixels for the proposal network, words alone for the trained association, the same without kinds, bare
cosines without objectness beside them or without contrast (the paper's min-max has neither), names by looks
in words alone, or from the views that the association has; the last row has the exact views of every mask in
place of quick ones.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import torch

from benchmarks.compare import add_options, compare_all, describe_command, describe_weights
from seac.core.atomic import write_atomic
from seac.pipeline import SeAC
from seac.presets.load import load
from seac.presets.table import PRESETS

VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "tiny": ({}, {}),
    "saliency and superpixels": ({"segmenter": "classic"}, {}),
    "words alone": ({"association_method": "zero-shot"}, {}),
    "pairs and words, no kinds": ({"association_method": "pairs"}, {}),
    "no objectness": ({}, {"objectness": 0.0}),
    "no contrast": ({}, {"softmax_temperature": 0.0}),
    "neither objectness nor contrast": ({}, {"objectness": 0.0, "softmax_temperature": 0.0}),
    "names by looks in words": ({"classifier": "zero-shot"}, {}),
    "names without a closer look": ({}, {"views": replace(PRESETS["tiny"].views, crop_size=0)}),
    "exact views": ({}, {"exact": True}),
}
"""Row of the table -> parts and settings that differ from the preset."""


DEPENDENT_STAGES = {
    "audio": ("audio",),
    "segmenter": ("segmenter",),
    "association_method": ("association", "calibration"),
    "classifier": ("classifier",),
}
"""Part as ``seac.load`` names it -> the stages that change with it."""


def build_variants(model: SeAC) -> dict[str, list[SeAC]]:
    """The model with every swap; parts that stay are the same objects, so what they do is done once."""
    found = {}
    for row, (parts, constants) in VARIANTS.items():
        other = load("tiny", **parts).stages if parts else model.stages
        changed: dict[str, Any] = {
            stage: getattr(other, stage) for part in parts for stage in DEPENDENT_STAGES[part]
        }
        stages, settings = replace(model.stages, **changed), replace(model.settings, **constants)
        found[row] = [SeAC(stages, model.vocabulary, settings)]
    return found


def main() -> None:
    """Evaluate, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        "# One thing swapped at a time",
        "",
        f"{describe_command(options, 'python -m benchmarks.ablation')} In percent. Composites of the dev media.",
        "",
        f"{describe_weights(load('tiny').stages.versions())}.",
        "",
        *compare_all(options, build_variants, "what is swapped"),
    ]
    if options.write:
        write_atomic(options.write, "\n".join(lines))


if __name__ == "__main__":
    main()
