"""``seac train``: from a feature store to an association."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from seac.cli import options
from seac.presets.spec import ModelSpec


@options.command(*options.STORED)
def train(
    store: options.Store,
    model: ModelSpec,
    out: Annotated[Path, options.OutputOption("-o", "--out", help="Folder of the run; goes on with one.")],
    preset: options.Preset = None,
    settings: options.Numbers = None,
    val: Annotated[
        list[str] | None,
        options.InputOption(
            help="Benchmark to choose the epoch on; never a test split.", metavar="BENCHMARK:DIR"
        ),
    ] = None,
    devices: Annotated[int, options.RunOption(help="How many devices.")] = 1,
    licence: Annotated[
        str, options.OutputOption(help="Licence of the training material, for the card.")
    ] = "",
) -> options.Work:
    """Train the association: association.safetensors, card.md, curves.png, steps.csv; run again to resume.

    The parts are those that were swapped in for the store.
    """
    from seac.jobs.train import TrainJob
    from seac.jobs.train import train as work

    job = TrainJob(
        store=store,
        out=out,
        model=model,
        preset=preset,
        settings=tuple(settings or ()),
        val=tuple(val or ()),
        devices=devices,
        licence=licence,
    )
    return partial(work, job)
