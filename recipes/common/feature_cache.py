"""Cached features as one stock: what a training step or a trial draws from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.ensemble import CombinedSettings, Reductions, module_input, weighed
from seac.associate.zero_shot import ZeroShot
from seac.core.types import AudioFeatures
from seac.encoders.labels.conse import Bridge, NoBridge

COMPONENTS_SIGHT, COMPONENTS_SOUND, COMPONENTS_AMONG = 192, 128, 128
WHITENING = 0.5
"""Exponent of a component's eigenvalue, which divides it: .5 is full whitening."""
LEAST_SIGHT, LEAST_SOUND = 1e-4, 1e-3
"""Added to the mean probability of a tag, so that one that is never said does not weigh without bound."""
GROUND = "_ground"


@dataclass(frozen=True)
class Tagging:
    """Class probabilities of embeddings, and the bridge that places them among words."""

    sight: Callable[[Tensor], Tensor]
    sound: Callable[[Tensor], Tensor]
    words: ZeroShot


@dataclass(frozen=True)
class Sights:
    """Masks (M, ...) of all cached scenes.

    Attributes:
        mixed: (M, d_m) embeddings, Eq. 3. local: (M, d_m), of the local view. tags: (M, C).
        kind: of the thing each mask shows, GROUND for none. scene: (M,) which scene it is from.
    """

    mixed: Tensor
    local: Tensor
    tags: Tensor
    kind: tuple[str, ...]
    scene: Tensor


@dataclass(frozen=True)
class Sounds:
    """Clips: windows (K, W, d_a), their tags (K, W, D), and the kinds that each clip is the sum of."""

    windows: Tensor
    tags: Tensor
    kinds: tuple[tuple[str, ...], ...]

    def joined(self, other: Sounds) -> Sounds:
        """These clips, then the others."""
        return Sounds(
            torch.cat([self.windows, other.windows]),
            torch.cat([self.tags, other.tags]),
            self.kinds + other.kinds,
        )


def shards(folder: Path) -> list[dict[str, Any]]:
    """All finished shards of a folder."""
    found = []
    for path in sorted(folder.glob("?????.npz")):
        with np.load(path) as opened:
            found.append({name: opened[name] for name in opened.files})
    return found


def sights(folder: Path, tagging: Tagging, lam: float) -> Sights:
    """The masks of cached scenes."""
    parts = shards(folder)
    local = torch.from_numpy(np.concatenate([part["local"] for part in parts])).float()
    context = torch.from_numpy(np.concatenate([part["context"] for part in parts])).float()
    kind: list[str] = []
    scene, offset = [], 0
    for part in parts:
        kind += [GROUND if name is None else name for name in shown(part, "kinds")]
        scene.append(torch.from_numpy(part["scene"]).long() + offset)
        offset += len(json.loads(str(part["kinds"])))
    tags = torch.lerp(tagging.sight(context), tagging.sight(local), lam)
    return Sights(torch.lerp(context, local, lam), local, tags, tuple(kind), torch.cat(scene))


def shown(part: Mapping[str, Any], what: str) -> list[str | None]:
    """Of each mask in a shard of scenes the kind ("kinds") or cut-out ("files"); None of no thing."""
    named = json.loads(str(part[what]))
    return [
        named[scene][owner] if owner >= 0 else None
        for scene, owner in zip(part["scene"].tolist(), part["owner"].tolist(), strict=True)
    ]


def sounds(folder: Path, tagging: Tagging) -> Sounds:
    """The clips of cached sounds."""
    windows, kinds = clips(folder)
    windows = windows.float()
    return Sounds(windows, tagging.sound(windows), kinds)


def clips(*folders: Path) -> tuple[Tensor, tuple[tuple[str, ...], ...]]:
    """Windows (K, W, d_a) float16 of all cached clips, and the kinds that each is the sum of."""
    parts = [part for folder in folders for part in shards(folder)]
    kinds = tuple(tuple(names) for part in parts for names in json.loads(str(part["kinds"])))
    return torch.from_numpy(np.concatenate([part["windows"] for part in parts])), kinds


def principal(vectors: Tensor, count: int, whitening: float) -> tuple[Tensor, Tensor]:
    """Mean (d,) and the ``count`` strongest directions (d, count), the strong ones damped."""
    mean = vectors.mean(0)
    centred = vectors - mean
    values, directions = axes(centred)
    strongest = directions[:, -count:].flip(1)
    return mean, (strongest / values[-count:].flip(0).clamp_min(1e-6) ** whitening).float()


def axes(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squares along the principal axes of (n, d), rising, and the axes as columns, in double precision.

    In single precision the solver answered NaN for the features of some ears.
    """
    values, directions = torch.linalg.eigh((vectors.T @ vectors / len(vectors)).double())
    return values, directions


def reductions(seen: Sights, heard: Sounds, words: ZeroShot, settings: CombinedSettings) -> Reductions:
    """Means, principal directions and usual tags of the training features; no pair is looked at."""
    sight_tags = seen.tags.mean(0) + LEAST_SIGHT
    mean_tags = heard.tags.mean(1)
    sound_tags = mean_tags.mean(0) + LEAST_SOUND
    sight = principal(functional.normalize(seen.mixed, dim=1), COMPONENTS_SIGHT, WHITENING)
    windows = functional.normalize(heard.windows, dim=-1).flatten(0, 1)[::3]
    sound = principal(windows, COMPONENTS_SOUND, WHITENING)
    places = torch.cat(
        [
            placed(words.sight, seen.tags, sight_tags, settings)[::3],
            placed(words.hearing, mean_tags, sound_tags, settings),
        ]
    )
    among = axes(places)[1][:, -COMPONENTS_AMONG:].float()
    return Reductions(*sight, *sound, among, sight_tags, sound_tags)


def placed(bridge: Bridge | NoBridge, tags: Tensor, usual: Tensor, settings: CombinedSettings) -> Tensor:
    """Tags among words, weighed: (n, t)."""
    return torch.cat(
        [bridge.place(part) for part in torch.split(weighed(tags, usual, settings.rarity), 2048)]
    )


@dataclass(frozen=True)
class Stock:
    """All that training sees, ready for the module.

    Attributes:
        masks: (M, p + r). mask_places: (M, t). clips: (K, W, q + r). window_places: (K, W, t).
        clip_places: (K, t), of their mean tags.
        local: (M, d_m) float16. heard: what the audio network said of the clips, float16, (K, W, ...).
        mask_kind: of each mask. clip_kinds: of each clip.
        scene: (M,). of_scene: masks of each scene.
    """

    masks: Tensor
    mask_places: Tensor
    clips: Tensor
    window_places: Tensor
    clip_places: Tensor
    local: Tensor
    heard: AudioFeatures
    mask_kind: tuple[str, ...]
    clip_kinds: tuple[tuple[str, ...], ...]
    scene: Tensor
    of_scene: tuple[tuple[int, ...], ...]

    @classmethod
    def of(
        cls, seen: Sights, heard: Sounds, words: ZeroShot, made: Reductions, settings: CombinedSettings
    ) -> Stock:
        """Everything through the frozen part of the association."""
        mask_places = placed(words.sight, seen.tags, made.sight_tags, settings)
        clip_places = placed(words.hearing, heard.tags.mean(1), made.sound_tags, settings)
        flat = placed(words.hearing, heard.tags.flatten(0, 1), made.sound_tags, settings)
        window_places = flat.view(*heard.tags.shape[:2], -1)
        members: list[list[int]] = [[] for _ in range(int(seen.scene.max()) + 1)]
        for index, scene in enumerate(seen.scene.tolist()):
            members[scene].append(index)
        return cls(
            module_input(seen.mixed, mask_places, made, settings, "sight"),
            mask_places,
            module_input(heard.windows, window_places, made, settings, "sound"),
            window_places,
            clip_places,
            seen.local.half(),
            AudioFeatures(heard.windows.half(), heard.tags.half()),
            seen.kind,
            heard.kinds,
            seen.scene,
            tuple(tuple(member) for member in members),
        )

    def sound(self, clip: int) -> AudioFeatures:
        """What the audio network said of one clip."""
        tags = None if self.heard.tags is None else self.heard.tags[clip].float()
        return AudioFeatures(self.heard.embeddings[clip].float(), tags)

    def kinds(self) -> list[str]:
        """Kinds that are seen and heard alone."""
        heard = {names[0] for names in self.clip_kinds if len(names) == 1}
        return sorted(heard & set(self.mask_kind))


def alone(clip_kinds: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """Of each kind the clips of it alone."""
    return index_of([names[0] if len(names) == 1 else "" for names in clip_kinds])


def index_of(names: Sequence[str]) -> dict[str, np.ndarray]:
    """Where each name stands."""
    found: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        found.setdefault(name, []).append(index)
    return {name: np.array(where) for name, where in found.items()}
