"""``seac calibrate``: the threshold of an association, from a validation split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options
from seac.core.errors import InputError


def calibrate(
    benchmark: Annotated[str, typer.Argument(help="s4: one sounding class per clip, and a val split.")],
    folder: Annotated[Path, typer.Argument(help="The folder of its metadata file.", metavar="DIR")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="File to write; calibration.json beside --association.")
    ] = None,
    split: Annotated[str, typer.Option(help="train or val; never test, nor all.")] = "val",
    limit: Annotated[int, typer.Option(help="The first N clips.", metavar="N")] = 400,
    preset: options.Preset = "tiny",
    top_n: options.TopN = None,
    exact: options.Exact = False,
    segmenter: options.Segmenter = None,
    vision: options.Vision = None,
    audio_encoder: options.AudioEncoder = None,
    text: options.Text = None,
    detector: options.Detector = None,
    associate: options.Associate = None,
    association: options.Association = None,
    weights_dir: options.WeightsDir = None,
    device: options.Device = "cpu",
    seed: Annotated[int, typer.Option(help="Of which other clip's sound a frame hears.")] = 0,
    as_json: options.AsJson = False,
) -> None:
    """Fit when a mask is said to sound; half of the frames report what the other half would choose."""
    from seac.jobs.calibrate import Job
    from seac.jobs.calibrate import calibrate as work

    if out is None and association is None:
        raise InputError("give -o FILE, or --association to write calibration.json beside it")
    if split in ("test", "all"):
        raise InputError(f"--split {split}: constants are never chosen on a test split; give val or train")
    options.check_counts({"--limit": limit, "--top-n": top_n})
    parts = options.given(
        segmenter=segmenter,
        detector=detector,
        vision=vision,
        audio=audio_encoder,
        text=text,
        associate=associate,
    )
    work(
        Job(
            benchmark=benchmark,
            folder=folder,
            out=out,
            split=split,
            limit=limit,
            preset=preset,
            device=device,
            association=association,
            weights_dir=weights_dir,
            parts=parts,
            constants=options.given(top_n=top_n, exact=exact),
            seed=seed,
        ),
        as_json=as_json,
    )
