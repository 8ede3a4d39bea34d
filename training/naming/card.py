"""The model card of the taught kinds: its figures are what the recipe measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from seac.classify.kinds import KindsWeights
from training.association.card import named
from training.naming.judge import SOUNDS
from training.naming.learn import Recipe

TEXT = """# Model card: kinds

What a thing that sounds is called: a small network on the frozen embeddings of EfficientNet-Lite2 tells
{kinds} kinds by looks, or none of them. The preset `tiny` places what it says among words (MiniLM), beside
the classes of the tagger, and what is heard beside both, so any word may be asked for.

- **Recipe**: `python -m training.naming --media MEDIA/train --work FOLDER --dev SHARED --card --seed 0`, with
  the same FOLDER as `training.association`, whose library it takes.
- **Data**: {looks} closer looks at things of composites. The cut-outs are the training media's and those of
  Debian packages that `training/association/kinds.tsv` sorts by file name: names of kinds are the labels. No
  mask was labelled by hand, and neither segmenting nor associating sees a name.
- **Learnt with**: {recipe}.
- **Made for**: {made_by}.
- **Shares**: {settings}. Chosen on dev scenes like those below.
- **Licence** of the weights: Apache-2.0. The pictures (PD, OFL-1.1, GPL) are not distributed with them.
- **Limits**: it was taught mostly drawings. What it was never taught is drawn a little towards what it was,
  as the second table shows. Say `--naming words` for names by looks and words alone, as in the paper.
- **sha256**: {sha256}

<!-- the rest is written by python -m training.naming --card -->
"""


@dataclass(frozen=True)
class Row:
    """A way to name, and its share of right names by sound and vocabulary."""

    name: str
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Figures:
    """What was measured: a column for each of ``columns`` (vocabularies) and SOUNDS."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: tuple[Row, ...]


def table(title: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Rows under their title."""
    heads = [f"{column}, {sound}" for sound in SOUNDS for column in columns]
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


def write_card(path: Path, looks: int, weights: KindsWeights, figures: Figures, sha256: str) -> None:
    """Write the card, whole or not at all."""
    text = TEXT.format(
        kinds=len(weights.names),
        looks=looks,
        recipe=named(asdict(Recipe())),
        made_by=weights.made_by,
        settings=named(asdict(weights.settings)),
        sha256=sha256[:12],
    )
    text += table(
        "Right names of things that sound, exact masks of composite dev scenes; two sounds: another thing's "
        "beside its own, as loud",
        figures.columns,
        figures.rows,
    )
    text += table(
        "The same of kinds that were left out of teaching, four folds", figures.columns, figures.left_out
    )
    draft = path.with_suffix(".tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
