"""The model card of the association: tables of data, training and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recipes.common.model_card import LICENCE, mean_and_spread, pairs, section
from seac.associate.ensemble import AssociationEnsembleSettings
from seac.core.atomic import write_atomic
from seac.training.config import TrainingConfig

TITLE = """# Model card: association

The association of the preset `tiny`: how well each mask of a frame fits the audio. The file holds one module,
trained with MSA-MICL on image-audio pairs, with the PCA projection of its input; `seac train` writes the same
format. The preset fuses its cosine with the zero-shot cosine and with the class match of the class heads
(class_heads.md). The frozen encoders are EfficientNet-Lite2 and the audio student (audio_student.md).
"""
COMMANDS = {
    "features and training": "`python -m recipes.association --media MEDIA/train --work WORK --seed 0`",
    "metrics and this card": "`... --dev MEDIA/dev --model-card`, after `recipes.class_heads` in this WORK",
    "the same on own data": "`seac extract DIR STORE`, `seac train STORE --out RUN --set recipe=shipped`",
}
METRICS = {
    "dev": "composite dev scenes of 2 or 3 objects with exact masks, one of which sounds (chance .417); "
    "cut-outs and recordings were not used in training",
    "dev, classes never rendered": "those dev scenes whose sounding class was never rendered",
    "left out of training": "classes left out of both the training and the class heads, in four folds; "
    "distractors are left-out classes and silent objects",
}
LIMITS = [
    (
        "composites are not videos",
        "objects are cut-outs, many of them drawings, and each pair has one dominant source",
    ),
    ("classes without training data", "depend on the zero-shot cosine; see the metrics on left-out classes"),
]


def phase_row(config: TrainingConfig, recordings: int) -> tuple[Any, ...]:
    """The row of the training in the recipe table: name, samples, steps, peak rate, start."""
    steps = config.epochs * (recordings // config.batch)
    return "training", steps * config.batch, steps, str(config.lr), "random weights"


def write_model_card(
    path: Path, figures: Mapping[str, Any], config: TrainingConfig, provenance: Mapping[str, str]
) -> None:
    """Write the card atomically.

    Args:
        path: path of the card.
        figures: metrics and counts of the recipe.
        config: settings of the training.
        provenance: versions of the frozen encoders by part.
    """
    changed = {
        name: value for name, value in asdict(config).items() if value != asdict(TrainingConfig())[name]
    }
    data = {
        "masks of composite scenes": figures["masks"],
        "recordings of 5 s": figures["recordings"],
        "classes": figures["classes"],
        "labels used by the loss": "none; the class decides which scene a recording is paired with",
        "sources": "media folder, Debian packages of its SOURCES.csv, instruments played by FluidSynth",
    }
    parts = [
        TITLE,
        section("Commands", ("step", "command"), pairs(COMMANDS)),
        section("Data", ("", ""), pairs(data)),
        section(
            "Recipe",
            ("phase", "samples", "steps", "peak rate", "start"),
            [phase_row(config, figures["recordings"])],
        ),
        section("Numbers other than the paper's", ("setting", "value"), pairs(changed)),
        section("Fusion", ("setting", "value"), pairs(asdict(AssociationEnsembleSettings()))),
        section("Encoders", ("part", "version"), pairs(provenance)),
        *(
            section(
                f"Object picking: {name}",
                ("similarity", "accuracy", "standard deviation"),
                [
                    mean_and_spread(variant, [run[number] for run in figures[name]])
                    for number, variant in enumerate(figures["variants"])
                ],
                f"Accuracy over {len(figures[name])} trainings: {title}.",
            )
            for name, title in METRICS.items()
            if figures[name]
        ),
        section("Licence", ("", ""), pairs(LICENCE)),
        section("Limits", ("limit", "consequence"), LIMITS),
        section("File", ("", ""), [("sha256", figures["sha256"])]),
    ]
    write_atomic(path, "\n".join(parts))
