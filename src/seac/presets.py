"""The tables: which parts there are, and which of them make up a preset.

A part is named by the module and function that builds it. A builder takes keyword arguments ``device`` and
``options`` it knows, and is imported only when it is asked for. A new part is one row here and one file.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from typing import Any

from seac.errors import InputError


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
        settings: constants that differ from :class:`seac.pipeline.Settings`.
    """

    segmenter: str
    vision: str
    audio: str
    text: str
    associate: str
    needs: str
    settings: Mapping[str, Any] = field(default_factory=dict)


PARTS: dict[str, dict[str, str]] = {
    "segmenter": {
        "tiny": "seac.builders:tiny_segmenter",
        "classic": "seac.builders:classic_segmenter",
    },
    "vision": {"efficientnet-lite2": "seac.builders:efficientnet_lite2"},
    "audio": {"hearing": "seac.builders:hearing"},
    "text": {"minilm": "seac.builders:minilm"},
    "associate": {"zero-shot": "seac.builders:zero_shot", "trained": "seac.builders:trained"},
}

PRESETS: dict[str, Preset] = {
    "tiny": Preset(
        segmenter="tiny",
        vision="efficientnet-lite2",
        audio="hearing",
        text="minilm",
        associate="zero-shot",
        needs="nothing beyond pip install: CPU, offline",
        settings={"top_n": 20, "exact": False, "objectness": 1.0},
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
    swaps = {stage: name for stage, name in parts.items() if name is not None}
    for stage, name in swaps.items():
        if stage not in PARTS:
            raise InputError(unknown("stage", stage, tuple(PARTS)))
        if name not in PARTS[stage]:
            raise InputError(unknown(stage, name, tuple(PARTS[stage])))
    return replace(chosen, **swaps)  # type: ignore[arg-type]


def builder(stage: str, name: str) -> Callable[..., Any]:
    """The function that builds a part."""
    module, function = PARTS[stage][name].split(":")
    built: Callable[..., Any] = getattr(import_module(module), function)
    return built


def unknown(kind: str, given: str, known: tuple[str, ...]) -> str:
    """One line for a name that is in no table."""
    near = difflib.get_close_matches(given, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {given!r}: {hint}choose from {', '.join(known)}"


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
