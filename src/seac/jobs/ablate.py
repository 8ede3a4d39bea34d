"""Implementation of ``seac ablate``: a resumable grid of trainings, each evaluated once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from seac.associate.model import AssociationModule
from seac.core.atomic import write_atomic
from seac.core.errors import InputError, unknown
from seac.core.ownership import check_names, claim
from seac.encoders.base import AudioEncoder
from seac.features.batch import TrainingStore
from seac.jobs.progress import print_line
from seac.jobs.train import check_variant, fabric_for, split
from seac.presets.spec import ModelSpec
from seac.training.ablation.axes import AXES, Axis, chosen_values, with_value
from seac.training.ablation.report import write_report
from seac.training.checkpoint import FILE as CHECKPOINT
from seac.training.checkpoint import is_checkpoint, origin
from seac.training.config import TrainingConfig, configured
from seac.training.frozen import Networks
from seac.training.trainer import Fitting, fit
from seac.training.validation import Benchmarked, Retrieval, Wanted

HELD_OUT = 0.1
"""Share of the clips on which retrieval is measured if no benchmark is given."""
CELL_FILES = (CHECKPOINT, CHECKPOINT + ".tmp", "steps.csv", "epochs.csv", "tensorboard/", "cell.json")

Evaluate = Callable[[AssociationModule, int], dict[str, float]]


@dataclass(frozen=True)
class AblateJob:
    """Options of ``seac ablate``."""

    store: Path
    out: Path
    over: tuple[str, ...]
    model: ModelSpec = ModelSpec()
    evaluate: tuple[str, ...] = ()
    seeds: int = 3
    settings: tuple[str, ...] = ()
    values: str | None = None


@dataclass(frozen=True)
class Cell:
    """One training of the grid.

    Attributes:
        value: value of the axis.
        seed: seed of the training.
        figures: metrics by name.
    """

    value: Any
    seed: int
    figures: dict[str, float]


def ablate(job: AblateJob, *, as_json: bool = False) -> dict[str, list[Cell]]:
    """Train and evaluate the missing cells, then write the reports.

    Returns:
        the cells of every axis.

    Raises:
        InputError: wrong input; the message is one line.
    """
    from seac.features import open_store

    axes, wanted = asked(job)
    store = open_store(job.store)
    config = configured(store.preset, job.settings)
    check_variant(store, config)
    if not wanted and not config.held_out:
        config = replace(config, held_out=HELD_OUT)
    values = {axis.name: chosen_values(axis, store, config, job.values) for axis in axes}
    for name in cell_names(values, config, job.seeds):
        cell = job.out / "cells" / name
        if not is_cell(cell / "cell.json"):  # finished cells are not overwritten
            check_names(cell, CELL_FILES, legacy=find_legacy_cell_files)
    with claim(job.out, names_of(axes), legacy=find_legacy_files):
        networks = Networks(replace(job.model, preset=store.preset))
        encoder = networks.audio(store) if needs_encoder(values, config) else None
        evaluate = evaluation(store, config, wanted, networks, max_masks(values, config))
        return run_grid(
            store, config, values, job.seeds, job.out, encoder, evaluate, job.model.device, as_json=as_json
        )


def names_of(axes: Sequence[Axis]) -> list[str]:
    """Files and folders of an ablation, for :func:`seac.core.ownership.claim`."""
    return ["cells/", *(axis.name + end for axis in axes for end in (".csv", ".png", ".png.tmp", ".md"))]


def cell_names(values: Mapping[str, list[Any]], config: TrainingConfig, seeds: int) -> list[str]:
    """Folders of the trainings of a grid, without duplicates."""
    trainings = [
        replace(with_value(config, AXES[name], value), seed=seed)
        for name, chosen in values.items()
        for value in chosen
        for seed in range(config.seed, config.seed + seeds)
    ]
    return list(dict.fromkeys(name_of(training, config) for training in trainings))


def find_legacy_files(folder: Path) -> Callable[[str], bool]:
    """Files of an ablation in a folder without an ownership record: all files if it has cells."""
    return lambda name: any(map(is_cell, (folder / "cells").glob("*/cell.json")))


def find_legacy_cell_files(folder: Path) -> Callable[[str], bool]:
    """Files of a training in a cell without an ownership record."""
    return lambda name: is_cell(folder / "cell.json") or is_checkpoint(folder / CHECKPOINT)


def is_cell(path: Path) -> bool:
    """Whether a file has the metrics of a training."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(stored, dict) and stored.keys() == {"begun", "figures"}


def asked(job: AblateJob) -> tuple[list[Axis], list[Wanted]]:
    """Parse the axes and benchmarks of a job.

    Raises:
        InputError: an unknown axis, values for several axes, or an unknown benchmark.
    """
    names = [name.strip() for part in job.over for name in part.split(",") if name.strip()]
    for name in names:
        if name not in AXES:
            raise InputError(unknown("ablation", name, AXES))
    if not names:
        raise InputError(f"--over names nothing: give one of {', '.join(AXES)}")
    if job.values is not None and len(names) > 1:
        raise InputError("--values needs exactly one --over")
    if job.seeds < 1:
        raise InputError(f"--seeds is {job.seeds}: give at least 1")
    return [AXES[name] for name in names], [Wanted.parse(text, choosing=False) for text in job.evaluate]


def needs_encoder(values: dict[str, list[Any]], config: TrainingConfig) -> bool:
    """Whether any training of the grid mixes audio."""
    return bool(config.mixing) or any(values.get("msa", ()))


def max_masks(values: dict[str, list[Any]], config: TrainingConfig) -> int:
    """Maximum masks of a frame over all trainings of the grid."""
    return int(max([config.n_masks, *values.get("n_masks", ())]))


def evaluation(
    store: TrainingStore, config: TrainingConfig, wanted: Sequence[Wanted], networks: Networks, masks: int
) -> Callable[[TrainingConfig], Evaluate]:
    """Metrics of a trained module: benchmarks by the paper's rule (cosine without objectness), or retrieval.

    Returns:
        a function of the config of a training, as the held-out clips depend on the seed.
    """
    eval_config = replace(config, n_masks=masks)
    benchmarks = [Benchmarked(each, store, eval_config, networks, objectness=0.0) for each in wanted]

    def by_benchmark(module: AssociationModule, n_masks: int) -> dict[str, float]:
        figures: dict[str, float] = {}
        for each in benchmarks:
            figures |= each(module, n_masks)
        return figures

    def chosen(training: TrainingConfig) -> Evaluate:
        if benchmarks:
            return by_benchmark
        return Retrieval(split(store, training)[1], training.n_masks)

    return chosen


def run_grid(
    store: TrainingStore,
    config: TrainingConfig,
    values: dict[str, list[Any]],
    seeds: int,
    out: Path,
    encoder: AudioEncoder | None,
    evaluate: Callable[[TrainingConfig], Evaluate],
    device: str = "cpu",
    *,
    as_json: bool = False,
) -> dict[str, list[Cell]]:
    """Train every cell of every axis and write the reports; a training shared by two axes runs once."""
    console = Console(stderr=True)
    found: dict[str, list[Cell]] = {}
    for name, chosen in values.items():
        axis = AXES[name]
        cells = []
        for value in chosen:
            for seed in range(config.seed, config.seed + seeds):
                training = replace(with_value(config, axis, value), seed=seed)
                figures = run_cell(store, training, config, out, encoder, evaluate, device)
                cells.append(Cell(value, seed, figures))
                first = ", ".join(f"{key} {figure:.3f}" for key, figure in list(figures.items())[:2])
                print_line(console, f"{name} {axis.shown(value)}, seed {seed}: {first}")
        found[name] = cells
        write_report(axis, [(cell.value, cell.seed, cell.figures) for cell in cells], out, config)
    if as_json:
        records = {name: [asdict(cell) for cell in cells] for name, cells in found.items()}
        sys.stdout.write(json.dumps({"out": str(out), "cells": records}) + "\n")
    return found


def run_cell(
    store: TrainingStore,
    training: TrainingConfig,
    base: TrainingConfig,
    out: Path,
    encoder: AudioEncoder | None,
    evaluate: Callable[[TrainingConfig], Evaluate],
    device: str,
) -> dict[str, float]:
    """Metrics of one training: from its file if it is finished, else by training.

    Raises:
        InputError: the folder has a training with another store or other settings, or other files.
    """
    folder = out / "cells" / name_of(training, base)
    record = folder / "cell.json"
    begun = json.loads(json.dumps(origin(training, len(store), store.provenance)))
    if record.is_file() and is_cell(record):
        stored = json.loads(record.read_text(encoding="utf-8"))
        if stored["begun"] != begun:
            raise InputError(f"{folder} has a training with other settings: give another --out")
        return dict(stored["figures"])
    with claim(folder, CELL_FILES, legacy=find_legacy_cell_files):
        train_part, _ = split(store, training)
        fabric = fabric_for(device, 1, training.precision)
        fitted = fit(Fitting(train_part, training, folder, encoder if training.mixing else None), fabric)
        figures = evaluate(training)(fitted.module.eval(), training.n_masks)
        write_atomic(record, json.dumps({"begun": begun, "figures": figures}, indent=1) + "\n")
        (folder / CHECKPOINT).unlink(missing_ok=True)  # large, and no longer needed
    return figures


def name_of(training: TrainingConfig, base: TrainingConfig) -> str:
    """Folder name of a training: its settings that differ from the others, and its seed."""
    ours, theirs = asdict(training), asdict(base)
    differ = [f"{key}={ours[key]}" for key in ours if key != "seed" and ours[key] != theirs[key]]
    return " ".join([*(differ or ["base"]), f"seed={training.seed}"])
