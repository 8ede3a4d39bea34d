"""Training of the class heads: sound sources from mask embeddings, and from audio embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recipes.sounding.frames import UNKNOWN, UNMATCHED, FrameFeatures
from seac.encoders.class_heads import ClassHead
from seac.encoders.labels.descriptions import audioset_names, imagenet_names
from seac.encoders.labels.sound_sources import membership, source_names
from seac.encoders.pca import compute_pca
from seac.training.schedule import adamw, rate_factor, set_rates

MATCH, BACKGROUND, BACKGROUND_INSIDE = 0.5, 0.15, 0.3
"""IoU from which a mask has the class of an instance; IoU and share inside up to which it has none."""
LABEL_WEIGHT, LABEL_AREA = 0.6, 0.05
"""Weight of the mask that stands for the label of a picture, and its minimum share of the frame."""
BALANCE = 0.6
"""Power of the frequency of a class, or of a recording, that divides its chance to be drawn."""
NONE_SHARE = 0.12
PCA_ROWS = 20_000
VOICE_WEIGHT, VOICE_SLOPE = 5.0, 3.0
"""Weight of the loss of male and female voices, and factor on the logit that a voice is male."""
WARMUP = 50


@dataclass(frozen=True)
class HeadRecipe:
    """Settings of a training run.

    Attributes:
        components: principal components of the embedding.
        width: of the hidden layer.
        decay: weight decay of AdamW.
        dropout: share of the projected embedding that is zeroed.
        evidence_dropout: share of samples without the evidence of the encoder's classes.
        encoder_weight: first weight of that evidence.
        smoothing: label smoothing.
        steps: number of steps.
        batch: samples a step.
        rate: peak learning rate, with a cosine schedule.
    """

    components: int
    width: int
    decay: float
    dropout: float
    evidence_dropout: float = 0.0
    encoder_weight: float = 0.5
    smoothing: float = 0.1
    steps: int = 900
    batch: int = 256
    rate: float = 2e-3


IMAGE = HeadRecipe(components=256, width=256, decay=0.05, dropout=0.3, evidence_dropout=0.25)
AUDIO = HeadRecipe(components=128, width=192, decay=0.1, dropout=0.4, encoder_weight=1.0)


def mask_sources(frame: FrameFeatures) -> tuple[Tensor, Tensor]:
    """Source of each mask (N,), UNKNOWN to leave out, UNMATCHED for none, and its weight (N,) float32."""
    count = len(frame)
    found, weight = np.full(count, UNKNOWN), np.ones(count, np.float32)
    if len(frame.sources):
        nearest, best = frame.iou.argmax(1), frame.iou.max(1)
        matched = (best >= MATCH) & ~frame.crowd[nearest]
        found[matched] = frame.sources[nearest[matched]]
        if frame.complete:
            found[(best < BACKGROUND) & (frame.inside.max(1) < BACKGROUND_INSIDE)] = UNMATCHED
    elif frame.label != UNKNOWN and count:
        objectness, area = (frame.geometry[:, 0] + 1) / 2, np.exp((frame.geometry[:, 1] - 1) * 3)
        chosen = int((objectness * np.sqrt(area) * (area > LABEL_AREA)).argmax())
        found[chosen], weight[chosen] = frame.label, LABEL_WEIGHT
    return torch.from_numpy(found), torch.from_numpy(weight)


def train_image_head(
    embeddings: Tensor, class_probabilities: Tensor, sources: Tensor, weight: Tensor, seed: int
) -> ClassHead:
    """Train the head of masks.

    Args:
        embeddings: (n, d_m) of masks.
        class_probabilities: (n, C) of the image encoder.
        sources: (n,) int64, UNMATCHED for none; no UNKNOWN.
        weight: (n,) chance of a sample relative to others of its class.
        seed: of initial weights, batches and dropout.
    """
    members = membership(imagenet_names())
    assert members is not None
    rng, network = _start(embeddings, members, IMAGE, seed, exclusive=True)
    classes = members.shape[1]
    target = torch.where(sources == UNMATCHED, classes, sources)
    trained = torch.zeros(classes + 1, dtype=torch.bool)
    trained[target] = True
    counts = torch.bincount(target, minlength=classes + 1).double()
    chance = counts.clamp_min(1) ** -BALANCE
    chance[-1] = NONE_SHARE * (chance[:-1] * counts[:-1]).sum() / counts[-1].clamp_min(1)
    chances = (chance[target] * weight).numpy()
    inputs, evidence = network.project(embeddings), network.encoder_evidence(class_probabilities)
    even = trained.float() / trained.sum()

    def loss(rows: Tensor) -> Tensor:
        keep = torch.from_numpy(rng.random(len(rows)) >= IMAGE.evidence_dropout)
        logits = network(functional.dropout(inputs[rows], IMAGE.dropout), evidence[rows] * keep[:, None])
        wanted = (
            functional.one_hot(target[rows], classes + 1) * (1 - IMAGE.smoothing) + IMAGE.smoothing * even
        )
        return functional.cross_entropy(logits.masked_fill(~trained, -30), wanted)

    return _optimise(network, IMAGE, chances, rng, loss, trained)


def train_audio_head(
    embeddings: Tensor,
    class_probabilities: Tensor,
    audible: Tensor,
    male: Tensor,
    recordings: Sequence[str],
    seed: int,
) -> ClassHead:
    """Train the head of audio.

    Args:
        embeddings: (n, d_a) of clips.
        class_probabilities: (n, D) of the audio encoder.
        audible: (n, K) bool, sources that may sound; columns without any are not trained.
        male: (n,) logit that a voice is male; the difference of the logits of man and woman follows it on all
            clips, as there are few recordings of voices.
        recordings: recording of each clip, for equal frequencies.
        seed: of initial weights, batches and dropout.
    """
    members = membership(audioset_names())
    assert members is not None
    rng, network = _start(embeddings, members, AUDIO, seed, exclusive=False)
    trained = audible.any(0)
    man, woman = (source_names().index(name) for name in ("man", "woman"))
    _, which, counts = np.unique(np.array(recordings), return_inverse=True, return_counts=True)
    with torch.no_grad():
        network.classify.bias.fill_(2.0)  # the evidence of an audible class is about -2
        network.classify.weight.mul_(0.2)
    inputs, evidence = network.project(embeddings), network.encoder_evidence(class_probabilities)

    def loss(rows: Tensor) -> Tensor:
        outputs = network(functional.dropout(inputs[rows], AUDIO.dropout), evidence[rows])
        logits = outputs[:, trained]
        wanted = audible[rows][:, trained].float()
        voices = network(inputs[rows], evidence[rows])
        voice = functional.binary_cross_entropy_with_logits(
            voices[:, man] - voices[:, woman], (VOICE_SLOPE * male[rows]).sigmoid()
        )
        entropy = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return entropy.sum(1).mean() + VOICE_WEIGHT * voice

    chances = np.asarray(counts[which] ** -BALANCE, np.float64)
    return _optimise(network, AUDIO, chances, rng, loss, trained)


def _start(
    embeddings: Tensor, members: Tensor, recipe: HeadRecipe, seed: int, *, exclusive: bool
) -> tuple[np.random.Generator, ClassHead]:
    """A generator, and an untrained head with the principal components of the embeddings."""
    torch.manual_seed(seed)
    unit = functional.normalize(embeddings[:: 1 + len(embeddings) // PCA_ROWS].float(), dim=1)
    mean, basis = compute_pca(unit, recipe.components)
    network = ClassHead(mean, basis, recipe.width, members, exclusive=exclusive).train()
    nn.init.zeros_(network.classify.bias)
    nn.init.constant_(network.encoder_weight, recipe.encoder_weight)
    return np.random.default_rng(seed), network


def _optimise(
    network: ClassHead,
    recipe: HeadRecipe,
    chances: NDArray[np.float64],
    rng: np.random.Generator,
    loss: Callable[[Tensor], Tensor],
    trained: Tensor,
) -> ClassHead:
    """Minimise ``loss`` of sampled rows; ``trained`` are the columns of the output with samples."""
    optimiser = adamw(network.parameters(), recipe.rate, recipe.decay)
    chances = chances / chances.sum()
    for step in range(recipe.steps):
        set_rates(optimiser, rate_factor(step, recipe.steps, WARMUP))
        rows = torch.from_numpy(rng.choice(len(chances), recipe.batch, p=chances))
        value = loss(rows)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():  # a class without samples has the evidence of the encoder's classes only
        network.classify.weight[~trained] = 0
        offset = 1.0 if network.exclusive else 0.0
        network.classify.bias[~trained] = network.classify.bias[trained].mean() - offset
    return network.eval()
