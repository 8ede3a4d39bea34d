"""Configuration of a training run; the defaults are the paper's."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from torch import Tensor

from seac.associate.input_projection import ProjectionConfig, class_mapping
from seac.associate.losses import LOSSES
from seac.associate.model import AssociationConfig
from seac.associate.zero_shot import ZeroShot
from seac.core.errors import InputError, unknown
from seac.training.schedule import Schedule


@dataclass(frozen=True)
class TrainingConfig:
    """Configuration of a run; values that the paper does not state are from DESIGN.md.

    Attributes:
        lr: peak learning rate of AdamW; it falls to 0.
        schedule: "linear", or "cosine"; see :func:`seac.training.schedule.rate_factor`.
        weight_decay: of AdamW.
        warmup: share of all steps over which the learning rate first rises from 0.
        clip: maximum norm of the gradient; 0 for no limit.
        epochs: passes over the store.
        batch: samples in a batch, over all ranks.
        every_frame: whether an epoch has every frame of a clip; otherwise it has one random frame.
        n_masks: maximum masks of a frame, those with the highest scores.
        max_windows: maximum random windows of a clip in a step; 0 for all.
        mixing: probability that a batch is mixed in the last epoch; it rises from 0.
        group: waveforms in a mixture.
        loss: row of :data:`seac.associate.losses.LOSSES`.
        false_negative_threshold: cosine above which a false-negative-aware loss takes two samples for
            similar.
        precision: "32-true", or "bf16-mixed".
        seed: of weights, order, frames, mixtures and dropout.
        clips: number of random clips of the store to train on; 0 for all.
        held_out: share of the clips left out of training; retrieval on them is measured each epoch.
        image_components: p of :class:`seac.associate.input_projection.ProjectionConfig`, fitted to the store
            before the first step; 0 for both modalities disables the projection.
        audio_components: q of ProjectionConfig, fitted likewise.
        text_components: r of ProjectionConfig; 0 leaves text space out of the input.
        text_weight: see ProjectionConfig.
        prior_exponent: see ProjectionConfig.
        sounding_steps: least number of steps of the sounding head, which is trained after the association.
        sounding_lr: peak learning rate of the sounding head.
        sounding_batch: frames in a batch of the sounding head.
        d: see :class:`seac.associate.model.AssociationConfig`, as for all that follow.
    """

    lr: float = 1e-4
    schedule: Schedule = "linear"
    weight_decay: float = 0.01
    warmup: float = 0.0
    clip: float = 0.0
    epochs: int = 30
    batch: int = 128
    every_frame: bool = False
    n_masks: int = 50
    max_windows: int = 0
    mixing: float = 0.5
    group: int = 2
    loss: str = "msa-micl"
    false_negative_threshold: float = 0.8
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    seed: int = 0
    clips: int = 0
    held_out: float = 0.0
    image_components: int = 0
    audio_components: int = 0
    text_components: int = 0
    text_weight: float = 0.3
    prior_exponent: float = 0.7
    sounding_steps: int = 600
    sounding_lr: float = 1e-3
    sounding_batch: int = 32
    d: int = 128
    width: int | None = None
    depth: int = 4
    heads: int = 8
    pool_heads: int = 4
    dropout: float = 0.1
    norm_first: bool = False
    lam: float = 0.6
    normalised: bool = False
    variant: Literal["masks", "grid"] = "masks"
    zero_shot_weight: float = 0.0
    zero_shot_scale: float = 1.0
    input_dropout: float = 0.0

    def association(self, d_m: int, d_a: int, zero_shot: ZeroShot | None = None) -> AssociationConfig:
        """The config of the module.

        Args:
            d_m: size of a mask embedding.
            d_a: size of a window embedding.
            zero_shot: the text space of the encoders, if the input has one.

        Raises:
            InputError: the input has text space and the encoders have none.
        """
        shared = {item.name for item in fields(AssociationConfig)} & {item.name for item in fields(self)}
        values = {name: getattr(self, name) for name in shared}
        return AssociationConfig(d_m=d_m, d_a=d_a, projection=self._projection(zero_shot), **values)

    def sounding(self, proposals: Tensor) -> TrainingConfig:
        """The configuration of the sounding head's phase: whole epochs of at least ``sounding_steps`` steps.

        Args:
            proposals: (clips, T) number of masks of each frame of the store.
        """
        there = proposals > 0
        clips = int(there.any(dim=1).sum())
        every_frame = clips < self.sounding_batch * self.sounding_steps
        samples = int(there.sum()) if every_frame else clips
        per_epoch = max(1, samples // min(self.sounding_batch, max(1, samples)))
        return replace(
            self,
            lr=self.sounding_lr,
            schedule="cosine",
            weight_decay=0.05,
            warmup=0.1,
            clip=2.0,
            epochs=-(-self.sounding_steps // per_epoch),
            batch=self.sounding_batch,
            every_frame=every_frame,
            max_windows=self.max_windows or 3,
        )

    def _projection(self, zero_shot: ZeroShot | None) -> ProjectionConfig | None:
        if not self.image_components:
            return None
        projection = ProjectionConfig(self.image_components, self.audio_components)
        if not self.text_components:
            return projection
        if zero_shot is None:
            raise InputError(
                "text space in the input needs encoders that have classes: --set text_components=0"
            )
        image, audio = class_mapping(zero_shot, "image"), class_mapping(zero_shot, "audio")
        return replace(
            projection,
            text=self.text_components,
            text_dim=image.vectors.shape[1],
            image_classes=len(image.weights),
            audio_classes=len(audio.weights),
            text_weight=self.text_weight,
            prior_exponent=self.prior_exponent,
        )


RECIPES: dict[str, dict[str, Any]] = {
    # Four layers at the width of the 1280 features would have 80 million parameters: too many for a laptop.
    "tiny": {"width": 256, "n_masks": 20},
    # Features projected to principal components, with text space beside them: trains on few clips.
    "projection": {
        "lr": 1e-3,
        "schedule": "cosine",
        "weight_decay": 0.05,
        "warmup": 0.1,
        "epochs": 9,
        "batch": 96,
        "n_masks": 8,
        "max_windows": 3,
        "mixing": 0.5,
        "loss": "text-aware",
        "false_negative_threshold": 0.8,
        "width": 192,
        "depth": 0,
        "heads": 4,
        "input_dropout": 0.3,
        "image_components": 192,
        "audio_components": 128,
        "text_components": 128,
    },
}
"""Settings that differ from the paper's, by name of a preset or of ``--set recipe=NAME``."""

# name -> (minimum, maximum, whether the range is closed)
LIMITS: dict[str, tuple[float, float, bool]] = {
    "lr": (0, 1, False),
    "weight_decay": (0, 1, True),
    "warmup": (0, 1, True),
    "clip": (0, 1e6, True),
    "epochs": (1, 1e6, True),
    "batch": (2, 1e6, True),
    "n_masks": (1, 1000, True),
    "mixing": (0, 1, True),
    "group": (1, 1000, True),
    "false_negative_threshold": (-1, 1.1, True),
    "clips": (0, 1e9, True),
    "held_out": (0, 0.9, True),
    "d": (1, 65536, True),
    "width": (1, 65536, True),
    "depth": (0, 100, True),
    "heads": (1, 1024, True),
    "pool_heads": (1, 1024, True),
    "dropout": (0, 0.99, True),
    "lam": (0, 1, True),
    "zero_shot_weight": (0, 1, True),
    "zero_shot_scale": (0, 100, True),
    "input_dropout": (0, 0.99, True),
    "max_windows": (0, 1e6, True),
    "image_components": (0, 65536, True),
    "audio_components": (0, 65536, True),
    "text_components": (0, 65536, True),
    "text_weight": (0, 100, True),
    "prior_exponent": (0, 10, True),
    "sounding_steps": (1, 1e7, True),
    "sounding_lr": (0, 1, False),
    "sounding_batch": (2, 1e6, True),
}


def configured(preset: str, settings: Sequence[str] = ()) -> TrainingConfig:
    """Merge the paper's settings, a recipe's and the user's; later ones take precedence.

    Args:
        preset: name of a preset; its recipe is used, if it has one, unless ``settings`` name another.
        settings: "recipe=projection", "lr=3e-4", "epochs=10", ...

    Raises:
        InputError: an unknown name, a value of another type or out of range.
    """
    values = parsed(settings)
    recipe = values.pop("recipe", None)
    if recipe is not None and recipe not in RECIPES:
        raise InputError(unknown("recipe", recipe, tuple(RECIPES)))
    config = replace(TrainingConfig(), **RECIPES.get(recipe or preset, {}))
    return checked(replace(config, **values))


def parsed(settings: Sequence[str]) -> dict[str, Any]:
    """Parse settings of the command line into the types of their fields.

    Raises:
        InputError: not "name=value", an unknown name or a value of another type.
    """
    types = {**get_type_hints(TrainingConfig), "recipe": str}
    found = {}
    for setting in settings:
        name, sign, text = (part.strip() for part in setting.partition("="))
        if not sign:
            raise InputError(f"--set {setting}: give NAME=VALUE, such as lr=3e-4")
        if name not in types:
            raise InputError(unknown("setting", name, tuple(types)))
        found[name] = parse_value(name, text, types[name])
    return found


def parse_value(name: str, text: str, value_type: Any) -> Any:
    """Parse ``text`` as a value of a field's type.

    Raises:
        InputError: the text is not of that type.
    """
    if get_origin(value_type) is Literal:
        if text not in get_args(value_type):
            raise InputError(unknown(name, text, get_args(value_type)))
        return text
    if get_origin(value_type) in (Union, types.UnionType):
        value_type = next(each for each in get_args(value_type) if each is not type(None))
        if text.lower() == "none":
            return None
    if value_type is bool:
        known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in known:
            raise InputError(f"{name}={text}: give true or false")
        return known[text.lower()]
    try:
        return value_type(text)
    except ValueError:
        wanted = "a whole number" if value_type is int else "a number"
        raise InputError(f"{name}={text}: give {wanted}") from None


def checked(config: TrainingConfig) -> TrainingConfig:
    """Check that every value is in range and return ``config``.

    Raises:
        InputError: a value is out of range.
    """
    for name, (low, high, closed) in LIMITS.items():
        value = getattr(config, name)
        if value is None:
            continue
        inside = low <= value <= high if closed else low < value < high
        if not inside:  # also for NaN
            ends = "from {:g} to {:g}" if closed else "above {:g} and below {:g}"
            raise InputError(f"{name}={value:g}: give a number {ends.format(low, high)}")
    if config.loss not in LOSSES:
        raise InputError(unknown("loss", config.loss, tuple(LOSSES)))
    if config.width is not None and config.depth and config.width % config.heads:
        raise InputError(f"width={config.width} is no multiple of heads={config.heads}: set one of them")
    if bool(config.image_components) != bool(config.audio_components):
        raise InputError("set both image_components and audio_components, or neither")
    if config.text_components and not config.image_components:
        raise InputError("text_components need image_components and audio_components: set all three")
    if config.image_components and config.variant == "grid":
        raise InputError("variant=grid takes no input projection: --set image_components=0")
    return config


def differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """Format the differences of two configs, such as "lr 0.0001 there, 0.0003 here"; empty if equal."""
    names = sorted({*ours, *theirs})
    return ", ".join(
        f"{name} {theirs.get(name)} there, {ours.get(name)} here"
        for name in names
        if ours.get(name) != theirs.get(name)
    )
