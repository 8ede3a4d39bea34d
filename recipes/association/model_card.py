"""The model card of the association: its figures are what the recipe measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from recipes.association.train import Recipe
from seac.associate.ensemble import AssociationEnsembleSettings
from seac.core.atomic import write_atomic

TEXT = """# Model card: association

The association of the preset `tiny`: similarity of each mask with the audio. {members} modules are trained
with {loss} on frozen features and averaged. Their cosines and the zero-shot similarity are pooled over
audio windows by log-sum-exp; class match is added ([class_heads](class_heads.md)).

| item | value |
| --- | --- |
| recipe | `python -m recipes.association --media MEDIA/train --work FOLDER --dev SHARED --model-card` |
| loss | {loss} |
| input | image and audio embeddings (PCA), and their text-space embeddings |
| masks | {masks}, of composite scenes |
| audio clips | {clips} |
| classes | {kinds}; they select the sounding object of a scene; the loss uses pairs only |
| sources | training media; Debian packages of its SOURCES.csv (`recipes/common/classes.tsv`); FluidSynth |
| licences of the sources | PD, OFL-1.1, GPL, MIT, CC0, CC-BY-SA, Artistic; not distributed with the weights |
| licence of the weights | Apache-2.0 |
| training | {recipe} |
| ensemble | {settings} |
| encoders | {provenance} |

| limit | consequence |
| --- | --- |
| composites are not videos; objects are cut-outs, often drawings | not comparable with real videos |
| one object of a scene sounds | the tables have no scenes with several sounding objects |
| classes without training data depend on the zero-shot similarity | the last two tables |
"""

HEADS = {
    "dev": "Pairwise choice on composite dev scenes: 2 or 3 objects with exact masks, one sounds "
    "(chance .417); held-out cut-outs and recordings",
    "dev, kinds never rendered": "The same scenes, only sounding classes that were never rendered in "
    "training",
    "left out of training": "Held-out classes (from the association and from the class heads), four folds; "
    "distractors: held-out classes and mute objects",
}


def table(title: str, variants: Sequence[str], runs: Sequence[Sequence[float]]) -> str:
    """Accuracy of every way: mean and spread over runs."""
    if not runs:
        return ""
    values = np.array(runs)
    rows = [
        f"| {variant} | {mean:.3f} | {spread:.3f} |"
        for variant, mean, spread in zip(variants, values.mean(0), values.std(0), strict=True)
    ]
    return (
        f"\n{title}; {len(runs)} runs.\n\n| similarity | accuracy | spread |\n| --- | --- | --- |\n"
        + "\n".join(rows)
        + "\n"
    )


def write_model_card(
    path: Path,
    figures: Mapping[str, Any],
    recipe: Recipe,
    settings: AssociationEnsembleSettings,
    provenance: Mapping[str, str],
) -> None:
    """Write the card, whole or not at all."""
    text = TEXT.format(
        loss="MSA-MICL" if recipe.mixing else "MICL",
        members=figures["members"],
        masks=figures["masks"],
        clips=figures["clips"],
        kinds=figures["kinds"],
        recipe=format_values(asdict(recipe)),
        settings=format_values(asdict(settings)),
        provenance=format_values(provenance),
    )
    text += "\n<!-- the rest is written by python -m recipes.association --model-card -->\n"
    for name, title in HEADS.items():
        text += table(title, figures["variants"], figures[name])
    write_atomic(path, text)


def format_values(values: Mapping[str, Any]) -> str:
    """Names and values in one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items())
