"""Implementation of ``seac calibrate swap``: a calibration from videos without labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from seac.core.atomic import ensure_writable
from seac.core.errors import InputError
from seac.core.types import EncodedAudio
from seac.decision.calibration_file import is_calibration, write
from seac.decision.fit_swap import SwapLogits, fit_swap, report_swap
from seac.evaluation.swap import collect_logits, draw_partners
from seac.jobs.calibrate import report_calibration, target_of
from seac.jobs.download import download_bar
from seac.jobs.progress import print_line, progress_bar
from seac.jobs.swap import SwapJob, find_clips
from seac.media.noise import noise_waveforms
from seac.pipeline import SeAC
from seac.presets.load import load as load_model
from seac.presets.spec import ModelSpec

MIN_CLIPS = 8
NOISES = 16
"""Waveforms without a source."""
NOISES_OF_CLIP = 2
"""How many of them each frame of a clip is compared with."""


@dataclass(frozen=True)
class CalibrateSwapJob:
    """Options of ``seac calibrate swap``."""

    folder: Path
    out: Path | None = None
    model: ModelSpec = ModelSpec()
    others: int = 2
    fps: float = 1.0
    limit: int | None = None
    seed: int = 0


def calibrate_swap(job: CalibrateSwapJob, *, as_json: bool = False) -> dict[str, float]:
    """Fit on the frames of one half of the clips, report on the other half, then fit on all and write.

    Raises:
        InputError: wrong input, too few clips, an unwritable output, or an output that is another file.
    """
    console, target = Console(stderr=True), target_of(job.out, job.model)
    ensure_writable(target, is_calibration)
    clips = SwapJob(job.folder, target, job.model, job.others, job.fps, job.limit, job.seed)
    sources, notes = find_clips(clips)
    model = load_model(job.model, progress=download_bar)
    noise = encode_noise(model, job.seed)
    partners = draw_partners(len(sources), job.others, job.seed)
    samples: list[list[SwapLogits]] = []
    for number in progress_bar(console)(range(len(sources)), "predicting"):
        others = [sources[other] for other in partners[number]]
        own_noise = [noise[(number + step) % len(noise)] for step in range(NOISES_OF_CLIP)]
        frames: list[SwapLogits] = []
        try:
            frames.extend(collect_logits(model, sources[number], others, job.fps, own_noise))
        except InputError as error:
            notes.append(f"{sources[number].image.name}: {len(frames)} frames were compared; {error}")
        if frames:
            samples.append(frames)
    for note in notes:
        print_line(console, note)
    if len(samples) < MIN_CLIPS:
        raise InputError(
            f"{job.folder}: {len(samples)} clips with masks and active audio are too few for fitting and "
            f"reporting: give at least {MIN_CLIPS}"
        )
    start = model.stages.calibration
    choosing, reporting = ([frame for clip in samples[half::2] for frame in clip] for half in (0, 1))
    figures = report_swap(reporting, fit_swap(choosing, start))
    constants = fit_swap([*choosing, *reporting], start)
    write(constants, target, provenance(job, model, len(samples), figures))
    report_calibration(console, figures, constants, target, as_json=as_json)
    return figures


def encode_noise(model: SeAC, seed: int) -> list[EncodedAudio]:
    """Encoded waveforms without a source that the model does not recognise as silence or noise."""
    rate = model.stages.audio.sample_rate
    encoded = [model.encode_audio(wave, rate) for wave in noise_waveforms(NOISES, rate, seed)]
    return [audio for audio in encoded if not audio.summary.inactive] or encoded


def provenance(job: CalibrateSwapJob, model: SeAC, clips: int, figures: dict[str, float]) -> dict[str, Any]:
    """Provenance of the calibration, stored in its file."""
    return {
        "benchmark": "swap",
        "folder": job.folder.name,
        "labels": "none",
        "clips": clips,
        "others": job.others,
        "figures": figures,
        "preset": job.model.preset,
        "weights": model.stages.versions(),
    }
