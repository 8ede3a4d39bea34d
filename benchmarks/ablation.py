"""Ablation of ``tiny``: the preset, and the preset with one change, on all benchmarks.

    python -m benchmarks.ablation --bench B [--limit N] [--benchmarks s4,ms3,...] [--write docs/ablation.md]

B is a folder rendered by ``benchmarks.composite``. Each row has one simpler part: saliency and superpixels in
place of the proposal network; no objectness or no softmax temperature (the paper's min-max has neither); the
zero-shot classifier; classes from the views of the association. The last row has exact views of every mask in
place of fast ones.
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
    "baseline segmenter (saliency and superpixels)": ({"segmenter": "classic"}, {}),
    "no objectness": ({}, {"objectness": 0.0}),
    "no softmax temperature": ({}, {"softmax_temperature": 0.0}),
    "no objectness, no softmax temperature": ({}, {"objectness": 0.0, "softmax_temperature": 0.0}),
    "zero-shot classifier": ({"classifier": "zero-shot"}, {}),
    "no high-resolution crops": ({}, {"views": replace(PRESETS["tiny"].views, crop_size=0)}),
    "exact views": ({}, {"exact": True}),
}
"""Row of the table -> parts and settings that differ from the preset."""


DEPENDENT_STAGES = {
    "audio": ("audio",),
    "segmenter": ("segmenter",),
    "classifier": ("classifier",),
}
"""Argument of ``seac.load`` -> the stages that it replaces."""


def build_variants(model: SeAC) -> dict[str, list[SeAC]]:
    """A model for each change; unchanged parts are shared objects, so their results are cached once."""
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
    """Evaluate and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        "# Ablation of `tiny`: one change at a time",
        "",
        f"{describe_command(options, 'python -m benchmarks.ablation')} "
        "In percent. Composites of the dev media.",
        "",
        f"{describe_weights(load('tiny').stages.versions())}.",
        "",
        *compare_all(options, build_variants, "change"),
    ]
    if options.write:
        write_atomic(options.write, "\n".join(lines))


if __name__ == "__main__":
    main()
