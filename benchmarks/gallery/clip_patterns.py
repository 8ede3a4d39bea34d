"""Metrics of clips, grouped by outcome, benchmark and audio class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.gallery.clips import ShownClip
from benchmarks.gallery.regions import FOUND

COMMON = 5
"""Number of top-1 audio classes with their own row."""
OTHER = "other classes"


@dataclass(frozen=True)
class ClipGroup:
    """One row of a table: number of clips, mean metrics, and the share with a correct heatmap."""

    name: str
    clips: int
    heatmap_iou: float
    picked: float
    oracle: float
    right: float


@dataclass(frozen=True)
class ClipPattern:
    """A grouping with its rows."""

    name: str
    groups: tuple[ClipGroup, ...]


def outcome(clip: ShownClip) -> str:
    """Outcome of a clip, from the IoU of its masks and its heatmap."""
    if clip.heatmap_iou >= FOUND:
        return "correct heatmap"
    if clip.oracle < FOUND:
        return "no matching masks"
    if clip.picked >= FOUND:
        return "correct mask selected, heatmap wrong"
    return "another mask selected"


def clip_patterns(clips: Sequence[ShownClip]) -> list[ClipPattern]:
    """Group clips by outcome, benchmark and top-1 audio class; the largest group is first."""
    firsts = [clip.top_class for clip in clips]
    common = sorted(set(firsts), key=lambda name: (-firsts.count(name), name))[:COMMON]
    keys: dict[str, Callable[[ShownClip], str]] = {
        "outcome": outcome,
        "benchmark": lambda clip: clip.benchmark,
        "top-1 audio class": lambda clip: clip.top_class if clip.top_class in common else OTHER,
    }
    return [ClipPattern(name, _groups(clips, key)) for name, key in keys.items()]


def _groups(clips: Sequence[ShownClip], key: Callable[[ShownClip], str]) -> tuple[ClipGroup, ...]:
    members: dict[str, list[ShownClip]] = {}
    for clip in clips:
        members.setdefault(key(clip), []).append(clip)
    rows = sorted(members.items(), key=lambda row: (-len(row[1]), row[0]))
    return tuple(_group(name, rows) for name, rows in rows)


def _group(name: str, clips: Sequence[ShownClip]) -> ClipGroup:
    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    return ClipGroup(
        name,
        len(clips),
        mean([clip.heatmap_iou for clip in clips]),
        mean([clip.picked for clip in clips]),
        mean([clip.oracle for clip in clips]),
        mean([float(clip.heatmap_iou >= FOUND) for clip in clips]),
    )
