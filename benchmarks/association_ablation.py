"""Ways to associate, over several trainings, on all composite dev benchmarks.

    python -m benchmarks.association_ablation --media MEDIA/train --work W --bench B [--seeds 3] [--cells RUN ...]
                                      [--write FILE]

W is the work folder of ``python -m recipes.association``, whose cached features are learnt from again; B the
folder that ``benchmarks.composite`` rendered. Every picture is seen once and every sound heard once; only the
association differs between rows, with the preset's constants for all. Words are the zero-shot cosine.

``--cells`` adds the baseline without masks: runs of ``seac train --set variant=grid`` on a store of cells.
Their heatmap is the min-max of the cosines, as such methods have it: no objectness, no contrast.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from benchmarks.compare import add_options, made_with, told, written_by
from recipes.association.__main__ import gathered, tagging, together
from recipes.association.train import Recipe
from recipes.common.scene_features import Plan
from seac.associate.base import Association
from seac.associate.ensemble import Combined, CombinedSettings, CombinedWeights
from seac.associate.trained import Trained
from seac.core.atomic import write_whole
from seac.encoders.audio.yamnet_student import Hearing
from seac.encoders.text.minilm import MiniLM
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from seac.pipeline import SeAC
from seac.presets.builders import taught_kinds
from seac.presets.load import load
from seac.segment.baselines.grid import Grid


@dataclass(frozen=True)
class Way:
    """A way to associate: probability that a batch is mixed in the end, and the share of words."""

    name: str
    mixing: float
    words: float
    kinds: float


WAYS = (
    Way("MICL", 0.0, words=0.0, kinds=0.0),
    Way("MSA-MICL", 0.5, words=0.0, kinds=0.0),
    Way("MSA-MICL and words", 0.5, CombinedSettings.words, kinds=0.0),
    Way("MSA-MICL, words and kinds (ships)", 0.5, CombinedSettings.words, CombinedSettings.kinds),
)
ZERO_SHOT = "zero-shot (words alone)"
CELLS = "cells in place of masks"


def associations(plan: Plan, seeds: int) -> dict[str, list[Association]]:
    """Every way, learnt with so many seeds; words alone are learnt from nothing."""
    settings = CombinedSettings()
    tags, made_by = tagging()
    material, made = gathered(plan, tags, settings, made_by["audio"])
    known = taught_kinds(EfficientNetLite.load(), Hearing.load(), MiniLM())
    found: dict[str, list[Association]] = {ZERO_SHOT: [tags.words]}
    for mixing in sorted({way.mixing for way in WAYS}):
        for seed in range(seeds):
            modules = together(material, material.kinds(), Recipe(mixing=mixing), plan.seed + seed)
            for way in (way for way in WAYS if way.mixing == mixing):
                shares = replace(settings, words=way.words, kinds=way.kinds)
                weights = CombinedWeights(modules, made, shares, made_by)
                found.setdefault(way.name, []).append(Combined(weights, tags.words, known))
    return {name: found[name] for name in (ZERO_SHOT, *(way.name for way in WAYS))}


def with_cells(model: SeAC, runs: Sequence[Path]) -> list[SeAC]:
    """Models that judge cells of the frame instead of its masks, one for each run."""
    own = load("tiny", segmenter="grid", top_n=Grid().cells, objectness=0.0, contrast=0.0)
    judges = [Trained.load(run).checked(model.stages.vision, model.stages.audio) for run in runs]
    return [
        SeAC(
            replace(model.stages, segmenter=own.stages.segmenter, association=judge),
            model.vocabulary,
            own.settings,
        )
        for judge in judges
    ]


def variants(
    model: SeAC, ways: Mapping[str, Sequence[Association]], cells: Sequence[Path]
) -> dict[str, list[SeAC]]:
    """The model with every association in turn."""
    models = {
        way: [
            SeAC(replace(model.stages, association=each), model.vocabulary, model.settings) for each in every
        ]
        for way, every in ways.items()
    }
    return models | ({CELLS: with_cells(model, cells)} if cells else {})


def main() -> None:
    """Learn, evaluate, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="of python -m recipes.association")
    parser.add_argument("--mixtures", type=int, default=2_400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cells", type=Path, nargs="*", default=[], help="runs on a store of cells")
    add_options(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    ways = associations(
        Plan(options.media, options.work, 0, 0, options.mixtures, options.seed), options.seeds
    )
    command = (
        f"python -m benchmarks.association_ablation --media MEDIA/train --work W --seeds {options.seeds}"
    )
    command += " --cells RUN ..." if options.cells else ""
    lines = [
        "# Ways to associate",
        "",
        f"{written_by(options, command)} In percent; ± is the standard deviation over {options.seeds} "
        "trainings. Composites of the dev media.",
        "",
        f"Frozen: {made_with(load('tiny').stages.versions(), without='association')}.",
        "",
        *told(options, lambda model: variants(model, ways, options.cells), "association"),
    ]
    if options.write:
        write_whole(options.write, "\n".join(lines))


if __name__ == "__main__":
    main()
