"""Predict annotated frames of real clips with their own, another and no audio; each is encoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.real_clips.annotation import PARENTS, AnnotatedClip, AnnotatedFrame
from benchmarks.real_clips.encoded import EncodedImages
from benchmarks.real_clips.scores import BlindScore, ResultScore, score_blind, score_result
from seac.core.errors import InputError
from seac.core.result import FrameResult
from seac.core.types import EncodedAudio
from seac.media.decode import AudioReader, frames
from seac.pipeline import SeAC

NOISE_LEVEL = 0.01
"""RMS of the white noise that is played to every frame."""
Draw = Callable[[FrameResult, "Case", ResultScore], None]


@dataclass(frozen=True)
class Case:
    """One annotated frame with its clip and the file it is in."""

    path: Path
    clip: AnnotatedClip
    frame: AnnotatedFrame


@dataclass(frozen=True)
class FrameRecord:
    """All scores of one annotated frame.

    Attributes:
        clip: file name.
        kind: kind of the clip.
        time: seconds.
        flags: why nothing sounds; empty if something does.
        distractors: number of distractors.
        own: with its own audio.
        blind: without audio.
        other_audio: with audio of clips of other categories; empty if nothing sounds.
        muted: number of sounding masks with silence.
        noise: number of sounding masks with white noise.
    """

    clip: str
    kind: str
    time: float
    flags: tuple[str, ...]
    distractors: int
    own: ResultScore
    blind: BlindScore
    other_audio: tuple[ResultScore, ...]
    muted: int
    noise: int


def find_cases(clips: Sequence[AnnotatedClip], folders: Sequence[Path]) -> list[Case]:
    """The annotated frames whose clips are in one of the folders, checked by their hash.

    Raises:
        InputError: no folder has any of the clips, or a file is another one than was annotated.
    """
    cases = []
    for clip in clips:
        path = next((folder / clip.file for folder in folders if (folder / clip.file).is_file()), None)
        if path is None:
            continue
        if hashlib.sha256(path.read_bytes()).hexdigest() != clip.sha256:
            raise InputError(
                f"{path}: is not the file that was annotated; give the folder of the annotated clips"
            )
        cases += [Case(path, clip, frame) for frame in clip.frames]
    if not cases:
        raise InputError(
            f"{', '.join(map(str, folders))}: holds none of the annotated clips; give their folder"
        )
    return cases


def run(
    model: SeAC,
    images: EncodedImages,
    cases: Sequence[Case],
    others: int,
    seed: int,
    draw: Draw | None = None,
) -> Iterator[FrameRecord]:
    """Score every case; audio is encoded first, then each frame once.

    Args:
        model: any preset.
        images: encodes frames, or reads what it encoded earlier.
        cases: frames with their clips.
        others: audios of other clips for each frame in which something sounds.
        seed: of the choice of other clips.
        draw: called with each result of the own audio.
    """
    own = [encode_own(model, case) for case in cases]
    silence, noise = encode_artificial(model, seed)
    donors = choose_donors(cases, others, seed)
    for number, case in enumerate(cases):
        frame = next(iter(frames(case.path, 1.0, model.settings.max_side, start=case.frame.time)))
        image = images.encode(frame.image, frame.original_size)
        parents = PARENTS[case.clip.kind]
        result = model.predict(image, own[number], case.frame.time)
        score = score_result(result, case.frame, parents)
        if draw is not None:
            draw(result, case, score)
        yield FrameRecord(
            clip=case.clip.file,
            kind=case.clip.kind,
            time=case.frame.time,
            flags=case.frame.flags,
            distractors=len(case.frame.distractors),
            own=score,
            blind=score_blind(result, case.frame),
            other_audio=tuple(
                score_result(model.predict(image, own[other]), case.frame, parents)
                for other in donors.get(number, ())
            ),
            muted=len(model.predict(image, silence).display_rows()),
            noise=len(model.predict(image, noise).display_rows()),
        )


def encode_own(model: SeAC, case: Case) -> EncodedAudio:
    """Encode the audio around a frame as :class:`seac.VideoPredictor` does."""
    rate, half = model.stages.audio.sample_rate, model.settings.audio_window / 2
    time = case.frame.time
    window = AudioReader(case.path, rate).read(time - half, time + half)
    return model.encode_audio(window, rate, min(time, half))


def encode_artificial(model: SeAC, seed: int) -> tuple[EncodedAudio, EncodedAudio]:
    """Encode silence and white noise of the length of an audio window."""
    rate, seconds = model.stages.audio.sample_rate, model.settings.audio_window
    generator = torch.Generator().manual_seed(seed)
    noise = NOISE_LEVEL * torch.randn(round(rate * seconds), generator=generator)
    middle = seconds / 2
    return model.encode_audio(torch.zeros_like(noise), rate, middle), model.encode_audio(noise, rate, middle)


def choose_donors(cases: Sequence[Case], others: int, seed: int) -> Mapping[int, tuple[int, ...]]:
    """For each case in which something sounds, ``others`` such cases of other categories.

    Each donor is used once a round.

    The cases are ordered by kind, in a random order within a kind, and rotated by more than the most frequent
    kind, so no case gets its own kind while that kind has at most half of the cases.
    """
    generator = np.random.default_rng(seed)
    order = [row for row in generator.permutation(len(cases)).tolist() if cases[row].frame.required]
    order.sort(key=lambda row: cases[row].clip.kind)
    categories = [cases[row].clip.kind for row in order]
    largest = max((categories.count(kind) for kind in set(categories)), default=0)
    shifts = np.linspace(largest, len(order) - largest, others).round().astype(int).tolist()
    return {
        row: tuple(order[(place + shift) % len(order)] for shift in shifts) for place, row in enumerate(order)
    }
