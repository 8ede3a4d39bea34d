"""The tables: which parts there are, and which of them make up a preset.

A part is named by the module and function that builds it. A builder takes the device, and is imported only
when it is asked for; one that asks for ``weights`` or ``name`` is given what finds weights, and the row's
name. A new part is one row here and one file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from seac.associate.views import DEFAULT, ViewSettings
from seac.core.errors import InputError, unknown

if TYPE_CHECKING:
    from seac.weights import Weights


@dataclass(frozen=True)
class Preset:
    """A combination of parts that fit together.

    Attributes:
        segmenter: row of ``PARTS["segmenter"]``.
        vision: row of ``PARTS["vision"]``.
        audio: row of ``PARTS["audio"]``.
        text: row of ``PARTS["text"]``.
        associate: row of ``PARTS["associate"]``.
        needs: what it takes, in words.
        settings: constants that differ from :class:`seac.settings.Settings`.
        detector: row of ``PARTS["detector"]``, for segmenters that are prompted with boxes.
        classifier: row of ``PARTS["classifier"]``.
    """

    segmenter: str
    vision: str
    audio: str
    text: str
    associate: str
    needs: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    detector: str | None = None
    classifier: str = "zero-shot"

    @property
    def views(self) -> ViewSettings:
        """How it makes views of masks."""
        views: ViewSettings = self.settings.get("views", DEFAULT)
        return views


SIZES = ("h", "l", "b")
CLIPS = ("clip-rn50", "clip-vit-b-16", "clip-vit-l-14")

PARTS: dict[str, dict[str, str]] = {
    "segmenter": {
        "tiny": "seac.presets.builders:tiny_segmenter",
        "classic": "seac.presets.builders:classic_segmenter",
        "grid": "seac.presets.builders:grid_segmenter",
        **{f"sam-vit-{size}": "seac.presets.stacks:sam" for size in SIZES},
        **{f"sam-vit-{size}-fast": "seac.presets.stacks:sam_fast" for size in SIZES},
        **{f"sam-hq-vit-{size}": "seac.presets.stacks:sam" for size in SIZES},
        **{f"sam2.1-hiera-{size}": "seac.presets.stacks:sam2" for size in ("l", "b", "s", "t")},
    },
    "detector": {
        "mdef-detr": "seac.presets.stacks:mdef_detr",
        "owlv2": "seac.presets.stacks:owlv2",
        "mm-grounding-dino": "seac.presets.stacks:grounding_dino",
    },
    "vision": {
        "efficientnet-lite2": "seac.presets.builders:efficientnet_lite2",
        **dict.fromkeys(CLIPS, "seac.presets.stacks:clip_vision"),
        "siglip2-base": "seac.presets.stacks:siglip_vision",
    },
    "audio": {
        "yamnet-student": "seac.presets.builders:yamnet_student",
        "yamnet-student-full": "seac.presets.builders:yamnet_student_full",
        "vggish": "seac.presets.stacks:vggish",
        "clap-htsat": "seac.presets.stacks:clap",
    },
    "text": {
        "minilm": "seac.presets.builders:minilm",
        **dict.fromkeys(CLIPS, "seac.presets.stacks:clip_text"),
        "siglip2-base": "seac.presets.stacks:siglip_text",
    },
    "associate": {
        "zero-shot": "seac.presets.builders:zero_shot",
        "trained": "seac.presets.builders:trained",
        "pairs": "seac.presets.builders:pairs",
        "association-paper": "seac.presets.stacks:own_association",
    },
    "classifier": {
        "zero-shot": "seac.presets.builders:zero_shot_classifier",
        "class-heads": "seac.presets.builders:experts",
    },
}

PRESETS: dict[str, Preset] = {
    "tiny": Preset(
        segmenter="tiny",
        vision="efficientnet-lite2",
        audio="yamnet-student",
        text="minilm",
        associate="trained",
        classifier="class-heads",
        needs="nothing beyond pip install: CPU, offline",
        settings={
            "top_n": 20,
            "exact": False,
            "objectness": 0.5,
            "softmax_temperature": 0.1,
            "sigma": 0.4,
            "workers": 0,
            "views": ViewSettings(fast_crops=8, crop_size=192),
        },
    ),
    "paper": Preset(
        detector="mdef-detr",
        segmenter="sam-vit-h",
        vision="clip-rn50",
        audio="vggish",
        text="clip-rn50",
        associate="association-paper",
        needs="weights from their public homes and an association of your own training; GPU advised",
        settings={"top_n": 50},
    ),
    "paper-fast": Preset(
        detector="mdef-detr",
        segmenter="sam-vit-h-fast",
        vision="clip-rn50",
        audio="vggish",
        text="clip-rn50",
        associate="association-paper",
        needs="as paper; several times faster, other masks and embeddings (docs/presets.md)",
        settings={"top_n": 50, "exact": False},
    ),
    "modern": Preset(
        detector="owlv2",
        segmenter="sam2.1-hiera-l",
        vision="siglip2-base",
        audio="clap-htsat",
        text="siglip2-base",
        associate="zero-shot",
        needs="weights from their public homes; GPU advised",
        settings={"top_n": 50},
    ),
}


def choose(preset: str, **parts: str | None) -> Preset:
    """A preset, with some parts swapped.

    Raises:
        InputError: no such preset or part; the line names the nearest and all there are.
    """
    chosen = PRESETS.get(preset)
    if chosen is None:
        raise InputError(unknown("preset", preset, tuple(PRESETS)))
    replacements = {stage: name for stage, name in parts.items() if name is not None}
    for stage, name in replacements.items():
        if stage not in PARTS:
            raise InputError(unknown("stage", stage, tuple(PARTS)))
        if name not in PARTS[stage]:
            raise InputError(unknown(stage, name, tuple(PARTS[stage])))
    return replace(chosen, **replacements)  # type: ignore[arg-type]


def builder(stage: str, name: str, weights: Weights | None = None) -> Callable[..., Any]:
    """The function that builds a part, with what finds its weights (cache and public homes if None)."""
    module, function = PARTS[stage][name].split(":")
    built: Callable[..., Any] = getattr(import_module(module), function)
    asked = accepted(built)
    if "weights" in asked and weights is None:
        from seac.weights import Weights

        weights = Weights()
    given = {key: value for key, value in {"weights": weights, "name": name}.items() if key in asked}
    return partial(built, **given) if given else built


def accepted(built: Callable[..., Any]) -> frozenset[str]:
    """Names of what a builder asks for."""
    return frozenset(signature(built).parameters)


def checked_settings(known: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """``given``, once every name in it is a field of the dataclass ``known``.

    Raises:
        InputError: a name that is none.
    """
    names = tuple(item.name for item in fields(known))
    for name in given:
        if name not in names:
            raise InputError(unknown("setting", name, names))
    return dict(given)
