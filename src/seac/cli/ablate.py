"""``seac ablate``: trains and compares variants of the method."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options


def ablate(
    store: options.Store,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder; what is there already is not made again.")
    ],
    over: Annotated[
        list[str],
        typer.Option(
            help="What to vary: lambda, n_masks, msa, data_size, encoder_depth, loss.", metavar="NAME"
        ),
    ],
    evaluate: Annotated[
        list[str] | None,
        typer.Option(
            "--eval", help="Benchmark to measure on; retrieval if none.", metavar="BENCHMARK:DIR[:SPLIT]"
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Trainings of each value.")] = 3,
    settings: options.Numbers = None,
    values: Annotated[str | None, typer.Option(help="Other values of the one --over, by comma.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    segmenter: options.StoreSegmenter = None,
    vision: options.StoreVision = None,
    audio_encoder: options.StoreAudioEncoder = None,
    weights_dir: options.WeightsDir = None,
    as_json: options.AsJson = False,
) -> None:
    """Train a grid with several seeds and draw it as the paper does: csv, png, md for each --over."""
    from seac.jobs.ablate import Job
    from seac.jobs.ablate import ablate as work

    work(
        Job(
            store=store,
            out=out,
            over=tuple(over),
            evaluate=tuple(evaluate or ()),
            seeds=seeds,
            settings=tuple(settings or ()),
            values=values,
            device=device,
            parts=options.given(segmenter=segmenter, vision=vision, audio=audio_encoder),
            weights_dir=weights_dir,
        ),
        as_json=as_json,
    )
