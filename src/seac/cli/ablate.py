"""``seac ablate``: trains and compares variants of the method."""

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
        Path, options.OutputOption("-o", "--out", help="Folder; what is there already is not made again.")
    ],
    over: Annotated[
        list[str],
        options.RunOption(
            help="What to vary: lambda, n_masks, msa, data_size, encoder_depth, loss.", metavar="NAME"
        ),
    ],
    evaluate: Annotated[
        list[str] | None,
        options.InputOption(
            "--eval", help="Benchmark to measure on; retrieval if none.", metavar="BENCHMARK:DIR[:SPLIT]"
        ),
    ] = None,
    seeds: Annotated[int, options.RunOption(help="Trainings of each value.")] = 3,
    settings: options.Numbers = None,
    values: Annotated[str | None, options.RunOption(help="Other values of the one --over, by comma.")] = None,
) -> options.Work:
    """Train a grid with several seeds and draw it as the paper does: csv, png, md for each --over.

    The parts are those that were swapped in for the store.
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
