"""What clips that were lost have in common, in figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.gallery.clips import ShownClip
from benchmarks.gallery.regions import FOUND

COMMON = 5
"""Words heard first that have a row of their own."""
OTHER = "other words"


@dataclass(frozen=True)
class ClipGroup:
    """One line of a table: how many clips, means of their figures, and the share that is lit rightly."""

    name: str
    clips: int
    heatmap_iou: float
    picked: float
    oracle: float
    right: float


@dataclass(frozen=True)
class ClipPattern:
    """A grouping with its lines."""

    name: str
    groups: tuple[ClipGroup, ...]


def outcome(clip: ShownClip) -> str:
    """Where a clip was lost, by its masks and its heat alone."""
    if clip.heatmap_iou >= FOUND:
        return "lit rightly"
    if clip.oracle < FOUND:
        return "no masks fit"
    if clip.picked >= FOUND:
        return "the right mask picked, the heat elsewhere too"
    return "another mask picked"


def clip_patterns(clips: Sequence[ShownClip]) -> list[ClipPattern]:
    """By outcome, by benchmark, and by the word heard first; the largest group of each first."""
    firsts = [clip.first_word for clip in clips]
    common = sorted(set(firsts), key=lambda word: (-firsts.count(word), word))[:COMMON]
    keys: dict[str, Callable[[ShownClip], str]] = {
        "outcome": outcome,
        "benchmark": lambda clip: clip.benchmark,
        "the word heard first": lambda clip: clip.first_word if clip.first_word in common else OTHER,
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
