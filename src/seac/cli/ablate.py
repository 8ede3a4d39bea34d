"""``seac ablate``: train and compare variants of the method."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from seac.cli import options
from seac.presets.spec import ModelSpec


@options.command(*options.STORED)
def ablate(
    store: options.Store,
    model: ModelSpec,
    out: Annotated[
        Path, options.OutputOption("-o", "--out", help="Output folder; finished variants are reused.")
    ],
    over: Annotated[
        list[str],
        options.RunOption(
            help="Parameter to vary: lambda, n_masks, msa, data_size, encoder_depth, loss.", metavar="NAME"
        ),
    ],
    evaluate: Annotated[
        list[str] | None,
        options.InputOption(
            "--eval", help="Benchmark for the evaluation; retrieval if none.", metavar="BENCHMARK:DIR[:SPLIT]"
        ),
    ] = None,
    seeds: Annotated[int, options.RunOption(help="Number of training runs per value.")] = 3,
    settings: options.Numbers = None,
    values: Annotated[
        str | None, options.RunOption(help="Comma-separated values of a single --over.")
    ] = None,
) -> options.Work:
    """Train a grid with several seeds and plot it as in the paper: csv, png, md for each --over.

    Options for parts repeat the parts with which the store was extracted.
    """
    from seac.jobs.ablate import AblateJob
    from seac.jobs.ablate import ablate as work

    job = AblateJob(
        store=store,
        out=out,
        over=tuple(over),
        model=model,
        evaluate=tuple(evaluate or ()),
        seeds=seeds,
        settings=tuple(settings or ()),
        values=values,
    )
    return partial(work, job)
