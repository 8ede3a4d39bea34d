"""Metrics of an audio classifier on recordings by class: hits, two at once, and nothing in particular."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recipes.audio_student.segments import Accepted
from recipes.audio_student.teacher import low_rate_of, to_logits
from seac.encoders.audio.preemphasis_log_mel import RATE
from seac.encoders.audio.windows import windows_of
from seac.encoders.base import AudioEncoder
from seac.encoders.labels.descriptions import audioset_names, is_visible
from seac.media.decode import load_waveform

Classifier = Callable[[Tensor, Tensor], Tensor]
"""Class logits (521,) of a waveform at 32 kHz and the same at 16 kHz, as :class:`teacher.Teacher`."""
TOP = 5
WIND = ("Wind", "Wind noise (microphone)")
"""Classes that name no thing in particular, though the table of sources gives wind a visible one."""
CLIP = 2.0
"""Seconds of audio around a video frame that the pipeline encodes."""


@dataclass(frozen=True)
class Labelled:
    """A recording with its class.

    Attributes:
        name: class of ``classes.csv``.
        waveform: (S,) float32 in [-1, 1] at 32 kHz, even S.
    """

    name: str
    waveform: Tensor


def read_labelled(folder: Path, classes: Mapping[str, Accepted]) -> tuple[Labelled, ...]:
    """The recordings ``folder/<class>/*.ogg``, in order of their paths."""
    listed = [path for path in sorted(folder.rglob("*.ogg")) if path.parent.name in classes]
    waveforms = [load_waveform(path, RATE) for path in listed]
    return tuple(
        Labelled(path.parent.name, waveform[: len(waveform) // 2 * 2])
        for path, waveform in zip(listed, waveforms, strict=True)
    )


def choose_subset(recordings: Sequence[Labelled], count: int, seed: int) -> tuple[Labelled, ...]:
    """At most ``count`` recordings by a seeded choice, in order."""
    chosen = np.random.default_rng(seed).permutation(len(recordings))[:count]
    return tuple(recordings[index] for index in sorted(chosen))


def encoder_classifier(encoder: AudioEncoder) -> Classifier:
    """A classifier by the mean probability over the encoder's windows."""

    def classify(waveform: Tensor, low_rate: Tensor) -> Tensor:
        given = waveform if encoder.sample_rate == RATE else low_rate
        probabilities = encoder(windows_of(given, encoder.window, encoder.hop)).class_probabilities
        assert probabilities is not None
        return to_logits(probabilities.mean(0))

    return classify


def classify_all(classifier: Classifier, waveforms: Sequence[Tensor]) -> Tensor:
    """Logits (n, 521) of waveforms at 32 kHz; they are resampled to 16 kHz for classifiers that need it."""
    return torch.stack([classifier(waveform, low_rate_of(waveform)) for waveform in waveforms])


def hit_ranks(logits: Tensor, names: Sequence[str], classes: Mapping[str, Accepted]) -> np.ndarray:
    """Rank (n,) of the first accepted class of each row of logits (n, 521), from 0."""
    order = logits.argsort(dim=1, descending=True, stable=True).numpy()
    return np.array(
        [int(np.isin(row, classes[name].all).argmax()) for row, name in zip(order, names, strict=True)]
    )


def hits(ranks: np.ndarray) -> dict[str, float]:
    """Shares of ranks below 1 and 5."""
    return {"count": len(ranks), "top1": float((ranks < 1).mean()), "top5": float((ranks < TOP).mean())}


def animal_classes(classes: Mapping[str, Accepted]) -> frozenset[str]:
    """Classes whose best name is an animal, by the order of AudioSet's classes."""
    names = audioset_names()
    first, last = names.index("Animal"), names.index("Whale vocalization")
    return frozenset(name for name, accepted in classes.items() if first <= accepted.name <= last)


def class_hits(
    logits: Tensor, recordings: Sequence[Labelled], classes: Mapping[str, Accepted]
) -> dict[str, dict[str, float]]:
    """Hits over all recordings, over animals, and by class."""
    names = [recording.name for recording in recordings]
    ranks = hit_ranks(logits, names, classes)
    groups: dict[str, list[int]] = defaultdict(list)
    animals = animal_classes(classes)
    for row, name in enumerate(names):
        groups["all"].append(row)
        groups[f"class/{name}"].append(row)
        if name in animals:
            groups["animals"].append(row)
    return {group: hits(ranks[rows]) for group, rows in groups.items()}


def short_clip(waveform: Tensor, seconds: float = CLIP) -> Tensor:
    """The loudest of the clips of ``seconds`` that start every half second; shorter ones are unchanged."""
    length = round(seconds * RATE)
    if len(waveform) <= length:
        return waveform
    clips = windows_of(waveform, length, RATE // 2)
    return clips[int(clips.square().mean(1).argmax())]


@dataclass(frozen=True)
class Pair:
    """Two recordings of different classes at once.

    Attributes:
        waveform: (64000,) their sum.
        names: classes of the louder and of the quieter.
    """

    waveform: Tensor
    names: tuple[str, str]


def mix_pairs(
    recordings: Sequence[Labelled], classes: Mapping[str, Accepted], count: int, seed: int
) -> tuple[Pair, ...]:
    """Sums of two recordings that share no accepted class, the second 0 to 6 dB below the first."""
    random = np.random.default_rng(seed)
    pairs: list[Pair] = []
    length = round(CLIP * RATE)
    while len(pairs) < count:
        one, other = (recordings[int(index)] for index in random.choice(len(recordings), 2, replace=False))
        if set(classes[one.name].all) & set(classes[other.name].all):
            continue
        clips = [functional.pad(short_clip(part.waveform), (0, length))[:length] for part in (one, other)]
        levels = [clip / clip.square().mean().sqrt().clamp_min(1e-6) for clip in clips]
        both = levels[0] + 10 ** (-float(random.uniform(0, 6)) / 20) * levels[1]
        pairs.append(Pair(0.5 * both / both.abs().max(), (one.name, other.name)))
    return tuple(pairs)


def pair_hits(logits: Tensor, pairs: Sequence[Pair], classes: Mapping[str, Accepted]) -> dict[str, float]:
    """Shares of pairs of which the louder, the quieter, and both have an accepted class in the top five."""
    louder, quieter = (
        hit_ranks(logits, [pair.names[part] for pair in pairs], classes) < TOP for part in (0, 1)
    )
    return {
        "count": len(pairs),
        "louder": float(louder.mean()),
        "quieter": float(quieter.mean()),
        "both": float((louder & quieter).mean()),
    }


def nothing_clips(count: int, seed: int) -> dict[str, list[Tensor]]:
    """Clips in which nothing in particular sounds, two seconds each, by kind: silence, noise, wind."""
    generator = torch.Generator().manual_seed(seed)
    length = round(CLIP * RATE)
    frequencies = torch.fft.rfftfreq(length, 1 / RATE)
    shapes = {
        "silence": torch.ones(len(frequencies)),
        "white noise": torch.ones(len(frequencies)),
        "pink noise": (frequencies + 20).rsqrt(),
        "brown noise": (frequencies + 20).reciprocal(),
        "wind": (1 + (frequencies / 150).square()).reciprocal(),
    }
    clips: dict[str, list[Tensor]] = {kind: [] for kind in shapes}
    for kind, shape in shapes.items():
        for _ in range(count):
            noise = torch.fft.irfft(torch.fft.rfft(torch.randn(length, generator=generator)) * shape, length)
            peak = 1e-5 if kind == "silence" else float(10 ** (-1.5 * torch.rand((), generator=generator)))
            if kind == "wind":
                knots = 0.1 + 0.9 * torch.rand(1, 1, 6, generator=generator)
                noise = noise * functional.interpolate(knots, length, mode="linear")[0, 0]
            clips[kind].append(noise * (peak / noise.abs().max()))
    return clips


def thing_score(logits: Tensor) -> np.ndarray:
    """The largest logit (n,) of the classes with a visible source, wind left out."""
    names = audioset_names()
    visible = torch.tensor(
        [seen and name not in WIND for seen, name in zip(is_visible(names), names, strict=True)]
    )
    return logits[:, visible].amax(1).numpy()


def auroc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Probability that a positive score is above a negative one; ties count half."""
    above = (positive[:, None] > negative).mean() + 0.5 * (positive[:, None] == negative).mean()
    return float(above)
