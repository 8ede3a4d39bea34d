"""What is varied in an ablation: one table, a row for each question of the paper and some of our own."""

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
    """One question.

    Attributes:
        name: on the command line.
        title: over its picture and table.
        label: of its axis or first column.
        setting: field of :class:`TrainingConfig` that is varied.
        values: what it takes, for a store and the config of everything else.
        shown: a value in words.
        shape: "curve" as the paper's figures, or "table" as its tables.
        expected: what the paper found, or what one would expect.
        trend: where figures should be highest: at the last value, or inside the ends.
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
    """Counts of masks up to what frames of the store hold and the config takes."""
    max_masks = min(config.n_masks, int(store.proposals.max()))
    return sorted({n for n in (1, 2, 5, 10, 20, 30, 40, 50) if n < max_masks} | {config.n_masks})


def clip_counts(store: TrainingStore, config: TrainingConfig) -> list[int]:
    """The paper's 50k, 100k and 144k as shares of the store; 0 is all of it."""
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
        "mixing helps, most of all where several things sound",
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
        "the paper has 4 and shows no other; masks that see one another should help",
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
        "no figures in the paper; fewer false negatives should help where classes repeat in a batch",
        "last",
    ),
}


def chosen_values(
    axis: Axis, store: TrainingStore, config: TrainingConfig, given: str | None = None
) -> list[Any]:
    """The values of an axis, or those that a user gave by comma.

    Raises:
        InputError: a value of another type or outside its limits.
    """
    if given is None:
        return list(axis.values(store, config))
    value_type = type(getattr(config, axis.setting))
    found = [parse_value(axis.setting, text.strip(), value_type) for text in given.split(",") if text.strip()]
    if not found:
        raise InputError(f"--values {given!r}: give {axis.setting} values by comma")
    for value in found:
        checked(with_value(config, axis, value))
    return found


def with_value(config: TrainingConfig, axis: Axis, value: Any) -> TrainingConfig:
    """The config at one value of an axis."""
    return replace(config, **{axis.setting: value})
