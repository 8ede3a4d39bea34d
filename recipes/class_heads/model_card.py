"""The model card of the taught kinds: its figures are what the recipe measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from recipes.association.model_card import format_values
from recipes.class_heads.evaluate import AUDIO_CONDITIONS
from recipes.class_heads.train import RECIPES
from seac.classify.experts import ExpertsSettings
from seac.core.atomic import write_atomic
from seac.encoders.class_heads import ClassHeadsWeights

TEXT = """# Model card: class heads

Two classification heads (MLP) on the frozen embeddings of EfficientNet-Lite2 and of the YAMNet student:
{classes} classes, or none of them. The association of `tiny` uses their class match
([association](association.md)); the classifier of `tiny` multiplies their scores
with those of the image and audio class probabilities, for any vocabulary.

| item | value |
| --- | --- |
| recipe | `python -m recipes.class_heads --media MEDIA/train --work FOLDER --dev SHARED --model-card` |
| image samples | {image_samples} high-resolution crops of composites |
| audio samples | {audio_samples} clips of one class or two |
| labels | class names of `recipes/common/classes.tsv`, by file name; no mask is annotated |
| sources | training media and Debian packages; not distributed with the weights |
| licences of the sources | PD, OFL-1.1, GPL, MIT, CC0, CC-BY-SA, Artistic |
| licence of the weights | Apache-2.0 |
| training | {recipe} |
| encoders | {provenance} |
| sha256 | {sha256} |

| limit | consequence |
| --- | --- |
| most training images are drawings | `--classifier zero-shot` does without class heads |
"""
TABLES_MARK = "<!-- the rest is written by python -m recipes.class_heads --model-card -->"


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
            "| classifier | " + " | ".join(heads) + " |",
            "| --- |" + " --- |" * len(heads),
            *lines,
            "",
        ]
    )


def render_header(weights: ClassHeadsWeights, figures: Figures) -> str:
    """What weights that were taught just now are, and of what."""
    text = TEXT.format(
        classes=len(weights.names),
        image_samples=figures.samples["image"],
        audio_samples=figures.samples["audio"],
        recipe="; ".join(f"{sense}: {format_values(asdict(recipe))}" for sense, recipe in RECIPES.items()),
        provenance=format_values(weights.provenance),
        sha256=weights.sha256[:12],
    )
    return f"{text}\n"


def write_model_card(path: Path, above: str, figures: Figures) -> None:
    """Write the card, whole or not at all: what is said of the weights, and how they were judged."""
    text = f"{above}{TABLES_MARK}\n\n"
    text += f"Experts: {format_values(asdict(ExpertsSettings()))}; chosen on dev scenes like these.\n"
    text += table(
        "Accuracy of the class of sounding objects, exact masks of composite dev scenes; two sounds: another "
        "object's audio is mixed in, equally loud",
        figures.columns,
        figures.rows,
    )
    text += table("Accuracy on held-out classes, four folds", figures.columns, figures.left_out)
    write_atomic(path, text)
