"""Implementation of ``seac calibrate``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from seac.core.atomic import ensure_writable
from seac.core.errors import InputError
from seac.datasets.table import check_scored, open_benchmark, reader_class
from seac.decision.calibration import Calibration
from seac.decision.calibration_file import NAME, is_calibration, write
from seac.decision.fit import fit_and_report
from seac.evaluation.calibration_samples import calibration_clips, collect_samples, describe, halves
from seac.evaluation.robustness import Corrupted
from seac.jobs.download import download_bar
from seac.jobs.progress import print_line, progress_bar
from seac.presets.load import load as load_model
from seac.presets.spec import ModelSpec

MIN_SAMPLES = 8


@dataclass(frozen=True)
class CalibrateJob:
    """Options of ``seac calibrate``."""

    benchmark: str
    folder: Path
    out: Path | None = None
    split: str = "val"
    limit: int = 400
    model: ModelSpec = ModelSpec()
    seed: int = 0

    @property
    def target(self) -> Path:
        """The output file."""
        return target_of(self.out, self.model)


def target_of(out: Path | None, model: ModelSpec) -> Path:
    """The output file: ``out``, or the one beside the association of the model, which then has one."""
    if out is not None:
        return out
    weights = model.association_weights
    assert weights is not None
    folder = weights if weights.is_dir() else weights.parent
    return folder / NAME


def calibrate(job: CalibrateJob, *, as_json: bool = False) -> dict[str, float]:
    """Fit a calibration: fit on one half of the frames, report on the other, then fit on all and write.

    Raises:
        InputError: wrong input, too few clips, an unwritable output, or an output that is another file.
    """
    console = Console(stderr=True)
    check_scored(job.benchmark)
    check_not_only_test(job.benchmark)
    ensure_writable(job.target, is_calibration)
    reader = Corrupted(open_benchmark(job.benchmark, job.folder, job.split), job.limit, job.seed)
    clips = calibration_clips(reader)
    model = load_model(job.model, progress=download_bar)
    choosing, reporting = halves(collect_samples(model, reader, progress_bar(console)(clips, "predicting")))
    if min(len(choosing), len(reporting)) < MIN_SAMPLES:
        raise InputError(
            f"{job.folder}: {len(choosing) + len(reporting)} frames are too few for fitting and reporting: "
            f"give at least {2 * MIN_SAMPLES}"
        )
    constants, figures = fit_and_report(choosing, reporting)
    provenance = describe(reader, len(choosing) + len(reporting)) | {"split": job.split, "figures": figures}
    write(
        constants, job.target, provenance | {"preset": job.model.preset, "weights": model.stages.versions()}
    )
    report_calibration(console, figures, constants, job.target, as_json=as_json)
    return figures


def report_calibration(
    console: Console, figures: dict[str, float], constants: Calibration, target: Path, *, as_json: bool
) -> None:
    """Print the figures of a calibration and where it was written."""
    for name, value in figures.items():
        print_line(console, f"{name}: {value:g}")
    print_line(console, f"written to {target}")
    if as_json:
        summary = {"figures": figures, "constants": asdict(constants), "out": str(target)}
        sys.stdout.write(json.dumps(summary) + "\n")


def check_not_only_test(benchmark: str) -> None:
    """Refuse a benchmark without clips to fit on.

    Raises:
        InputError: the benchmark has only a test split.
    """
    if set(getattr(reader_class(benchmark), "splits", ())) == {"test"}:
        raise InputError(f"{benchmark} has only a test split, which is not for fitting constants: give s4")
