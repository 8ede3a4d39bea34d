"""What sounds in the frames of real clips: the hand-made annotation ``benchmarks/data/real_clips.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ANNOTATION = Path(__file__).resolve().parents[1] / "data" / "real_clips.json"
Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 as shares of the width and height of the frame."""
FLAGS = ("silent", "quiet", "off_screen")
"""Why nothing in a frame sounds: no audio; background noise only; a source that is not in the image."""
PARENTS: Mapping[str, frozenset[str]] = {
    "animals": frozenset({"animal"}),
    "babies": frozenset({"person", "human"}),
    "explosions": frozenset(),
    "human sounds": frozenset({"person", "human"}),
    "instruments": frozenset({"instrument", "musical instrument"}),
    "machines": frozenset({"machine"}),
    "percussion": frozenset({"instrument", "musical instrument"}),
    "things": frozenset({"thing", "object"}),
    "tools": frozenset({"tool"}),
    "vehicles": frozenset({"vehicle"}),
    "voices": frozenset({"person", "human"}),
    "water": frozenset({"water"}),
    "weather": frozenset(),
}
"""Kinds of clips, each with the general names that are half right."""


@dataclass(frozen=True)
class Thing:
    """One sounding thing of a frame.

    Attributes:
        names: accepted class names, lower case.
        box: the smallest box that is right by itself: a face, an instrument.
        larger: a larger box that is right as well, a whole person or a player with the instrument; or None.
        optional: whether it may sound, but need not be found.
    """

    names: tuple[str, ...]
    box: Box
    larger: Box | None
    optional: bool

    @property
    def outer(self) -> Box:
        """The larger box, or the only one."""
        return self.larger or self.box


@dataclass(frozen=True)
class AnnotatedFrame:
    """One frame of a clip.

    Attributes:
        time: seconds.
        sounding: what sounds; empty if the frame has a flag.
        distractors: boxes of salient things that do not sound.
        flags: of :data:`FLAGS`.
    """

    time: float
    sounding: tuple[Thing, ...]
    distractors: tuple[Box, ...]
    flags: tuple[str, ...]

    @property
    def required(self) -> tuple[Thing, ...]:
        """What has to be found."""
        return tuple(thing for thing in self.sounding if not thing.optional)


@dataclass(frozen=True)
class AnnotatedClip:
    """One clip; ``sha256`` is that of the file, ``kind`` a key of :data:`PARENTS`."""

    file: str
    sha256: str
    kind: str
    frames: tuple[AnnotatedFrame, ...]


def load_annotation(path: Path = ANNOTATION) -> tuple[AnnotatedClip, ...]:
    """Read and check an annotation.

    Raises:
        ValueError: an unknown kind or flag, a box outside the frame, a smallest box outside its larger one,
            or a frame that neither has a flag nor a required thing.
    """
    clips = json.loads(path.read_text(encoding="utf-8"))["clips"]
    return tuple(_clip(clip) for clip in clips)


def _clip(clip: Mapping[str, Any]) -> AnnotatedClip:
    if clip["kind"] not in PARENTS:
        raise ValueError(f"{clip['file']} is of kind {clip['kind']!r}: give one of {', '.join(PARENTS)}")
    frames = tuple(_frame(frame, clip["file"]) for frame in clip["frames"])
    return AnnotatedClip(clip["file"], clip["sha256"], clip["kind"], frames)


def _frame(frame: Mapping[str, Any], file: str) -> AnnotatedFrame:
    where = f"{file} at {frame['time']} s"
    things = tuple(_thing(thing, where) for thing in frame["sounding"])
    found = AnnotatedFrame(
        float(frame["time"]),
        things,
        tuple(_box(box, where) for box in frame["distractors"]),
        tuple(frame["flags"]),
    )
    if set(found.flags) - set(FLAGS):
        raise ValueError(f"{where} has flags {', '.join(found.flags)}: give some of {', '.join(FLAGS)}")
    if bool(found.flags) == bool(found.required) or (found.flags and things):
        raise ValueError(f"{where}: give either a flag or a required sounding thing")
    return found


def _thing(thing: Mapping[str, Any], where: str) -> Thing:
    box, larger = _box(thing["box"], where), thing["larger"]
    outer = None if larger is None else _box(larger, where)
    names = tuple(thing["names"])
    if not names or any(name != name.lower() for name in names):
        raise ValueError(f"{where} has names {names}: give at least one, in lower case")
    if outer is not None and not contains(outer, box):
        raise ValueError(f"{where}: the larger box {outer} does not contain {box}")
    return Thing(names, box, outer, bool(thing["optional"]))


def _box(box: Sequence[float], where: str) -> Box:
    x1, y1, x2, y2 = map(float, box)
    if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
        raise ValueError(f"{where} has box {tuple(box)}: give x1 < x2 and y1 < y2 in [0, 1]")
    return x1, y1, x2, y2


def contains(outer: Box, inner: Box) -> bool:
    """Whether a box contains another, up to a fiftieth of the frame."""
    slack = 0.02
    lower = all(large <= small + slack for large, small in zip(outer[:2], inner[:2], strict=True))
    return lower and all(large >= small - slack for large, small in zip(outer[2:], inner[2:], strict=True))
