"""``seac train``: from a feature store to an association."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seac.commands import options


def train(
    store: Annotated[Path, typer.Argument(help="A feature store that seac extract wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the run; goes on with one.")],
    preset: Annotated[str | None, typer.Option(help="Must be the store's; may be left out.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any number of the run, as lr=3e-4.", metavar="NAME=VALUE"),
    ] = None,
    val: Annotated[
        list[str] | None,
        typer.Option(help="Benchmark to choose the epoch on; never a test split.", metavar="BENCHMARK:DIR"),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1.")] = "cpu",
    devices: Annotated[int, typer.Option(help="How many of them.")] = 1,
    licence: Annotated[str, typer.Option(help="Licence of the training material, for the card.")] = "",
    segmenter: Annotated[str | None, typer.Option(help="The one swapped in for the store.")] = None,
    vision: Annotated[str | None, typer.Option(help="Likewise.")] = None,
    audio_encoder: Annotated[str | None, typer.Option(help="Likewise; it hears the mixtures.")] = None,
    weights_dir: Annotated[Path | None, typer.Option(help="Folder of weights of your own.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Train the association: association.safetensors, card.md, curves.png, steps.csv; run again to resume."""
    from seac.training.train import Job
    from seac.training.train import train as work

    parts = {"segmenter": segmenter, "vision": vision, "audio": audio_encoder}
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
            parts={stage: part for stage, part in parts.items() if part is not None},
            weights_dir=weights_dir,
        ),
        as_json=as_json,
    )
