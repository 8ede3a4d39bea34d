"""``seac train``: train an association on a feature store."""

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
    out: Annotated[Path, options.OutputOption("-o", "--out", help="Folder of the run; resumable.")],
    preset: options.Preset = None,
    settings: options.Numbers = None,
    val: Annotated[
        list[str] | None,
        options.InputOption(
            help="Benchmark for the choice of the epoch; never a test split.", metavar="BENCHMARK:DIR"
        ),
    ] = None,
    devices: Annotated[int, options.RunOption(help="Number of devices.")] = 1,
    licence: Annotated[
        str, options.OutputOption(help="Licence of the training data, for the model card.")
    ] = "",
    sounding_head: Annotated[
        bool | None,
        options.RunOption(
            "--sounding-head/--no-sounding-head",
            help="Train a sounding head too; by default except for paper and paper-fast.",
        ),
    ] = None,
) -> options.Work:
    """Train the association and its sounding head: weights, card.md, curves.png, steps.csv; resumable.

    Options for parts repeat the parts with which the store was extracted.
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
        sounding_head=sounding_head,
    )
    return partial(work, job)
