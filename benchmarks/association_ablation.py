"""Ablation of the association, over several trainings, on all composite dev benchmarks.

    python -m benchmarks.association_ablation --media MEDIA/train --work W --bench B
        [--seeds 3] [--cells RUN ...] [--write FILE]

W is the work folder of ``python -m recipes.association``; its cached features are the training data. B is a
folder rendered by ``benchmarks.composite``. Every image and waveform is encoded once. Only the association
differs between rows; all rows have the preset's constants. "Zero-shot" is the zero-shot cosine.

``--cells`` adds the baseline without masks: runs of ``seac train --set variant=grid`` on a store of grid
cells. Its heatmap is the min-max of the cosines, as in published methods: no objectness, no softmax
temperature.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from benchmarks.compare import add_options, compare_all, describe_command, describe_weights
from recipes.association.__main__ import Encoders, load_cache, train
from recipes.association.store import CompositeStore
from recipes.common.scene_features import Plan
from seac.associate.base import Association
from seac.associate.ensemble import (
    AssociationEnsemble,
    AssociationEnsembleSettings,
)
from seac.associate.trained import Trained, TrainedAssociationWeights
from seac.classify.experts import shipped_class_heads
from seac.core.atomic import write_atomic
from seac.pipeline import SeAC
from seac.presets.load import load
from seac.segment.baselines.grid import Grid
from seac.training.config import SHIPPED, configured


@dataclass(frozen=True)
class Variant:
    """A variant of the association: final mixing probability, and weights of zero-shot and class heads."""

    name: str
    mixing: float
    zero_shot: float
    class_heads: float


VARIANTS = (
    Variant("MICL", 0.0, zero_shot=0.0, class_heads=0.0),
    Variant("MSA-MICL", 0.5, zero_shot=0.0, class_heads=0.0),
    Variant("MSA-MICL and zero-shot", 0.5, AssociationEnsembleSettings.zero_shot_weight, class_heads=0.0),
    Variant(
        "MSA-MICL, zero-shot and class heads (ships)",
        0.5,
        AssociationEnsembleSettings.zero_shot_weight,
        AssociationEnsembleSettings.class_match_weight,
    ),
)
ZERO_SHOT = "zero-shot alone"
GRID_LOCATIONS = "grid of cells, no masks"


def train_associations(plan: Plan, seeds: int) -> dict[str, list[Association]]:
    """Train every variant with ``seeds`` seeds; the zero-shot association is not trained."""
    settings, encoders = AssociationEnsembleSettings(), Encoders.load()
    cache, zero_shot = load_cache(plan, encoders), encoders.zero_shot()
    store = CompositeStore(cache, tuple(cache.classes()), encoders.provenance, plan.seed)
    heads = shipped_class_heads(encoders.vision, encoders.audio, encoders.text)
    found: dict[str, list[Association]] = {ZERO_SHOT: [zero_shot]}
    for mixing in sorted({variant.mixing for variant in VARIANTS}):
        for seed in range(plan.seed, plan.seed + seeds):
            config = configured("tiny", [f"recipe={SHIPPED}", f"mixing={mixing}", f"seed={seed}"])
            module = train(store, config, encoders, plan.work / f"runs/mixing_{mixing:g}_seed_{seed}")
            weights = TrainedAssociationWeights(module, encoders.provenance)
            for variant in (variant for variant in VARIANTS if variant.mixing == mixing):
                shares = replace(
                    settings, zero_shot_weight=variant.zero_shot, class_match_weight=variant.class_heads
                )
                found.setdefault(variant.name, []).append(
                    AssociationEnsemble(weights, zero_shot, heads, settings=shares)
                )
    return {name: found[name] for name in (ZERO_SHOT, *(variant.name for variant in VARIANTS))}


def build_grid_models(model: SeAC, runs: Sequence[Path]) -> list[SeAC]:
    """Models with grid cells in place of masks, one for each run."""
    own = load("tiny", segmenter="grid", top_n=Grid().cells, objectness=0.0, softmax_temperature=0.0)
    trained_models = [Trained.load(run).checked(model.stages.vision, model.stages.audio) for run in runs]
    return [
        SeAC(
            replace(model.stages, segmenter=own.stages.segmenter, association=trained_model),
            model.vocabulary,
            own.settings,
        )
        for trained_model in trained_models
    ]


def build_models(
    model: SeAC, by_variant: Mapping[str, Sequence[Association]], cells: Sequence[Path]
) -> dict[str, list[SeAC]]:
    """A model for each association."""
    models = {
        variant: [
            SeAC(replace(model.stages, association=each), model.vocabulary, model.settings) for each in every
        ]
        for variant, every in by_variant.items()
    }
    return models | ({GRID_LOCATIONS: build_grid_models(model, cells)} if cells else {})


def main() -> None:
    """Train, evaluate and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of python -m recipes.association")
    parser.add_argument("--mixtures", type=int, default=2_400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cells", type=Path, nargs="*", default=[], help="runs on a store of grid cells")
    add_options(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    by_variant = train_associations(
        Plan(options.media, options.work, 0, 0, options.mixtures, options.seed), options.seeds
    )
    command = (
        f"python -m benchmarks.association_ablation --media MEDIA/train --work W --seeds {options.seeds}"
    )
    command += " --cells RUN ..." if options.cells else ""
    lines = [
        "# Ablation of the association",
        "",
        f"{describe_command(options, command)} In percent; ± is the standard deviation over {options.seeds} "
        "trainings. Composites of the dev media.",
        "",
        f"Frozen: {describe_weights(load('tiny').stages.versions(), without='association')}.",
        "",
        *compare_all(options, lambda model: build_models(model, by_variant, options.cells), "association"),
    ]
    if options.write:
        write_atomic(options.write, "\n".join(lines))


if __name__ == "__main__":
    main()
