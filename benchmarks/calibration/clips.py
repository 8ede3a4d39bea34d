"""Masks of the annotated frames of real clips, under their own audio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.calibration.reliability import MaskSet
from benchmarks.real_clips.annotation import AnnotatedFrame, load_annotation
from benchmarks.real_clips.clips import Case, encode_own, find_cases
from benchmarks.real_clips.encoded import EncodedImages
from benchmarks.real_clips.scores import FITS, mask_fits
from seac.core.result import FrameResult
from seac.core.types import EncodedAudio, EncodedImage
from seac.decision.network_head import limited_log_odds
from seac.decision.sounding_head import LearnedSoundingHead
from seac.media.decode import frames
from seac.pipeline import SeAC

CLIPS, DECIDED = "real clips", "real clips, after the rule of covering masks"


@dataclass(frozen=True)
class FrameMasks:
    """Masks of one annotated frame that are right or wrong beyond doubt.

    Attributes:
        clip: file name of the clip.
        network: (N,) float64 calibrated probability by the network.
        decided: (N,) float64 probability in the result.
        sounds: (N,) bool, whether a mask fits a required thing.
    """

    clip: str
    network: NDArray[np.float64]
    decided: NDArray[np.float64]
    sounds: NDArray[np.bool_]


def measure_clips(model: SeAC, images: EncodedImages, videos: Path) -> tuple[MaskSet, MaskSet]:
    """Masks with the probability of the network, and with that of the result."""
    cases = find_cases(load_annotation(), [videos, videos.parent / "demo"])
    found = list(score_frames(model, images, cases))
    return (
        join(CLIPS, found, [each.network for each in found]),
        join(DECIDED, found, [each.decided for each in found]),
    )


def join(name: str, found: Sequence[FrameMasks], probabilities: Sequence[NDArray[np.float64]]) -> MaskSet:
    """One set of the masks of all frames."""
    sizes = [len(each.sounds) for each in found]
    clips = {clip: number for number, clip in enumerate(sorted({each.clip for each in found}))}
    return MaskSet(
        name,
        np.concatenate(probabilities),
        np.concatenate([each.sounds for each in found]),
        np.repeat(np.arange(len(found)), sizes),
        np.repeat([clips[each.clip] for each in found], sizes),
    )


def score_frames(model: SeAC, images: EncodedImages, cases: Sequence[Case]) -> Iterator[FrameMasks]:
    """Score the masks of annotated frames; those that fit an optional thing only are left out."""
    for case in cases:
        frame = next(iter(frames(case.path, 1.0, model.settings.max_side, start=case.frame.time)))
        image, audio = images.encode(frame.image, frame.original_size), encode_own(model, case)
        result = model.predict(image, audio, case.frame.time)
        sounds = mask_fits(result, case.frame) >= FITS
        known = sounds | (mask_fits(result, only_optional(case.frame)) < FITS)
        network = network_probability(model, image, audio, result)
        yield FrameMasks(
            case.clip.file, network[known], result.probability[known].astype(float), sounds[known]
        )


def only_optional(frame: AnnotatedFrame) -> AnnotatedFrame:
    """The frame with its optional things required, and no others."""
    things = tuple(replace(thing, optional=False) for thing in frame.sounding if thing.optional)
    return replace(frame, sounding=things)


@torch.inference_mode()
def network_probability(
    model: SeAC, image: EncodedImage, audio: EncodedAudio, result: FrameResult
) -> NDArray[np.float64]:
    """Calibrated probability (N,) of every mask by the network, without the rule of covering masks."""
    head = model.stages.sounding_head
    assert isinstance(head, LearnedSoundingHead)
    if len(result) == 0 or audio.summary.inactive:
        return np.zeros(len(result))
    similarity = torch.from_numpy(result.similarity)
    logits = limited_log_odds(head.network(head.inputs(similarity, image, audio)))[0]
    return np.asarray(model.stages.calibration.probability(logits).double().numpy())
