"""The result of an evaluation: scoring builds it, every report is written from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ERROR_TYPES = ("right", "no proposal", "lost", "wrong name", "wrong confidence")
"""Error types of a clip: none; no proposal covers the object; a proposal covers it but another mask is
active; the right mask under a wrong name; active or inactive against the truth (the decision)."""


@dataclass(frozen=True)
class ClipScore:
    """One clip under one method.

    Attributes:
        id: of the clip.
        category: its class, or None.
        scores: metrics by name, in [0, 1]: ``iou``, ``fscore``, ``ciou``, ``oracle`` (best mask),
            ``confidence`` (a raw cosine).
        attribution: one of :data:`ERROR_TYPES`, or None where masks are unknown (predictions from a folder).
        frame: the file of the clip's middle frame, relative to the benchmark's folder.
        audio: the file of its audio, relative to the benchmark's folder.
    """

    id: str
    category: str | None
    scores: Mapping[str, float]
    attribution: str | None
    frame: str
    audio: str


@dataclass(frozen=True)
class Curve:
    """A curve for a plot; ``x`` and ``y`` of equal length."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    x_label: str
    y_label: str


@dataclass(frozen=True)
class MethodResult:
    """One row of the table: a model, a folder of predictions or a baseline.

    Attributes:
        name: "tiny", "whole image", ...
        protocols: metrics by protocol and name: ``{"official": {"miou": .5, "fscore": .6}, "dataset": ...}``.
        per_class: metrics by class and name, in the benchmark's corrected protocol.
        curves: by name ("precision-recall", "ciou").
        clips: every clip's own score.
    """

    name: str
    protocols: Mapping[str, Mapping[str, float]]
    per_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    clips: tuple[ClipScore, ...] = ()

    def attribution(self) -> dict[str, int]:
        """Clips by error type, in the order of :data:`ERROR_TYPES`; empty where none is known."""
        known = [clip.attribution for clip in self.clips if clip.attribution is not None]
        return {name: known.count(name) for name in ERROR_TYPES} if known else {}


@dataclass(frozen=True)
class Leakage:
    """Overlap of the evaluated clips with a training list.

    Attributes:
        listed: ids in the list.
        by_clip: clips whose id is in it.
        by_video: clips whose video is in it (those of ``by_clip`` among them).
        dropped: clips left out of the evaluation.
    """

    listed: int
    by_clip: tuple[str, ...]
    by_video: tuple[str, ...]
    dropped: int


@dataclass(frozen=True)
class Evaluation:
    """A benchmark under one or more methods, the one in question first.

    Attributes:
        benchmark: name of the command line (``s4``).
        n: clips scored.
        frames: frames scored.
        methods: rows, the method in question first.
        settings: everything that decides the metrics, as plain values; with machine and versions.
        note: what the protocols of this benchmark mean, in a few sentences.
        missing: ids of clips without prediction (allowed by ``--allow-missing``).
        leakage: overlap with a training list, if one is known.
        seconds: wall time by step: ``{"scoring": .., "predicting": ..}``.
    """

    benchmark: str
    n: int
    frames: int
    methods: tuple[MethodResult, ...]
    settings: Mapping[str, Any]
    note: str = ""
    missing: tuple[str, ...] = ()
    leakage: Leakage | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
