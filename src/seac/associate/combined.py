"""The association that ships with tiny: learnt where it was taught, among words where it was not.

Frozen embeddings are reduced to their principal components and joined by the place of mask and sound among
words, so what is learnt (:class:`~seac.associate.module.AssociationModule`, MICL) starts from meaning and
not from 1,280 numbers. It is learnt a few times and the cosines are averaged: what one learns by chance is
not what the next one does. The zero-shot cosine has a share in that too; its classes are first weighed
against how often the taggers say them at all: a class that is always said says nothing. A sound is listened
to window by window, and a mask answers to those that fit it best: of two things that sound, one is louder now
and the other then.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.audio.encoder import AudioEncoder, AudioFeatures
from seac.associate.embeddings import MaskEmbeddings
from seac.associate.module import AssociationConfig, AssociationModule
from seac.associate.noted import halved, read_shipped, write_noted
from seac.associate.vision.encoder import VisionEncoder
from seac.associate.zero_shot import ZeroShot
from seac.errors import InputError

FORMAT = "seac combined association 4"
SCALE = 16.0
"""Of the module's inputs: their values are then of the order of 1."""


@dataclass(frozen=True)
class CombinedSettings:
    """Constants of a combined association, chosen with ``python -m training.association``.

    Attributes:
        words: share of the zero-shot similarity in the answer, 0 to 1.
        place: weight of the place among words in the module's input; the embedding weighs 1.
        rarity: exponent with which a tag's mean probability divides it; 0 leaves tags as they are.
        lam: weight of the local view (Eq. 3).
        softness: of the soft maximum over a sound's windows, in units of a cosine; the more, the more it is
            their mean.
    """

    words: float = 0.3
    place: float = 0.3
    rarity: float = 0.7
    lam: float = 0.6
    softness: float = 0.1


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
    """Learnt and among words; an :class:`~seac.associate.association.Association`."""

    def __init__(self, weights: CombinedWeights, words: ZeroShot, device: str = "cpu") -> None:
        self.modules = tuple(
            module.eval().requires_grad_(requires_grad=False).to(device) for module in weights.modules
        )
        self.reductions = weights.reductions
        self.settings = weights.settings
        self.made_by = weights.made_by
        self.words = words
        self.device = device
        self.version = f"combined association sha256:{weights.sha256[:12] or 'none'}"

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
        trained, said = (soft_maximum(part, self.settings.softness) for part in self.parts(masks, audio))
        return torch.lerp(trained, said, self.settings.words)

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


def reduced(embeddings: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
    """Where embeddings (..., d) lie from ``mean`` (d,), along ``basis`` (d, p): (..., p) of unit length."""
    unit = functional.normalize(embeddings.float(), dim=-1) - mean
    return functional.normalize(unit @ basis, dim=-1)


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
        tuple(module_of(state, number, config) for number in range(notes["modules"])),
        Reductions(**{name[5:]: value for name, value in state.items() if name.startswith("made.")}),
        CombinedSettings(**notes["settings"]),
        notes["made_by"],
        sha256,
    )


def module_of(state: Mapping[str, Tensor], number: int, config: AssociationConfig) -> AssociationModule:
    """One of the modules in a file."""
    module, start = AssociationModule(config), f"module.{number}."
    module.load_state_dict(
        {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
    )
    return module
