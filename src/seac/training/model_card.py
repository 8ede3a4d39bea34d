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
    head: Mapping[str, Any] | None = None,
) -> str:
    """The card as Markdown.

    Args:
        config: configuration of the run.
        history: of the run.
        epoch: epoch of the kept weights, from 0.
        clips: number of training clips.
        provenance: provenance of the features.
        preset: preset of the encoders.
        sha256: digest of the weights.
        licence: of the training material, as the user stated it; empty if unknown.
        head: summary of the sounding head, as in ``run.json``; None without one.
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
        "licence of the training material": licence or "not stated; ask the author of the weights",
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
        + (f", best in {names[0]}" if names else ", the last (no metrics during training)"),
    )
    file = {
        "weights": "`association.safetensors`",
        "sha256": f"`{sha256}`",
        "use": f"`seac.load({preset!r}, association_weights=PATH)`",
        "trained by": f"seac {__version__}, `seac train`",
    }
    phases = [phase]
    if head is not None:
        kept = f"epoch {head['kept_epoch']}, best on held-out clips"
        frames = head["steps"] * config.sounding_batch
        phases.append(("sounding head", frames, head["steps"], config.sounding_lr, "random weights", kept))
    return "\n".join(
        [
            f"# Association for the preset {preset}",
            "",
            "Similarity of each mask of a frame with the audio: attention pooling, mask encoder and two",
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
            *(f"| {' | '.join(map(str, each))} |" for each in phases),
            "",
            "## Metrics",
            table(metrics),
            "",
            *([] if head is None else head_section(head)),
            "## Features",
            "Masks and windows must be encoded by these networks.",
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


def head_section(head: Mapping[str, Any]) -> list[str]:
    """Lines about the sounding head."""
    return [
        "## Sounding head",
        "Probability that each mask sounds, from its embeddings, geometry and similarity; trained and",
        "calibrated on the same pairs without labels, against the audio of other clips and noise.",
        "",
        table(
            {
                "weights": "`sounding_head.safetensors`",
                "sha256": f"`{head['sha256']}`",
                "weights in the network": head["parameters"],
                **{f"held-out clips: {name}": value for name, value in head["measured"].items()},
                **{f"calibration: {name}": value for name, value in head["calibration"].items()},
            }
        ),
        "",
    ]


LIMITS = {
    "rare objects, off-screen sounds": "few training pairs, so low accuracy",
    "objects often visible beside the source": "may be predicted as the source",
    "which mask sounds": "no label says so; only own audio is told from other audio",
    "test splits": "not used, neither for training nor for model selection",
}


def table(rows: Mapping[str, Any]) -> str:
    """A Markdown table of two columns."""
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])
