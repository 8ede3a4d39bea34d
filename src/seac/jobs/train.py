"""Implementation of ``seac train``: trains on a store and writes the folder of the run."""

from __future__ import annotations

import json
import math
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
from seac.decision.calibration_file import NAME as CALIBRATION
from seac.decision.trained_head import FILE as HEAD_FILE
from seac.decision.trained_head import write as write_head
from seac.features.batch import StorePart, TrainingStore
from seac.jobs.progress import print_line
from seac.presets.spec import ModelSpec
from seac.presets.table import PRESETS
from seac.segment.baselines.grid import Grid
from seac.training.checkpoint import FILE as CHECKPOINT
from seac.training.checkpoint import is_checkpoint
from seac.training.config import TrainingConfig, configured
from seac.training.frozen import Networks
from seac.training.history import draw_curves
from seac.training.model_card import model_card
from seac.training.run import seed_of, steps_per_epoch
from seac.training.sounding import FOLDER, MIN_HELD_OUT, HeadFitted, HeadFitting, train_head
from seac.training.trainer import Fitted, Fitting, Measure, fit
from seac.training.validation import Benchmarked, Retrieval, Wanted, combine_measures

READY = FILE + ".ready"
FILES = (
    *(CHECKPOINT, CHECKPOINT + ".tmp", "steps.csv", "epochs.csv", "tensorboard/", f"{FOLDER}/"),
    *("curves.png", "curves.png.tmp", "card.md", "run.json", HEAD_FILE, FILE, READY),
)
"""Files and folders of a run, for :func:`seac.core.ownership.claim`."""
HELD_OUT = 0.2
"""Share of the clips that is held out for the calibration of a sounding head, unless ``held_out`` is set."""


@dataclass(frozen=True)
class TrainJob:
    """Options of ``seac train``.

    ``model`` specifies the frozen networks of the store, their device and their weights. Its preset is
    replaced by the store's; another ``preset`` than the store's is refused. ``sounding_head`` says whether a
    sounding head is trained too; None decides by the preset and the number of clips.
    """

    store: Path
    out: Path
    model: ModelSpec = ModelSpec()
    preset: str | None = None
    settings: tuple[str, ...] = ()
    val: tuple[str, ...] = ()
    devices: int = 1
    licence: str = ""
    sounding_head: bool | None = None


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
    with_head, note = choose_head(job.sounding_head, store, config, preset)
    by_retrieval = config.held_out > 0  # clips that only the head needs do not choose the epoch
    if with_head and not config.held_out:
        config = replace(config, held_out=HELD_OUT)
    train_part, held_out = split(store, config)
    fabric = fabric_for(job.model.device, job.devices, config.precision)
    steps_per_epoch(train_part, config, fabric.world_size)
    with claim(job.out, FILES, legacy=find_legacy_files, is_main=fabric.is_global_zero):
        networks = Networks(replace(job.model, preset=preset, device=str(fabric.device)))
        zero_shot = networks.text_space(config)
        measures: list[Measure] = []
        if fabric.is_global_zero:
            measures += [Benchmarked(each, store, config, networks) for each in wanted]
            if by_retrieval and len(held_out) > 1:
                measures.append(Retrieval(held_out, config.n_masks, zero_shot))
        encoder = networks.audio(store) if config.mixing or with_head else None
        console = Console(stderr=True, quiet=not fabric.is_global_zero)
        if note:
            print_line(console, note)
        with progress_bar(
            console, config, steps_per_epoch(train_part, config, fabric.world_size)
        ) as progress:
            mixer = encoder if config.mixing else None
            fitting = Fitting(
                train_part, config, job.out, mixer, combine_measures(measures), progress, zero_shot
            )
            fitted = fit(fitting, fabric)
        if not fabric.is_global_zero:
            return {}
        sha256 = write(fitted.module, job.out / READY, {**train_part.provenance, "preset": preset})
        head = None
        if with_head:
            assert encoder is not None
            parts = train_part, held_out, config, job.out, encoder, fitted.module, sha256, zero_shot
            head = fit_head(HeadFitting(*parts), fabric, console)
        summary = finish(job.out, fitted, head, config, train_part, preset, job.licence, sha256)
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


def choose_head(
    asked: bool | None, store: TrainingStore, config: TrainingConfig, preset: str
) -> tuple[bool, str]:
    """Whether a sounding head is trained, and a note if the preset has one and the store allows none.

    Raises:
        InputError: it was asked for and cannot be trained.
    """
    of_preset = preset in PRESETS and PRESETS[preset].trained_head
    if asked is False or (asked is None and not of_preset):
        return False, ""
    reason = reason_against_head(store, config)
    if reason and asked:
        raise InputError(f"no sounding head can be trained: {reason}")
    return not reason, f"no sounding head is trained: {reason}" if reason else ""


def reason_against_head(store: TrainingStore, config: TrainingConfig) -> str:
    """Why no sounding head can be trained on a store; empty if one can."""
    if config.variant == "grid":
        return "locations of a grid are no masks (variant=grid)"
    clips = int((store.proposals > 0).any(dim=1).sum()) if len(store) else 0
    needed = math.ceil(2 * MIN_HELD_OUT / (config.held_out or HELD_OUT))
    if clips < needed:
        return f"the store has {clips} clips with masks, and {needed} are needed"
    return ""


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


def fit_head(job: HeadFitting, fabric: Any, console: Console) -> HeadFitted:
    """Train the sounding head on the main process, on one device; the other ranks have no part in it."""
    from lightning_fabric import Fabric

    if fabric.world_size > 1:
        fabric = Fabric(accelerator=fabric.device.type, devices=1, precision=job.config.precision)
    config = job.phase_config
    with progress_bar(console, config, steps_per_epoch(job.store, config, 1), "sounding head") as progress:
        return train_head(replace(job, progress=progress), fabric)


def find_legacy_files(folder: Path) -> Callable[[str], bool]:
    """Files of a run in a folder without an ownership record: those beside a checkpoint of seac."""
    return lambda name: name in FILES and is_checkpoint(folder / CHECKPOINT)


def progress_bar(
    console: Console, config: TrainingConfig, per_epoch: int, name: str = "training"
) -> AbstractContextManager[Callable[[int, int], None] | None]:
    """A progress bar over all steps; nothing without a terminal."""
    if console.quiet or not console.is_terminal:
        return nullcontext(None)
    return _Bar(console, config.epochs, per_epoch, name)


class _Bar:
    def __init__(self, console: Console, epochs: int, per_epoch: int, name: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(name, total=epochs * per_epoch)
        self._epochs, self._per_epoch, self._name = epochs, per_epoch, name

    def __enter__(self) -> Callable[[int, int], None]:
        self._progress.start()
        return self._step

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def _step(self, epoch: int, step: int) -> None:
        text = f"{self._name}: epoch {epoch + 1} of {self._epochs}"
        self._progress.update(self._task, completed=epoch * self._per_epoch + step, description=text)


def finish(
    out: Path,
    fitted: Fitted,
    head: HeadFitted | None,
    config: TrainingConfig,
    store: TrainingStore,
    preset: str,
    licence: str,
    sha256: str,
) -> dict[str, Any]:
    """Write model card, curves, record and the head; the association is last, as it marks a finished run."""
    history = fitted.history
    draw_curves(history, out / "curves.png")
    summary_of_head = None if head is None else finish_head(head, out)
    if head is None:
        (out / HEAD_FILE).unlink(missing_ok=True)  # of an earlier run into this folder
    text = model_card(
        config,
        history,
        epoch=fitted.epoch,
        clips=len(store),
        provenance={**store.provenance, "preset": preset},
        preset=preset,
        sha256=sha256,
        licence=licence,
        head=summary_of_head,
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
        "sounding_head": summary_of_head,
        "config": asdict(config),
    }
    write_atomic(out / "run.json", json.dumps(summary, indent=1) + "\n")
    (out / READY).replace(out / FILE)
    return summary


def finish_head(head: HeadFitted, out: Path) -> dict[str, Any]:
    """Write the file of a sounding head; returns its part of the summary."""
    constants = head.weights.calibration
    return {
        "sha256": write_head(head.weights, out / HEAD_FILE),
        "steps": len(head.history.steps),
        "kept_epoch": head.epoch + 1,
        "loss": head.history.epochs[head.epoch]["loss"],
        "parameters": sum(weight.numel() for weight in head.weights.network.parameters()),
        "measured": dict(head.figures),
        "calibration": {name: getattr(constants, name) for name in ("slope", "offset", "threshold")},
    }


def print_summary(console: Console, summary: dict[str, Any]) -> None:
    """Print a short summary."""
    measured = ", ".join(f"{name} {value:.3f}" for name, value in summary["measured"].items())
    print_line(
        console,
        f"{summary['clips']} clips, {summary['steps']} steps, {summary['samples_per_second']} samples/s; "
        f"training waited for batches {100 * summary['waiting_share']:.1f} % of the time\n"
        f"kept epoch {summary['kept_epoch']} of {summary['epochs']}, loss {summary['loss']:.3f}"
        + (f", {measured}" if measured else "")
        + f" -> {summary['out']}/{FILE}",
    )
    if (head := summary["sounding_head"]) is not None:
        figures = ", ".join(f"{name} {value:.2f}" for name, value in head["measured"].items())
        print_line(
            console,
            f"sounding head: {head['steps']} steps; on held-out clips: {figures} -> "
            f"{summary['out']}/{HEAD_FILE}",
        )
        if (Path(summary["out"]) / CALIBRATION).is_file():
            print_line(
                console,
                f"{summary['out']}/{CALIBRATION} is used in place of the head's own calibration: remove it "
                "unless it was fitted to this head",
            )
