"""``seac calibrate``: the threshold of an association, from a validation split.

``seac calibrate swap`` needs no benchmark: it fits the threshold to videos under own and other audio.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options
from seac.cli.evaluate import SWAP, refuse
from seac.core.errors import InputError
from seac.presets.spec import ModelSpec


@options.command(*(name for name in options.SCORED if name not in ("classifier", "calibration")))
def calibrate(
    benchmark: Annotated[str, typer.Argument(help=f"{options.BENCHMARKS}, or swap.")],
    folder: Annotated[
        Path, typer.Argument(help="Folder of the metadata file; for swap, of videos.", metavar="DIR")
    ],
    model: ModelSpec,
    out: Annotated[
        Path | None,
        options.OutputOption(
            "-o", "--out", help="File to write; calibration.json beside --association-weights."
        ),
    ] = None,
    split: options.Split = "val",
    limit: options.Limit = 400,
    fps: Annotated[
        float | None, options.InputOption(help="For swap: frames per second, 1 by default.")
    ] = None,
    others: Annotated[
        int | None,
        options.RunOption(help="For swap: other clips whose audio every clip gets, 2 by default."),
    ] = None,
    seed: options.Seed = 0,
) -> options.Work:
    """Fit the decision threshold; a fit to half of the frames is evaluated on the other half.

    The benchmark must have one sounding class per clip and a val split, such as s4. swap needs no labels:
    own audio is told from that of other videos, and from noise.
    """
    from seac.jobs.calibrate import CalibrateJob
    from seac.jobs.calibrate import calibrate as work

    if out is None and model.association_weights is None:
        raise InputError("give -o FILE, or --association-weights to write calibration.json beside it")
    if split in ("test", "all"):
        raise InputError(f"--split {split}: constants are never chosen on a test split; give val or train")
    options.check_counts({"--limit": limit, "--others": others})
    if benchmark == SWAP:
        from seac.jobs.calibrate_swap import CalibrateSwapJob, calibrate_swap
        from seac.media.decode import check_fps

        if fps is not None:
            check_fps(fps)
        swap_job = CalibrateSwapJob(
            *(folder, out, model),
            others=2 if others is None else others,
            fps=1.0 if fps is None else fps,
            limit=limit,
            seed=seed,
        )
        return partial(calibrate_swap, swap_job)
    refuse(f"belongs to swap, and the benchmark is {benchmark}", fps=fps, others=others)
    job = CalibrateJob(
        benchmark, folder, out=out, split=split, limit=400 if limit is None else limit, model=model, seed=seed
    )
    return partial(work, job)
