"""Training scenes: frames paired with clips, so that it is known which masks sound.

A frame and a clip are paired by class: every instance of a source that the clip's class can come from
sounds. Negatives are clips of classes that are not in the frame (off-screen sound, sounds of things that
look or sound similar), noise, and frames side by side of which one sounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recipes.sounding.frames import UNKNOWN, FrameFeatures
from recipes.sounding.recordings import NOISE, Clips
from recipes.sounding.sources import PREFIX_QUIET, audible_sources, recording_sources
from seac.decision.sounding_network import SoundingInputs
from seac.encoders.labels.sound_sources import sound_sources

APART, FITS, PART = 0.25, 0.8, 0.7
"""IoU up to which a mask is not the instance, from which it is, and share inside of a part."""
PART_WEIGHT, UNMARKED_WEIGHT, MISSED_WEIGHT = 0.3, 0.4, 0.3
"""Weights of uncertain negatives: parts of a sounding thing, unmarked things, and all masks of a frame whose
source has no mask."""
COMPOSITE = "composite/"
"""Beginning of the names of composites."""
MAX_MASKS = 20
Rng = np.random.Generator


@dataclass(frozen=True)
class PairShares:
    """Shares of the types of pairs.

    Attributes:
        own: a clip of a class in the frame.
        mixture: a mixture of which one class is in the frame.
        absent: a clip of any class, in the frame or not.
        similar: a clip of a class of the same group, in the frame or not.
        side_by_side: share of all scenes with a second frame of another class.
        composite: share of frames that are composites, where a class has both.
    """

    own: float = 0.54
    mixture: float = 0.10
    absent: float = 0.19
    similar: float = 0.12
    side_by_side: float = 0.3
    composite: float = 0.3


@dataclass(frozen=True)
class EncodedClips:
    """Clips as the network takes them; fields as in :class:`~seac.decision.sounding_network.SoundingInputs`.

    Attributes:
        clips: the clips.
        probabilities: (n, K) class probabilities by the class heads.
        cues: (n, 2).
        text: (n, t) text-space embeddings.
        audible: (n, K) bool, sources that may sound.
    """

    clips: Clips
    probabilities: Tensor
    cues: Tensor
    text: Tensor
    audible: Tensor


@dataclass(frozen=True)
class EncodedFrames:
    """Frames as the network takes them.

    Attributes:
        frames: the frames.
        probabilities: (N, K + 1) class probabilities of the masks of each frame.
        text: (N, t) text-space embeddings of the masks of each frame.
    """

    frames: Sequence[FrameFeatures]
    probabilities: Sequence[Tensor]
    text: Sequence[Tensor]


@dataclass(frozen=True)
class Targets:
    """Targets of B scenes with up to N masks each.

    Attributes:
        sounds: (B, N) float32 from 0 to 1, how well a mask fits a sounding instance.
        weight: (B, N) float32 weight of the mask in the loss.
        bags: (B, N) int64, 1 where masks share a positive label of the whole picture, else 0.
        visible: (B,) float32, 1 where something in the frame sounds.
        known: (B,) float32, 0 where it is not known whether something in the frame sounds.
        audible: (B, K) bool, sources that may sound.
    """

    sounds: Tensor
    weight: Tensor
    bags: Tensor
    visible: Tensor
    known: Tensor
    audible: Tensor


@dataclass(frozen=True)
class Part:
    """A frame of a scene, whole or half, with its targets."""

    frame: int
    side: int | None
    sounds: NDArray[np.float32]
    weight: NDArray[np.float32]
    bag: bool
    known: bool = True


NATURE = torch.tensor([source.group == "nature" for source in sound_sources()])
WATER = torch.tensor([source.name in ("sea waves", "waterfall", "river") for source in sound_sources()])
NATURE_PROBABILITY, NATURE_WEIGHT = 0.5, 0.5
"""Probability from which an unmarked mask shows water or fire, and its weight as a sounding mask."""
PERSON = torch.tensor([source.group == "person" for source in sound_sources()])
GROUPS = np.array([source.group for source in sound_sources()])


def mask_targets(frame: FrameFeatures, audible: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Targets and weights (N,) of the masks of a frame for sources ``audible`` (K,) bool."""
    sounds, weight = np.zeros(len(frame), np.float32), np.ones(len(frame), np.float32)
    sounding = (frame.sources >= 0) & audible.numpy()[frame.sources]
    if sounding.any():
        iou, inside = frame.iou[:, sounding].max(1), frame.inside[:, sounding].max(1)
        sounds = ((iou - APART) / (FITS - APART)).clip(0, 1)
        weight[(iou < APART) & (inside > PART)] = PART_WEIGHT
    return sounds, weight


class SceneSampler:
    """Draws scenes.

    Args:
        frames: encoded frames.
        clips: encoded clips.
        seed: of all draws.
        shares: of the types of pairs.
    """

    def __init__(
        self, frames: EncodedFrames, clips: EncodedClips, seed: int, shares: PairShares | None = None
    ) -> None:
        self.frames, self.clips, self.shares = frames, clips, shares or PairShares()
        self.rng = np.random.default_rng(seed)
        self.by_source: dict[int, tuple[list[int], list[int]]] = {}
        self.seen: list[set[int]] = []
        for number, frame in enumerate(frames.frames):
            seen = {int(source) for source in frame.sources if source >= 0}
            fitting = {
                int(frame.sources[k])
                for k in np.flatnonzero((frame.iou >= 0.5).any(0))
                if frame.sources[k] >= 0
            }
            if frame.label != UNKNOWN:
                seen.add(frame.label)
                fitting.add(frame.label)
            shown = (frames.probabilities[number][:, :-1] * NATURE > NATURE_PROBABILITY).any(0)
            natural = set(shown.nonzero()[:, 0].tolist())
            seen |= natural
            fitting |= natural
            self.seen.append(seen)
            for source in sorted(fitting):
                domain = frame.name.startswith(COMPOSITE)
                self.by_source.setdefault(source, ([], []))[domain].append(number)
        self.single: dict[str, list[NDArray[np.int64]]] = {}
        self.mixtures: list[int] = []
        self.noises: list[int] = []
        self._sort_clips()
        sources = recording_sources()
        self.classes = sorted(self.single)
        self.groups: dict[str, set[str]] = {
            name: {str(GROUPS[source]) for source in sources[name]} for name in self.classes
        }
        self.seen_classes = [name for name in self.classes if any(s in self.by_source for s in sources[name])]

    def _sort_clips(self) -> None:
        """Sort clips into noise, mixtures, and clips of one class by recording."""
        by_recording: dict[str, dict[str, list[int]]] = {}
        for row, (names, recording) in enumerate(
            zip(self.clips.clips.classes, self.clips.clips.recordings, strict=True)
        ):
            if names == (NOISE,):
                self.noises.append(row)
            elif len(names) == 1 or names[1].startswith(PREFIX_QUIET):
                by_recording.setdefault(names[0], {}).setdefault(recording, []).append(row)
            else:
                self.mixtures.append(row)
        self.single = {
            name: [np.array(rows) for rows in recordings.values()]
            for name, recordings in by_recording.items()
        }

    def clip(self, name: str) -> int:
        """A clip of a class, recordings with equal probability."""
        rows = self.single[name][self.rng.integers(len(self.single[name]))]
        return int(rows[self.rng.integers(len(rows))])

    def frame(self, name: str) -> int:
        """A frame in which something of a class of recordings can be seen."""
        sources = [source for source in recording_sources()[name] if source in self.by_source]
        chances = np.array([sum(map(len, self.by_source[source])) ** 0.5 for source in sources])
        domains = self.by_source[sources[self.rng.choice(len(sources), p=chances / chances.sum())]]
        composite = self.rng.random() < self.shares.composite
        frames = domains[composite] or domains[not composite]
        return frames[self.rng.integers(len(frames))]

    def similar_class(self, name: str) -> str:
        """Another class of recordings of a group of class ``name``; any class if there is none."""
        possible = [
            other for other in self.classes if other != name and self.groups[name] & self.groups[other]
        ]
        return str((possible or self.classes)[self.rng.integers(len(possible or self.classes))])

    def pair(self) -> tuple[list[int], int]:
        """The frames of a scene, one or two side by side, and its clip."""
        rng, shares = self.rng, self.shares
        draw, name = rng.random(), self.seen_classes[rng.integers(len(self.seen_classes))]
        if draw < shares.own:
            frame, clip = self.frame(name), self.clip(name)
        elif draw < shares.own + shares.mixture and self.mixtures:
            clip = self.mixtures[rng.integers(len(self.mixtures))]
            possible = [each for each in self.clips.clips.classes[clip] if each in self.seen_classes]
            frame = self.frame(possible[rng.integers(len(possible))] if possible else name)
        elif draw < shares.own + shares.mixture + shares.absent:
            frame, clip = self.frame(name), self.clip(self.classes[rng.integers(len(self.classes))])
        elif draw < shares.own + shares.mixture + shares.absent + shares.similar or not self.noises:
            frame, clip = self.frame(name), self.clip(self.similar_class(name))
        else:
            frame, clip = self.frame(name), self.noises[rng.integers(len(self.noises))]
        frames = [frame]
        if rng.random() < shares.side_by_side:
            other = self.frame(self.seen_classes[rng.integers(len(self.seen_classes))])
            frames = [frame, other] if rng.random() < 0.5 else [other, frame]
        return frames, clip

    def part(self, number: int, side: int | None, audible: Tensor) -> Part | None:
        """Targets of a frame of a scene; None if it cannot be known what sounds."""
        frame = self.frames.frames[number]
        sounds, weight = mask_targets(frame, audible)
        if frame.label != UNKNOWN and len(frame.sources) == 0:
            if audible[frame.label]:
                return Part(number, side, sounds, np.zeros_like(weight), bag=True)
            same_group = bool((GROUPS[audible.numpy()] == GROUPS[frame.label]).any())
            if bool((audible & PERSON).any()) or (same_group and self.rng.random() < 0.5):
                return None  # people are in many pictures unmarked, and classes of one group are mistaken
        elif not frame.complete:
            if not sounds.any() and bool((audible & PERSON).any()):
                return None
            weight[(sounds == 0) & (frame.iou.max(1, initial=0) < 0.5)] *= UNMARKED_WEIGHT
        if not sounds.any() and any(bool(audible[source]) for source in self.seen[number]):
            weight *= MISSED_WEIGHT
        if bool((audible & NATURE).any()) and not sounds.any():  # water and fire are unmarked
            unmarked = frame.iou.max(1, initial=0) < 0.5
            shown = unmarked & self.shows_nature(number, audible)
            sounds[shown] = 1
            weight[unmarked] = NATURE_WEIGHT * shown[unmarked]
            return Part(number, side, sounds, weight, bag=False, known=bool(shown.any()))
        return Part(number, side, sounds, weight, bag=False)

    def shows_nature(self, number: int, audible: Tensor) -> NDArray[np.bool_]:
        """Whether each mask (N,) of a frame shows what sounds by its class, for water, fire and weather."""
        wanted = audible & NATURE
        if bool((wanted & WATER).any()):  # all water sounds the same
            wanted = wanted | WATER
        likely = self.frames.probabilities[number][:, :-1][:, wanted].sum(1) > NATURE_PROBABILITY
        return np.asarray(likely.numpy())

    def scene(self) -> tuple[list[Part], int]:
        """The parts and the clip of a scene."""
        while True:
            frames, clip = self.pair()
            audible = self.clips.audible[clip]
            sides: tuple[int | None, ...] = (None,) if len(frames) == 1 else (0, 1)
            parts = [self.part(frame, side, audible) for frame, side in zip(frames, sides, strict=True)]
            known = [part for part in parts if part is not None]
            if len(known) == len(parts):
                return known, clip

    def batch(self, size: int) -> tuple[SoundingInputs, Targets]:
        """Inputs and targets of ``size`` scenes."""
        scenes = [self.scene() for _ in range(size)]
        rows = torch.tensor([clip for _, clip in scenes])
        clips = self.clips
        audio = {
            "audio": clips.clips.embeddings[rows].float(),
            "audio_probabilities": clips.probabilities[rows],
            "cues": clips.cues[rows],
        }
        frames = [self._masks(parts) for parts, _ in scenes]
        names = ("local", "context", "image_probabilities", "geometry", "text", "sounds", "weight", "bags")
        padded = {name: pad([frame[name] for frame in frames]) for name in names}
        counts = torch.tensor([len(frame["sounds"]) for frame in frames])
        padding = torch.arange(MAX_MASKS)[None] >= counts[:, None]
        similarity = (padded.pop("text") * clips.text[rows][:, None]).sum(-1)
        audible = clips.audible[rows]
        visible = [
            float(
                any(
                    bool(part.sounds.any()) or bool(audible[row][list(self.seen[part.frame])].any())
                    for part in parts
                )
            )
            for row, (parts, _) in enumerate(scenes)
        ]
        sounds, weight, bags = (padded.pop(name) for name in ("sounds", "weight", "bags"))
        inputs = SoundingInputs.of({**padded, **audio, "padding": padding, "similarity": similarity})
        known = torch.tensor([float(all(part.known for part in parts)) for parts, _ in scenes])
        return inputs, Targets(sounds, weight, bags.long(), torch.tensor(visible), known, audible)

    def _masks(self, parts: Sequence[Part]) -> dict[str, Tensor]:
        """Inputs and targets of the best masks of a scene, best first."""
        found: list[dict[str, Tensor]] = []
        for part in parts:
            frame = self.frames.frames[part.frame]
            found.append(
                {
                    "local": torch.from_numpy(frame.local).float(),
                    "context": torch.from_numpy(frame.context).float(),
                    "image_probabilities": self.frames.probabilities[part.frame],
                    "geometry": torch.from_numpy(half_geometry(frame.geometry, part.side)),
                    "text": self.frames.text[part.frame],
                    "sounds": torch.from_numpy(part.sounds),
                    "weight": torch.from_numpy(part.weight),
                    "bags": torch.full((len(frame),), int(part.bag)),
                }
            )
        joined = {name: torch.cat([each[name] for each in found]) for name in found[0]}
        order = joined["geometry"][:, 0].argsort(descending=True, stable=True)[:MAX_MASKS]
        chosen = {name: values[order] for name, values in joined.items()}
        chosen["geometry"][:, -1] = torch.arange(len(order)) / 20 - 0.5
        return chosen


def half_geometry(geometry: NDArray[np.float32], side: int | None) -> NDArray[np.float32]:
    """Geometry (N, 8) of the masks of a frame that is the left (0) or right (1) half of a scene, or all."""
    if side is None:
        return geometry.copy()
    half = geometry.copy()
    area = np.exp((half[:, 1] - 1) * 3) / 2
    half[:, 1] = np.log(np.maximum(area, 1e-4)) / 3 + 1
    half[:, 2] = (half[:, 2] + 1) / 2 - 1 + side
    half[:, 4] = (half[:, 4] + 1) / 2 - 1
    return half


def pad(rows: Sequence[Tensor]) -> Tensor:
    """Stack tensors (n, ...) of different n, filled up with 0: (B, MAX_MASKS, ...) float32."""
    padded = torch.zeros(len(rows), MAX_MASKS, *rows[0].shape[1:])
    for target, values in zip(padded, rows, strict=True):
        target[: len(values)] = values
    return padded


def audible_sources_of(clips: Clips) -> Tensor:
    """Sources that may sound in each clip: (n, K) bool."""
    return torch.stack([audible_sources(names) for names in clips.classes])
