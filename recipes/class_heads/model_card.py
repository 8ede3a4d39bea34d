"""The model card of the taught kinds: its figures are what the recipe measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from recipes.class_heads.evaluate import AUDIO_CONDITIONS
from recipes.common.class_heads.train import RECIPES
from recipes.common.model_card import format_values
from seac.classify.experts import ExpertsSettings
from seac.core.atomic import write_atomic
from seac.encoders.class_heads import ClassHeadsWeights

TEXT = """# Model card: kinds

What a thing that sounds is, by looks and by ear: two small networks on the frozen embeddings of
EfficientNet-Lite2 and of our hearing network tell {kinds} kinds, or none of them. The preset `tiny`
associates a mask with a sound by what both say of one kind (beside what was learnt from pairs, see
association.md), and names it by what they say beside the classes of the two taggers, so any word may be asked
for.

- **Recipe**: `python -m recipes.class_heads --media MEDIA/train --work FOLDER --dev MEDIA/dev
  --model-card --seed 0`, with the same FOLDER as `recipes.association`.
- **Data**: {sights} closer looks at things of composites, {sounds} clips of one kind or two. Cut-outs and
  recordings are the training media's and those of Debian packages that `recipes/association/kinds.tsv` sorts
  by file name: names of kinds are the labels. No mask was labelled by hand, and segmenting sees no name.
- **Learnt with**: {recipe}.
- **Made for**: {provenance}.
- **Licence** of the weights: Apache-2.0. The pictures and recordings (PD, OFL-1.1, GPL, MIT, CC0, CC-BY-SA,
  Artistic) are not distributed with them.
- **Limits**: it was taught mostly drawings. Say `--classifier zero-shot` for names by looks and words alone,
  as in the paper.
- **sha256**: {sha256}
"""
TABLES_MARK = "<!-- the rest is written by python -m recipes.class_heads --card -->"


@dataclass(frozen=True)
class Row:
    """A way to name, and its share of right names by sound and vocabulary."""

    name: str
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Figures:
    """What was measured: a column for each of ``columns`` (vocabularies) and SOUNDS; lessons by sense."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: tuple[Row, ...]
    samples: Mapping[str, int]


def table(title: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Rows under their title."""
    heads = [f"{column}, {condition}" for condition in AUDIO_CONDITIONS for column in columns]
    lines = ["| " + " | ".join([row.name, *(f"{share:.3f}" for share in row.shares)]) + " |" for row in rows]
    return "\n".join(
        [
            "",
            title,
            "",
            "| named by | " + " | ".join(heads) + " |",
            "| --- |" + " --- |" * len(heads),
            *lines,
            "",
        ]
    )


def render_header(weights: ClassHeadsWeights, figures: Figures) -> str:
    """What weights that were taught just now are, and of what."""
    text = TEXT.format(
        kinds=len(weights.names),
        sights=figures.samples["image"],
        sounds=figures.samples["audio"],
        recipe="; ".join(f"{sense}: {format_values(asdict(recipe))}" for sense, recipe in RECIPES.items()),
        provenance=format_values(weights.provenance),
        sha256=weights.sha256[:12],
    )
    return f"{text}\n"


def write_model_card(path: Path, above: str, figures: Figures) -> None:
    """Write the card, whole or not at all: what is said of the weights, and how they were judged."""
    text = f"{above}{TABLES_MARK}\n\n"
    text += f"Named with {format_values(asdict(ExpertsSettings()))}: chosen on dev scenes like these.\n"
    text += table(
        "Right names of things that sound, exact masks of composite dev scenes; two sounds: another thing's "
        "beside its own, as loud",
        figures.columns,
        figures.rows,
    )
    text += table(
        "The same of kinds that were left out of teaching, four folds", figures.columns, figures.left_out
    )
    write_atomic(path, text)
