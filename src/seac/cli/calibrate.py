"""``seac calibrate``: the threshold of an association, from a validation split."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from seac.cli import options
from seac.core.errors import InputError
from seac.presets.spec import ModelSpec


@options.command(*(name for name in options.SCORED if name not in ("classifier", "calibration")))
def calibrate(
    benchmark: options.Benchmark,
    folder: options.Folder,
    model: ModelSpec,
    out: Annotated[
        Path | None,
        options.OutputOption(
            "-o", "--out", help="File to write; calibration.json beside --association-weights."
        ),
    ] = None,
    split: options.Split = "val",
    limit: options.Limit = 400,
    seed: options.Seed = 0,
) -> options.Work:
    """Fit the decision threshold; a fit to half of the frames is evaluated on the other half.

    The benchmark must have one sounding class per clip and a val split, such as s4.
    """
    from seac.jobs.calibrate import CalibrateJob
    from seac.jobs.calibrate import calibrate as work

    if out is None and model.association_weights is None:
        raise InputError("give -o FILE, or --association-weights to write calibration.json beside it")
    if split in ("test", "all"):
        raise InputError(f"--split {split}: constants are never chosen on a test split; give val or train")
    options.check_counts({"--limit": limit})
    job = CalibrateJob(
        benchmark, folder, out=out, split=split, limit=400 if limit is None else limit, model=model, seed=seed
    )
    return partial(work, job)
