"""The model card of a run: what it was trained on and how, what it reached, what it is good for."""

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
        epoch: whose weights were kept, from 0.
        clips: trained on.
        provenance: what made the features.
        preset: whose parts made them.
        sha256: of the weights.
        licence: of the training material, as the user stated it; empty if unknown.
    """
    defaults = asdict(TrainingConfig())
    numbers = {
        name: value if value == defaults[name] else f"{value} (paper: {defaults[name]})"
        for name, value in asdict(config).items()
    }
    names = history.measured()
    reached = {name: f"{history.epochs[epoch][name]:.4f}" for name in names} if names else {}
    last = history.epochs[-1]
    reached["loss of the last epoch"] = f"{last['loss']:.4f}"
    return "\n".join(
        [
            f"# Association for the preset {preset}",
            "",
            "Says how well each mask of a frame fits a sound: attention pooling, mask encoder and two",
            "projections, trained with MSA-MICL on pairs of frames and sounds without any mask label.",
            "",
            f"- weights: `association.safetensors`, sha256 `{sha256}`",
            f"- use: `seac.load({preset!r}, association_weights=PATH)`",
            f"- trained by: seac {__version__}, `seac train`, on {clips} clips",
            f"- kept: epoch {epoch + 1} of {config.epochs}"
            + (f", best in {names[0]}" if names else ", the last (nothing was measured in between)"),
            f"- licence of the training material: {licence or 'not stated; ask whoever trained this'}",
            "",
            "## Reached",
            table(reached),
            "",
            "## Features it needs",
            table(provenance),
            "",
            "## Numbers",
            table(numbers),
            "",
            "## Limits",
            "It associates what its training clips associate: rare things, off-screen sounds and things that",
            "are often seen beside what sounds are its weak points. Masks and sounds must come from the very",
            "networks named above. Test splits were never looked at.",
            "",
        ]
    )


def table(rows: Mapping[str, Any]) -> str:
    """Two columns of Markdown."""
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])
