"""Table of ablation axes: those of the paper and additional ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from seac.associate.losses import LOSSES
from seac.core.errors import InputError
from seac.features.batch import TrainingStore
from seac.training.config import TrainingConfig, checked, parse_value


@dataclass(frozen=True)
class Axis:
    """One axis of an ablation.

    Attributes:
        name: name on the command line.
        title: title of the plot and the table.
        label: label of the x axis or of the first column.
        setting: field of :class:`TrainingConfig` that is varied.
        values: function from a store and the base config to the values of the field.
        shown: function that formats a value.
        shape: "curve" as in the paper's figures, or "table" as in its tables.
        expected: the paper's finding, or the expectation.
        trend: position of the expected maximum: the last value, or between the ends.
    """

    name: str
    title: str
    label: str
    setting: str
    values: Callable[[TrainingStore, TrainingConfig], Sequence[Any]]
    shown: Callable[[Any], str]
    shape: Literal["curve", "table"]
    expected: str
    trend: Literal["last", "inside"]


def mask_counts(store: TrainingStore, config: TrainingConfig) -> list[int]:
    """Numbers of masks up to the maximum of the store and the config."""
    max_masks = min(config.n_masks, int(store.proposals.max()))
    return sorted({n for n in (1, 2, 5, 10, 20, 30, 40, 50) if n < max_masks} | {config.n_masks})


def clip_counts(store: TrainingStore, config: TrainingConfig) -> list[int]:
    """The paper's 50k, 100k and 144k as shares of the store; 0 means all clips."""
    train_clips = len(store) - round(config.held_out * len(store))
    return [round(train_clips * 50 / 144), round(train_clips * 100 / 144), 0]


AXES: dict[str, Axis] = {
    "lambda": Axis(
        "lambda",
        "Mixing weight of local and global view (paper: Fig. 4)",
        "lambda",
        "lam",
        lambda store, config: sorted({0.0, 0.2, 0.4, 0.6, 0.8, 1.0, config.lam}),
        lambda value: f"{value:g}",
        "curve",
        "both views together are better than either alone, .6 is best",
        "inside",
    ),
    "n_masks": Axis(
        "n_masks",
        "Number of input masks (paper: Fig. 5)",
        "N",
        "n_masks",
        mask_counts,
        str,
        "curve",
        "more masks are better, up to 50",
        "last",
    ),
    "msa": Axis(
        "msa",
        "Multi-source-aware training (paper: Table 3)",
        "Method",
        "mixing",
        lambda store, config: [0.0, config.mixing or 0.5],
        lambda value: "w/ MSA" if value else "w/o MSA",
        "table",
        "mixing helps, most of all with several sounding objects",
        "last",
    ),
    "data_size": Axis(
        "data_size",
        "Number of training clips (paper: Table 4)",
        "Training clips",
        "clips",
        clip_counts,
        lambda value: str(value) if value else "all",
        "table",
        "more clips are better",
        "last",
    ),
    "encoder_depth": Axis(
        "encoder_depth",
        "Layers of the mask encoder (ours)",
        "layers",
        "depth",
        lambda store, config: sorted({0, 1, 2, 4, config.depth}),
        str,
        "curve",
        "the paper has 4 and shows no other; attention between masks should help",
        "last",
    ),
    "loss": Axis(
        "loss",
        "Loss (ours)",
        "Loss",
        "loss",
        lambda store, config: sorted(LOSSES, key=lambda name: name != "msa-micl"),
        str,
        "table",
        "no results in the paper; fewer false negatives should help where classes repeat in a batch",
        "last",
    ),
}


def chosen_values(
    axis: Axis, store: TrainingStore, config: TrainingConfig, given: str | None = None
) -> list[Any]:
    """The values of an axis, or the user's comma-separated values.

    Raises:
        InputError: a value of another type or out of range.
    """
    if given is None:
        return list(axis.values(store, config))
    value_type = type(getattr(config, axis.setting))
    found = [parse_value(axis.setting, text.strip(), value_type) for text in given.split(",") if text.strip()]
    if not found:
        raise InputError(f"--values {given!r}: give comma-separated values of {axis.setting}")
    for value in found:
        checked(with_value(config, axis, value))
    return found


def with_value(config: TrainingConfig, axis: Axis, value: Any) -> TrainingConfig:
    """The config with one value of an axis."""
    return replace(config, **{axis.setting: value})
