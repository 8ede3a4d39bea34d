"""The model card of the association: its figures are what the recipe measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from recipes.association.train import Recipe
from recipes.common.model_card import format_values
from seac.associate.ensemble import AssociationEnsembleSettings
from seac.core.atomic import write_atomic

TEXT = """# Model card: association

Which of the things in a picture makes the sound: the association of the preset `tiny`. EfficientNet-Lite2 and
our hearing network stay frozen; their embeddings, reduced to principal components and joined by their place
among words, are what is learnt from ({loss}) by {members} modules with different seeds. Their cosines and the
zero-shot one are averaged, after a soft maximum of each over the windows of the sound, with how likely mask
and sound are of one kind (class_heads.md; this file holds no kinds).

- **Recipe**: `python -m recipes.association --media MEDIA/train --work FOLDER --dev MEDIA/dev --model-card
  --seed 0`;
  renders composites in two processes, then learns. Apart from the media folder it takes cut-outs and
  recordings of the Debian packages that the folder's SOURCES.csv names (`library.py`, `kinds.tsv`), and
  instruments played by FluidSynth.
- **Data**: {masks} masks of composite scenes, {clips} sounds, {kinds} kinds. A kind decides which thing of a
  scene sounds, and nothing else: the loss sees pairs of a frame and its sound. Kinds alone see names.
- **Learnt with**: {recipe}.
- **Combined with**: {settings}.
- **Made for**: {provenance}.
- **Licence** of the weights: Apache-2.0. The pictures and recordings (PD, OFL-1.1, GPL, MIT, CC0, CC-BY-SA,
  Artistic) are not distributed with them.
- **Limits**: composites are not films; things are cut-outs, often drawn, and one of them sounds. Kinds that
  were never taught lean on words, as the last two tables show.
"""

HEADS = {
    "dev": "Composite dev scenes of 2 or 3 things with exact masks, one sounds (chance .417): other cut-outs "
    "and recordings than were trained on",
    "dev, kinds never rendered": "Those of the dev scenes whose sounding kind was never rendered",
    "left out of training": "Kinds left out of training (of pairs and of kinds), four folds; rivals: "
    "left-out kinds and mute things",
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
        f"\n{title}; {len(runs)} runs.\n\n| similarity | picked right | spread |\n| --- | --- | --- |\n"
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
    text += "\n<!-- the rest is written by python -m recipes.association --card -->\n"
    for name, title in HEADS.items():
        text += table(title, figures["variants"], figures[name])
    write_atomic(path, text)
