"""``seac train``: from a feature store to an association."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options


def train(
    store: options.Store,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the run; goes on with one.")],
    preset: Annotated[str | None, typer.Option(help="Must be the store's; may be left out.")] = None,
    settings: options.Numbers = None,
    val: Annotated[
        list[str] | None,
        typer.Option(help="Benchmark to choose the epoch on; never a test split.", metavar="BENCHMARK:DIR"),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1.")] = "cpu",
    devices: Annotated[int, typer.Option(help="How many of them.")] = 1,
    licence: Annotated[str, typer.Option(help="Licence of the training material, for the card.")] = "",
    segmenter: options.StoreSegmenter = None,
    vision: options.StoreVision = None,
    audio_encoder: options.StoreAudioEncoder = None,
    weights_dir: options.WeightsDir = None,
    as_json: options.AsJson = False,
) -> None:
    """Train the association: association.safetensors, card.md, curves.png, steps.csv; run again to resume."""
    from seac.jobs.train import Job
    from seac.jobs.train import train as work

    work(
        Job(
            store=store,
            out=out,
            preset=preset,
            settings=tuple(settings or ()),
            val=tuple(val or ()),
            device=device,
            devices=devices,
            licence=licence,
            parts=options.given(segmenter=segmenter, vision=vision, audio=audio_encoder),
            weights_dir=weights_dir,
        ),
        as_json=as_json,
    )
