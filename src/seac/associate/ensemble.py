"""The association that ships with tiny: learnt where it was taught, among words where it was not.

Frozen embeddings are reduced to their principal components and joined by the place of mask and sound among
words, so what is learnt (:class:`~seac.associate.model.AssociationModule`, MICL) starts from meaning and
not from 1,280 numbers. It is learnt a few times and the cosines are averaged: what one learns by chance is
not what the next one does. The zero-shot cosine has a share in that too; its classes are first weighed
against how often the taggers say them at all: a class that is always said says nothing. A sound is listened
to window by window, and a mask answers to those that fit it best: of two things that sound, one is louder now
and the other then. The third share is that of kinds that were taught by name (:mod:`seac.encoders.class_heads`):
how likely mask and sound are of one of them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.model import AssociationConfig, AssociationModule
from seac.associate.zero_shot import ZeroShot
from seac.core.checkpoint import halved, part_of, read_shipped, write_noted
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.base import AudioEncoder, VisionEncoder
from seac.encoders.class_heads import Kinds, agreement
from seac.encoders.labels.conse import closeness
from seac.encoders.pca import SCALE, reduced

FORMAT = "seac combined association 5"


@dataclass(frozen=True)
class CombinedSettings:
    """Constants of a combined association, chosen with ``python -m recipes.association``.

    Attributes:
        words: share of the zero-shot similarity in the answer, 0 to 1.
        kinds: share of taught kinds in it; what is learnt from pairs has the rest.
        place: weight of the place among words in the module's input; the embedding weighs 1.
        rarity: exponent with which a tag's mean probability divides it; 0 leaves tags as they are.
        lam: weight of the local view (Eq. 3).
        softness: of the soft maximum over a sound's windows, in units of a cosine; the more, the more it is
            their mean.
        tagged: share of the audio network's classes, told among words, in which kinds are heard; the network
            that was taught has the rest.
        width: of words about a kind, in cosine (:func:`seac.encoders.labels.conse.closeness`).
        floor: probability that mask and sound are of one kind under which there is no telling.
    """

    words: float = 0.2
    kinds: float = 0.4
    place: float = 0.3
    rarity: float = 0.7
    lam: float = 0.6
    softness: float = 0.1
    tagged: float = 0.5
    width: float = 0.1
    floor: float = 0.002


@dataclass(frozen=True)
class Reductions:
    """What was measured on the training features, without learning.

    Attributes:
        sight_mean: (d_m,) of unit embeddings. sight: (d_m, p) principal directions, scaled.
        sound_mean: (d_a,) the same of windows. sound: (d_a, q).
        among: (t, r) principal directions of text space.
        sight_tags: (C,) mean probability of the vision encoder's classes. sound_tags: (D,) of the audio
            network's.
    """

    sight_mean: Tensor
    sight: Tensor
    sound_mean: Tensor
    sound: Tensor
    among: Tensor
    sight_tags: Tensor
    sound_tags: Tensor


@dataclass(frozen=True)
class CombinedWeights:
    """All that a file of this association holds; ``made_by`` says what made the features, by part.

    ``modules`` are all of one config and learnt with different seeds.
    """

    modules: tuple[AssociationModule, ...]
    reductions: Reductions
    settings: CombinedSettings
    made_by: Mapping[str, str]
    sha256: str = ""


class Combined:
    """Learnt, among words, and by kind; an :class:`~seac.associate.base.Association`.

    Args:
        weights: what was learnt from pairs.
        words: where masks and sounds are among words.
        kinds: that were taught; of encoders that they were not taught for, pairs have their share.
        device: of the learnt modules.
    """

    def __init__(self, weights: CombinedWeights, words: ZeroShot, kinds: Kinds, device: str = "cpu") -> None:
        self.modules = tuple(
            module.eval().requires_grad_(requires_grad=False).to(device) for module in weights.modules
        )
        self.reductions = weights.reductions
        self.settings = weights.settings
        self.made_by = weights.made_by
        self.words = words
        self.kinds = kinds
        self.device = device
        pairs = f"combined association sha256:{weights.sha256[:12] or 'none'}"
        self.version = f"{pairs}, {kinds.weights.version}" if self.settings.kinds else pairs

    def checked(self, vision: VisionEncoder, audio: AudioEncoder) -> Combined:
        """Itself, once it fits the sizes of the networks whose features it is given.

        Raises:
            InputError: it was made for other networks.
        """
        made = self.reductions
        for kind, part, dim, tags in (
            ("vision", vision, len(made.sight_mean), len(made.sight_tags)),
            ("audio", audio, len(made.sound_mean), len(made.sound_tags)),
        ):
            if (part.dim, len(part.labels)) != (dim, tags):
                raise InputError(
                    f"the shipped association takes {kind} features of size {dim} with {tags} classes, this "
                    f"{kind} encoder gives {part.dim} with {len(part.labels)}: say --associate zero-shot"
                )
        return self

    def place_masks(self, masks: MaskEmbeddings) -> Tensor:
        """Every mask among words, for names: (N, d) of unit length."""
        return self.words.place_masks(masks)

    @torch.inference_mode()
    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Similarity of N masks of one frame with one sound: (N,) float32 in [-1, 1]."""
        if len(masks) == 0 or len(audio.embeddings) == 0:
            return torch.zeros(len(masks))
        learnt, said = (soft_maximum(part, self.settings.softness) for part in self.parts(masks, audio))
        return joined(learnt, said, self.alike(masks, audio), self.settings)

    def parts(self, masks: MaskEmbeddings, audio: AudioFeatures) -> tuple[Tensor, Tensor]:
        """The learnt cosine with each of the sound's W windows and the one among words, apart: (N, W) both.

        Raises:
            ValueError: an encoder without classes.
        """
        if audio.tags is None:
            raise ValueError("this association needs an audio network with sound classes, this one has none")
        made, settings = self.reductions, self.settings
        tags = weighed(masks.mixed_tags(settings.lam).cpu(), made.sight_tags, settings.rarity)
        places = self.words.sight.place(tags)
        heard = self.words.hearing.place(weighed(audio.tags.cpu(), made.sound_tags, settings.rarity))
        seen = module_input(masks.mixed(settings.lam).cpu(), places, made, settings, "sight")
        windows = module_input(audio.embeddings.cpu(), heard, made, settings, "sound")
        learnt = cosines(self.modules, seen.to(self.device), windows.to(self.device))
        return learnt.cpu(), places @ heard.T

    def alike(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor | None:
        """How likely each of N masks is of the sound's kind: (N,) in [-1, 1], or None if none can tell."""
        if not self.settings.kinds:
            return None
        seen, taught = self.kinds.of("sight", masks.local), self.kinds.heard(audio)
        if seen is None or taught is None or audio.tags is None:
            return None
        tags = weighed(audio.tags.cpu(), self.reductions.sound_tags, self.settings.rarity)
        heard = torch.lerp(taught, self.words.hearing.told(tags, self._about), self.settings.tagged)
        return agreement(seen, heard.mean(0), self.settings.floor)

    @cached_property
    def _about(self) -> Tensor:
        """Which kind each sound class tells of, in shares: (D, K)."""
        about = closeness(self.words.hearing.vectors, self.kinds.vectors, self.settings.width)
        return about / about.sum(1, keepdim=True)


def joined(learnt: Tensor, said: Tensor, alike: Tensor | None, settings: CombinedSettings) -> Tensor:
    """The three similarities at their shares, (N,) all; without kinds what is learnt has theirs."""
    similarity = torch.lerp(learnt, said, settings.words)
    return similarity if alike is None else similarity + settings.kinds * (alike - learnt)


def cosines(modules: Sequence[AssociationModule], seen: Tensor, windows: Tensor) -> Tensor:
    """Mean over modules of the cosine of masks (N, p) with each of W windows (W, q): (N, W) float32."""
    device = str(seen.device)
    unseen, unheard = padding(1, len(seen), device), padding(len(windows), 1, device)
    each = [
        functional.normalize(module.embed_masks(seen[None], unseen)[0], dim=1)
        @ functional.normalize(module.embed_audio(windows[:, None], unheard), dim=1).T
        for module in modules
    ]
    return torch.stack(each).mean(0).float()


def soft_maximum(cosine: Tensor, softness: float) -> Tensor:
    """Of cosines (..., W) over windows: (...), between their mean and the greatest; equal ones stay."""
    mean = torch.logsumexp(cosine / softness, dim=-1) - math.log(cosine.shape[-1])
    return softness * mean


def weighed(tags: Tensor, usual: Tensor, exponent: float) -> Tensor:
    """Tags (n, C) against how often they are said at all (C,): (n, C), no longer probabilities."""
    return tags.float() / usual.clamp_min(1e-6) ** exponent


def module_input(
    embeddings: Tensor, places: Tensor, made: Reductions, settings: CombinedSettings, kind: str
) -> Tensor:
    """What the module sees, (..., n, p + r), of embeddings (..., n, d) and places (..., n, t)."""
    mean, basis = (made.sight_mean, made.sight) if kind == "sight" else (made.sound_mean, made.sound)
    among = places @ made.among * settings.place
    return torch.cat([reduced(embeddings, mean, basis), among], dim=-1) * SCALE


def padding(count: int, length: int, device: str) -> Tensor:
    """Nothing is padded: (count, length) False."""
    return torch.zeros(count, length, dtype=torch.bool, device=device)


def write(weights: CombinedWeights, path: Path) -> str:
    """Write the file (float16), whole or not at all; the answer is its sha256.

    Raises:
        ValueError: a value is not finite in half precision.
    """
    state = {
        f"module.{number}.{name}": value
        for number, module in enumerate(weights.modules)
        for name, value in module.state_dict().items()
    }
    state |= {f"made.{item.name}": getattr(weights.reductions, item.name) for item in fields(Reductions)}
    notes = {
        "format": FORMAT,
        "modules": len(weights.modules),
        "module": asdict(weights.modules[0].config),
        "settings": asdict(weights.settings),
        "made_by": dict(weights.made_by),
    }
    return write_noted(halved(state), notes, path)


def read(path: str | os.PathLike[str]) -> CombinedWeights:
    """What :func:`write` wrote.

    Raises:
        InputError: nothing there, damaged, or another kind of weights.
    """
    return read_shipped(path, "a combined association", FORMAT, weights_of)


def weights_of(state: Mapping[str, Tensor], notes: Mapping[str, Any], sha256: str) -> CombinedWeights:
    """The weights in a file's tensors and notes."""
    config = AssociationConfig(**notes["module"])
    return CombinedWeights(
        tuple(module_of(part_of(state, f"module.{number}"), config) for number in range(notes["modules"])),
        Reductions(**part_of(state, "made")),
        CombinedSettings(**notes["settings"]),
        notes["made_by"],
        sha256,
    )


def module_of(state: Mapping[str, Tensor], config: AssociationConfig) -> AssociationModule:
    """A module with these tensors."""
    module = AssociationModule(config)
    module.load_state_dict(state)
    return module
