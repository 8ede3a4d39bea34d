"""Tables of parts and of presets.

A row names a class, ``"package.module:Class"``. The class is imported on first use and built with
``Class.from_context(context)`` (:class:`seac.core.context.PartContext`). A new part is one file and one row
here; other packages add rows by entry points (:mod:`seac.core.registry`). This module does not import torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from typing import Any

from seac.associate.views import DEFAULT, ViewSettings
from seac.core import registry
from seac.core.errors import InputError, unknown


@dataclass(frozen=True)
class Preset:
    """A combination of compatible parts.

    Attributes:
        segmenter: row of ``PARTS["segmenter"]``.
        vision: row of ``PARTS["vision"]``.
        audio: row of ``PARTS["audio"]``.
        text: row of ``PARTS["text"]``.
        association_method: row of ``PARTS["association_method"]``.
        needs: requirements, as text.
        settings: settings that differ from the defaults of :class:`seac.settings.Settings`.
        detector: row of ``PARTS["detector"]``, for segmenters that are prompted with boxes.
        classifier: row of ``PARTS["classifier"]``.
        sounding_head: row of ``PARTS["sounding_head"]``.
        trained_head: whether a user's training includes a sounding head, which then takes the place of
            ``sounding_head``; not in presets that decide as the paper does (Eq. 4).
    """

    segmenter: str
    vision: str
    audio: str
    text: str
    association_method: str
    needs: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    detector: str | None = None
    classifier: str = "zero-shot"
    sounding_head: str = "objectness"
    trained_head: bool = True

    @property
    def parts(self) -> dict[str, str]:
        """Kind to row, for every part of the preset."""
        return {kind: row for kind in PARTS if (row := getattr(self, kind)) is not None}

    @property
    def views(self) -> ViewSettings:
        """View settings of the preset."""
        views: ViewSettings = self.settings.get("views", DEFAULT)
        return views


SIZES = ("h", "l", "b")
CLIPS = ("clip-rn50", "clip-vit-b-16", "clip-vit-l-14")
PE_CORES = ("pe-core-s", "pe-core-t")
SAM = "seac.segment.promptable.sam.sam:Sam"

PARTS: dict[str, dict[str, str]] = {
    "detector": {
        "mdef-detr": "seac.segment.detectors.mdef_detr.detector:MDefDetrDetector",
        "owlv2": "seac.segment.detectors.owlv2:Owlv2",
        "rf-detr-seg-n": "seac.segment.detectors.rf_detr:RfDetr",
        "rf-detr-proposals": "seac.segment.detectors.joined:JoinedDetectors",
        "mm-grounding-dino": "seac.segment.detectors.grounding_dino:GroundingDino",
    },
    "segmenter": {
        "tiny": "seac.segment.proposal_net.segmenter:ProposalSegmenter",
        "classic": "seac.segment.baselines.classic:Classic",
        "grid": "seac.segment.baselines.grid:Grid",
        **{f"sam-vit-{size}": SAM for size in SIZES},
        **{f"sam-vit-{size}-fast": SAM for size in SIZES},
        **{f"sam-hq-vit-{size}": SAM for size in SIZES},
        **{f"sam2.1-hiera-{size}": "seac.segment.promptable.sam.sam2:Sam2" for size in ("l", "b", "s", "t")},
        "edgetam": "seac.segment.promptable.sam.edgetam:EdgeTam",
    },
    "vision": {
        "efficientnet-lite2": "seac.encoders.vision.efficientnet_lite:EfficientNetLite",
        **dict.fromkeys(CLIPS, "seac.encoders.vision.clip:ClipVision"),
        **dict.fromkeys(PE_CORES, "seac.encoders.vision.clip:ClipVision"),
        "siglip2-base": "seac.encoders.vision.siglip:SiglipVision",
    },
    "audio": {
        "audio-student": "seac.encoders.audio.mobilenet_student:MobileNetStudent",
        **dict.fromkeys(
            ("efficientat-mn10", "efficientat-mn04"), "seac.encoders.audio.efficientat:EfficientAt"
        ),
        "vggish": "seac.encoders.audio.vggish:VGGishEncoder",
        "clap-htsat": "seac.encoders.audio.clap:Clap",
    },
    "text": {
        "minilm": "seac.encoders.text.minilm:MiniLM",
        **dict.fromkeys(CLIPS, "seac.encoders.text.clip:ClipText"),
        **dict.fromkeys(PE_CORES, "seac.encoders.text.clip:ClipText"),
        "siglip2-base": "seac.encoders.text.siglip:SiglipText",
    },
    "association_method": {
        "zero-shot": "seac.associate.zero_shot:ZeroShot",
        "association-paper": "seac.associate.trained:Trained",
    },
    "sounding_head": {
        "objectness": "seac.decision.base:ObjectnessSum",
        "learned": "seac.decision.sounding_head:LearnedSoundingHead",
        "learned-players": "seac.decision.players:PlayerHead",
        "trained": "seac.decision.trained_head:TrainedSoundingHead",
    },
    "classifier": {
        "zero-shot": "seac.classify.base:ZeroShotClassifier",
        "class-heads": "seac.classify.experts:ExpertsClassifier",
    },
}
"""Kind to its rows; a kind is also the keyword of :func:`seac.load` that replaces the part."""

SHARED: dict[str, str] = {
    "zero_shot": "seac.associate.zero_shot:zero_shot_of",
    "class_heads": "seac.classify.experts:class_heads_of",
}
"""Objects that several parts share, by the function that builds them from a context; see ``context.part``."""

PRESETS: dict[str, Preset] = {
    "tiny": Preset(
        segmenter="tiny",
        vision="efficientnet-lite2",
        audio="audio-student",
        text="minilm",
        association_method="zero-shot",
        classifier="class-heads",
        sounding_head="learned",
        needs="nothing beyond pip install: CPU, offline",
        settings={
            "top_n": 20,
            "exact": False,
            "objectness": 0.5,
            "softmax_temperature": 0.1,
            "sigma": 0.5,
            "workers": 0,
            "views": ViewSettings(fast_crops=12, crop_size=192),
        },
    ),
    "small": Preset(
        detector="rf-detr-proposals",
        segmenter="edgetam",
        vision="pe-core-s",
        audio="efficientat-mn10",
        text="pe-core-s",
        association_method="zero-shot",
        needs="weights from their public homes (600 MB); CPU",
        settings={"top_n": 20, "exact": False, "views": ViewSettings(fast_crops=6)},
    ),
    "paper": Preset(
        detector="mdef-detr",
        segmenter="sam-vit-h",
        vision="clip-rn50",
        audio="vggish",
        text="clip-rn50",
        association_method="association-paper",
        trained_head=False,
        needs="weights from their public homes and an association of your own training; GPU advised",
        settings={"top_n": 50},
    ),
    "paper-fast": Preset(
        detector="mdef-detr",
        segmenter="sam-vit-h-fast",
        vision="clip-rn50",
        audio="vggish",
        text="clip-rn50",
        association_method="association-paper",
        trained_head=False,
        needs="as paper; several times faster, other masks and embeddings (docs/presets.md)",
        settings={"top_n": 50, "exact": False},
    ),
    "modern": Preset(
        detector="owlv2",
        segmenter="sam2.1-hiera-l",
        vision="siglip2-base",
        audio="clap-htsat",
        text="siglip2-base",
        association_method="zero-shot",
        needs="weights from their public homes; GPU advised",
        settings={"top_n": 50},
    ),
}


def choose(preset: str, **parts: str | None) -> Preset:
    """A preset with some parts replaced; None keeps the part of the preset.

    Raises:
        InputError: the preset or a part is unknown; the message names the nearest and all choices.
    """
    chosen = PRESETS.get(preset)
    if chosen is None:
        raise InputError(unknown("preset", preset, PRESETS))
    replacements = {kind: name for kind, name in parts.items() if name is not None}
    for kind, name in replacements.items():
        if kind not in PARTS:
            raise InputError(unknown("kind of part", kind, PARTS))
        registry.check_row(kind, name, PARTS[kind])
    return replace(chosen, **replacements)  # type: ignore[arg-type]


def part_class(kind: str, name: str) -> Any:
    """Import the class of a part.

    Raises:
        InputError: the row is unknown, or a class of another package cannot be imported.
    """
    return registry.locate(kind, name, PARTS[kind])


def checked_settings(known: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check that every name in ``given`` is a field of the dataclass ``known``.

    Raises:
        InputError: a name is not a field.
    """
    names = tuple(item.name for item in fields(known))
    for name in given:
        if name not in names:
            raise InputError(unknown("setting", name, names))
    return dict(given)


def list_presets(pattern: str = "*") -> list[str]:
    """Names of the presets that match a pattern, such as ``"paper*"``."""
    return [name for name in PRESETS if fnmatchcase(name, pattern)]


def list_parts(kind: str | None = None, pattern: str = "*") -> list[str]:
    """Rows of a table that match a pattern, including rows of installed packages; no class is imported.

    Args:
        kind: "segmenter", "detector", "vision", "audio", "text", "association_method", "classifier",
            "export", "format" or "benchmark"; every kind if None.
        pattern: with ``*``, ``?`` and ``[...]``, as in file names.

    Returns:
        the names; names of several kinds are written ``"kind.name"``.

    Raises:
        InputError: the kind is unknown.
    """
    from seac.datasets.table import READERS
    from seac.export.exporter import EXPORTERS
    from seac.export.writer import WRITERS

    tables = {**PARTS, "export": WRITERS, "format": EXPORTERS, "benchmark": READERS}
    if kind is None:
        names = [f"{each}.{name}" for each, own in tables.items() for name in registry.rows(each, own)]
    elif kind in tables:
        names = list(registry.rows(kind, tables[kind]))
    else:
        raise InputError(unknown("kind of part", kind, tables))
    return [name for name in names if fnmatchcase(name, pattern)]
