"""Implementation of ``seac train``: trains on a store and writes the folder of the run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from seac.associate.trained import FILE, write
from seac.core.atomic import write_atomic
from seac.core.errors import InputError
from seac.core.ownership import claim
from seac.features.batch import StorePart, TrainingStore
from seac.presets.spec import ModelSpec
from seac.segment.baselines.grid import Grid
from seac.training.checkpoint import FILE as CHECKPOINT
from seac.training.checkpoint import is_checkpoint
from seac.training.config import TrainingConfig, configured
from seac.training.frozen import Networks
from seac.training.history import draw_curves
from seac.training.model_card import model_card
from seac.training.trainer import Fitted, Fitting, Measure, fit, seed_of, steps_per_epoch
from seac.training.validation import Benchmarked, Retrieval, Wanted, combine_measures

READY = FILE + ".ready"
FILES = (
    *(CHECKPOINT, CHECKPOINT + ".tmp", "steps.csv", "epochs.csv", "tensorboard/"),
    *("curves.png", "curves.png.tmp", "card.md", "run.json", FILE, READY),
)
"""Files and folders of a run, for :func:`seac.core.ownership.claim`."""


@dataclass(frozen=True)
class TrainJob:
    """Options of ``seac train``.

    ``model`` specifies the frozen networks of the store, their device and their weights. Its preset is
    replaced by the store's; another ``preset`` than the store's is refused.
    """

    store: Path
    out: Path
    model: ModelSpec = ModelSpec()
    preset: str | None = None
    settings: tuple[str, ...] = ()
    val: tuple[str, ...] = ()
    devices: int = 1
    licence: str = ""


def train(job: TrainJob, *, as_json: bool = False) -> dict[str, Any]:
    """Train, or resume the run in ``job.out``.

    Returns:
        the summary, as in ``run.json``.

    Raises:
        InputError: wrong input; the message is one line.
    """
    from seac.features import open_store

    wanted = tuple(Wanted.parse(text) for text in job.val)
    store = open_store(job.store)
    preset = preset_of(store, job.preset)
    config = configured(preset, job.settings)
    check_variant(store, config)
    train_part, held_out = split(store, config)
    fabric = fabric_for(job.model.device, job.devices, config.precision)
    steps_per_epoch(train_part, config, fabric.world_size)
    with claim(job.out, FILES, legacy=find_legacy_files, is_main=fabric.is_global_zero):
        networks = Networks(replace(job.model, preset=preset, device=str(fabric.device)))
        zero_shot = networks.text_space(config)
        measures: list[Measure] = []
        if fabric.is_global_zero:
            measures += [Benchmarked(each, store, config, networks) for each in wanted]
            measures += [Retrieval(held_out, config.n_masks, zero_shot)] if len(held_out) > 1 else []
        encoder = networks.audio(store) if config.mixing else None
        console = Console(stderr=True, quiet=not fabric.is_global_zero)
        with progress_bar(
            console, config, steps_per_epoch(train_part, config, fabric.world_size)
        ) as progress:
            fitting = Fitting(
                train_part, config, job.out, encoder, combine_measures(measures), progress, zero_shot
            )
            fitted = fit(fitting, fabric)
        if not fabric.is_global_zero:
            return {}
        summary = finish(job.out, fitted, config, train_part, preset, job.licence)
    print_summary(console, summary)
    if as_json:
        sys.stdout.write(json.dumps(summary) + "\n")
    return summary


def preset_of(store: TrainingStore, asked: str | None) -> str:
    """The preset of a store's features.

    Raises:
        InputError: another preset was requested.
    """
    if asked is not None and asked != store.preset:
        raise InputError(
            f"the store has features of the preset {store.preset!r}, not {asked!r}: "
            f"leave --preset out, or extract with --preset {asked}"
        )
    return store.preset


def check_variant(store: TrainingStore, config: TrainingConfig) -> None:
    """Refuse a variant that does not match the store: masks for a grid, or grid cells for masks.

    Raises:
        InputError: the store has the other type, or ``n_masks`` is less than the number of grid cells.
    """
    grid = store.provenance.get("segmenter", "").startswith("grid")
    if grid != (config.variant == "grid"):
        raise InputError(
            "variant=grid needs a store of cells: seac extract --segmenter grid --top-n 81"
            if not grid
            else "the store holds the cells of a grid: --set variant=grid --set n_masks=81"
        )
    if grid and config.n_masks < (cells := Grid().cells):
        raise InputError(f"n_masks is {config.n_masks}, but cells have no order: --set n_masks={cells}")


def split(store: TrainingStore, config: TrainingConfig) -> tuple[StorePart, StorePart]:
    """Training clips and held-out clips, determined by the seed and the store's size.

    Held-out clips are sampled first, so they do not depend on the number of training clips.
    """
    order = torch.randperm(len(store), generator=torch.Generator().manual_seed(seed_of("split", config.seed)))
    count = round(config.held_out * len(store))
    rest = order[count:].tolist()
    kept = rest[: config.clips] if config.clips else rest
    return StorePart(store, tuple(sorted(kept))), StorePart(store, tuple(sorted(order[:count].tolist())))


def fabric_for(device: str, devices: int, precision: str) -> Any:
    """Launch Fabric with devices and precision on this rank; with torchrun, on its ranks.

    Raises:
        InputError: unknown device, or Lightning Fabric is not installed.
    """
    try:
        from lightning_fabric import Fabric
    except ImportError:
        raise InputError("training needs Lightning Fabric: pip install 'seac[train]'") from None
    from seac.presets.load import checked_device

    kind = torch.device(checked_device(device))
    if devices < 1:
        raise InputError(f"--devices is {devices}: give at least 1")
    if kind.type == "cuda" and devices > torch.cuda.device_count():
        raise InputError(f"--devices is {devices}, and there are {torch.cuda.device_count()} CUDA devices")
    nodes = 1
    if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun sets the numbers of local and of all ranks
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
    chosen: Any = [kind.index] if kind.index is not None and devices == 1 else devices
    strategy = "ddp" if devices * nodes > 1 else "auto"
    fabric = Fabric(
        accelerator=kind.type, strategy=strategy, devices=chosen, num_nodes=nodes, precision=precision
    )
    fabric.launch()
    return fabric


def find_legacy_files(folder: Path) -> Callable[[str], bool]:
    """Files of a run in a folder without an ownership record: those beside a checkpoint of seac."""
    return lambda name: name in FILES and is_checkpoint(folder / CHECKPOINT)


def progress_bar(
    console: Console, config: TrainingConfig, per_epoch: int
) -> AbstractContextManager[Callable[[int, int], None] | None]:
    """A progress bar over all steps; nothing without a terminal."""
    if console.quiet or not console.is_terminal:
        return nullcontext(None)
    return _Bar(console, config.epochs, per_epoch)


class _Bar:
    def __init__(self, console: Console, epochs: int, per_epoch: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("training", total=epochs * per_epoch)
        self._epochs, self._per_epoch = epochs, per_epoch

    def __enter__(self) -> Callable[[int, int], None]:
        self._progress.start()
        return self._step

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def _step(self, epoch: int, step: int) -> None:
        text = f"epoch {epoch + 1} of {self._epochs}"
        self._progress.update(self._task, completed=epoch * self._per_epoch + step, description=text)


def finish(
    out: Path, fitted: Fitted, config: TrainingConfig, store: TrainingStore, preset: str, licence: str
) -> dict[str, Any]:
    """Write weights, model card, curves and record; the weights are last, as they mark a finished run."""
    history = fitted.history
    draw_curves(history, out / "curves.png")
    provenance = {**store.provenance, "preset": preset}
    sha256 = write(fitted.module, out / READY, provenance)
    text = model_card(
        config,
        history,
        epoch=fitted.epoch,
        clips=len(store),
        provenance=provenance,
        preset=preset,
        sha256=sha256,
        licence=licence,
    )
    write_atomic(out / "card.md", text)
    seconds = sum(row["seconds"] for row in history.epochs)
    summary = {
        "out": str(out),
        "preset": preset,
        "clips": len(store),
        "epochs": config.epochs,
        "steps": len(history.steps),
        "kept_epoch": fitted.epoch + 1,
        "loss": history.epochs[-1]["loss"],
        "temperature": float(fitted.module.temperature.detach()),
        "measured": {name: history.epochs[fitted.epoch][name] for name in history.measured()},
        "seconds": round(seconds, 2),
        "samples_per_second": round(sum(row["samples"] for row in history.epochs) / max(seconds, 1e-9), 1),
        "waiting_share": round(
            sum(row["waiting"] * row["seconds"] for row in history.epochs) / max(seconds, 1e-9), 4
        ),
        "parameters": sum(weight.numel() for weight in fitted.module.parameters()),
        "sha256": sha256,
        "config": asdict(config),
    }
    write_atomic(out / "run.json", json.dumps(summary, indent=1) + "\n")
    (out / READY).replace(out / FILE)
    return summary


def print_summary(console: Console, summary: dict[str, Any]) -> None:
    """Print a short summary."""
    measured = ", ".join(f"{name} {value:.3f}" for name, value in summary["measured"].items())
    console.print(
        f"{summary['clips']} clips, {summary['steps']} steps, {summary['samples_per_second']} samples/s; "
        f"training waited for batches {100 * summary['waiting_share']:.1f} % of the time\n"
        f"kept epoch {summary['kept_epoch']} of {summary['epochs']}, loss {summary['loss']:.3f}"
        + (f", {measured}" if measured else "")
        + f" -> {summary['out']}/{FILE}",
        highlight=False,
        soft_wrap=True,
    )
