"""The model card of the class heads: tables of data, training and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recipes.class_heads.evaluate import AUDIO_CONDITIONS
from recipes.class_heads.train import RECIPES, Recipe
from recipes.common.model_card import LICENCE, pairs, section
from seac.classify.experts import ExpertsSettings
from seac.core.atomic import write_atomic
from seac.encoders.class_heads import ClassHeadsWeights

TITLE = """# Model card: class heads

Two classification heads with one hidden layer each, on the frozen embeddings of EfficientNet-Lite2 (image)
and of the audio student: {classes} classes and none of them. The preset `tiny` uses them twice: the
probability that mask and audio are of one class is part of the association (association.md), and both heads
are experts in the classification of masks, beside the encoders' own classes, so that any vocabulary may be
given.
"""
COMMANDS = {
    "features, training, metrics": "`python -m recipes.class_heads --media MEDIA/train --work WORK "
    "--dev MEDIA/dev --model-card --seed 0`",
    "metrics of existing weights": "`... --evaluate`",
}
LIMITS = [
    ("most training images are drawings", "photographs of rare classes are classified less well"),
    (
        "a vocabulary without these classes",
        "depends on the encoders' own classes; `--classifier zero-shot` uses only them",
    ),
]
TABLES_MARK = "<!-- metrics: python -m recipes.class_heads --model-card -->"


@dataclass(frozen=True)
class Row:
    """A classifier, and its accuracies by audio condition and vocabulary."""

    name: str
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Figures:
    """Metrics of the model card.

    Attributes:
        columns: names of the vocabularies; each has a column per audio condition.
        rows: accuracies on dev scenes.
        left_out: accuracies on classes left out of training.
        samples: number of training samples by modality.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: tuple[Row, ...]
    samples: Mapping[str, int]


def phase_row(modality: str, recipe: Recipe) -> tuple[Any, ...]:
    """A row of the recipe table: head, samples, steps, peak rate, start, other numbers."""
    rest = {name: value for name, value in asdict(recipe).items() if name not in ("steps", "rate")}
    numbers = ", ".join(f"{name} {value}" for name, value in rest.items())
    return modality, recipe.steps * recipe.batch, recipe.steps, str(recipe.rate), "random weights", numbers


def metrics_table(title: str, note: str, figures: Figures, rows: tuple[Row, ...]) -> str:
    """A section with a table of accuracies."""
    heads = [f"{column}, {condition}" for condition in AUDIO_CONDITIONS for column in figures.columns]
    return section(title, ("classifier", *heads), [(row.name, *row.shares) for row in rows], note)


def render_header(weights: ClassHeadsWeights, figures: Figures) -> str:
    """Render the part of the card that describes newly trained weights."""
    data = {
        "high-resolution crops and local views (image)": figures.samples["image"],
        "clips of one or two classes (audio)": figures.samples["audio"],
        "classes": len(weights.names),
        "labels": "names of cut-outs and recordings, by recipes/common/classes.tsv; no mask was labelled by "
        "hand",
        "sources": "media folder, Debian packages of its SOURCES.csv, instruments played by FluidSynth",
    }
    return "\n".join(
        [
            TITLE.format(classes=len(weights.names)),
            section("Commands", ("step", "command"), pairs(COMMANDS)),
            section("Data", ("", ""), pairs(data)),
            section(
                "Recipe",
                ("head", "samples", "steps", "peak rate", "start", "other numbers"),
                [phase_row(modality, recipe) for modality, recipe in RECIPES.items()],
            ),
            section("Encoders", ("modality", "version"), pairs(weights.provenance)),
            section("Licence", ("", ""), pairs(LICENCE)),
            section("Limits", ("limit", "consequence"), LIMITS),
            section("File", ("", ""), [("sha256", weights.sha256)]),
            "",
        ]
    )


def write_model_card(path: Path, header: str, figures: Figures) -> None:
    """Write the card atomically: the header, then the metrics."""
    parts = [
        f"{header}{TABLES_MARK}\n",
        section(
            "Fusion of the experts",
            ("setting", "value"),
            pairs(asdict(ExpertsSettings())),
            "Chosen on composite dev scenes.",
        ),
        metrics_table(
            "Accuracy on dev scenes",
            "Exact masks of sounding objects in composite dev scenes. For two sounds, the audio of another "
            "object is added at equal level.",
            figures,
            figures.rows,
        ),
        metrics_table(
            "Accuracy on classes left out of training",
            "The same evaluation in four folds.",
            figures,
            figures.left_out,
        ),
    ]
    write_atomic(path, "\n".join(parts))
