"""The model card of a run: tables of data, recipe, metrics, features, numbers and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from seac._version import __version__
from seac.training.config import TrainingConfig
from seac.training.history import History


def model_card(
    config: TrainingConfig,
    history: History,
    *,
    epoch: int,
    clips: int,
    provenance: Mapping[str, str],
    preset: str,
    sha256: str,
    licence: str,
) -> str:
    """The card as Markdown.

    Args:
        config: every number of the run.
        history: of the run.
        epoch: of the weights that were kept, from 0.
        clips: trained on.
        provenance: what made the features.
        preset: of the encoders.
        sha256: of the weights.
        licence: of the training material, as the user stated it; empty if unknown.
    """
    defaults = asdict(TrainingConfig())
    numbers = {
        name: value if value == defaults[name] else f"{value} (paper: {defaults[name]})"
        for name, value in asdict(config).items()
    }
    names = history.measured()
    metrics = {name: f"{history.epochs[epoch][name]:.4f}" for name in names} if names else {}
    metrics["loss of the last epoch"] = f"{history.epochs[-1]['loss']:.4f}"
    data = {
        "clips": clips,
        "licence of the training material": licence or "not stated; ask whoever trained this",
        "labels": "none; image-audio pairs",
    }
    last_step = len(history.steps)
    phase = (
        "training",
        int(sum(row["samples"] for row in history.epochs)),
        last_step,
        config.lr,
        "random weights",
        f"epoch {epoch + 1} of {config.epochs}"
        + (f", best in {names[0]}" if names else ", the last (nothing was measured in between)"),
    )
    file = {
        "weights": "`association.safetensors`",
        "sha256": f"`{sha256}`",
        "use": f"`seac.load({preset!r}, association_weights=PATH)`",
        "trained by": f"seac {__version__}, `seac train`",
    }
    return "\n".join(
        [
            f"# Association for the preset {preset}",
            "",
            "How well each mask of a frame fits a sound: attention pooling, mask encoder and two",
            "projections, trained with MSA-MICL on image-audio pairs, without any mask label.",
            "",
            "## File",
            table(file),
            "",
            "## Data",
            table(data),
            "",
            "## Recipe",
            "| phase | samples | steps | peak rate | start | kept |",
            "| --- | --- | --- | --- | --- | --- |",
            f"| {' | '.join(map(str, phase))} |",
            "",
            "## Metrics",
            table(metrics),
            "",
            "## Features",
            "Masks and windows must come from these very networks.",
            "",
            table(provenance),
            "",
            "## Numbers",
            table(numbers),
            "",
            "## Limits",
            table(LIMITS),
            "",
        ]
    )


LIMITS = {
    "rare objects, off-screen sounds": "few training pairs, so low accuracy",
    "objects often visible beside what sounds": "may be taken for the source",
    "test splits": "were not used, neither for training nor for choosing",
}


def table(rows: Mapping[str, Any]) -> str:
    """Two columns of Markdown."""
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])
