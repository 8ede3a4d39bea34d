"""Overlap of a benchmark with a list of training clips, by clip and by source video."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from seac.core.errors import InputError
from seac.datasets.clip import Clip
from seac.datasets.csv_file import read_rows
from seac.datasets.layout import is_youtube_id, parse_video_id
from seac.evaluation.robustness import base_of
from seac.evaluation.summary import Leakage

NAMES = ("uid", "id", "file", "name", "video_id", "vid", "video", "ytid", "youtube_id", "clip")
"""Header names of the column of ids, in order of preference."""

SPLITS = frozenset({"train", "val", "valid", "validation", "test"})


@dataclass(frozen=True)
class IdList:
    """Ids of a list: ``clips`` (``<YouTube id>_<start:06d>``) and their source ``videos``."""

    clips: frozenset[str]
    videos: frozenset[str]


def read_ids(path: Path, split: str | None = None) -> IdList:
    """Read ids from a text or csv file.

    A line has one of these forms: an id of a clip or a video; a row of VGGSound's csv (YouTube id, start in
    seconds, label, split); a row whose first field is an id; below a header with one of :data:`NAMES`, a row
    with an id in that column. Lines that begin with # are comments.

    Args:
        path: text file; BOM, Windows line ends and blank lines are accepted.
        split: rows that name another split are ignored ("train" for a training list).

    Raises:
        InputError: the file is missing, not text, or without ids.
    """
    column, split_column = 0, None
    ids = []
    rows = (fields for _, fields in read_rows(path) if not fields[0].startswith("#"))
    for number, fields in enumerate(rows):
        if number == 0 and (header := _header(fields)) is not None:
            column, split_column = header
            continue
        if column >= len(fields) or not fields[column]:
            continue
        of_split = fields[split_column] if split_column is not None and split_column < len(fields) else None
        timed = _is_timed(fields[column:])
        if of_split is None and len(fields) == 4 and timed and fields[3].lower() in SPLITS:
            of_split = fields[3]
        if split is not None and of_split is not None and of_split.lower() != split:
            continue
        ids.append(f"{fields[column]}_{int(fields[column + 1]):06d}" if timed else fields[column])
    if not ids:
        kept = f" of split {split!r}" if split else ""
        raise InputError(
            f"{path}: holds no ids{kept}; give one a line, as <YouTube id>_<start in six digits>"
        )
    return IdList(frozenset(ids), frozenset(map(parse_video_id, ids)))


def overlap(clips: Sequence[Clip], listed: IdList) -> Leakage:
    """Overlap of clips with a list; no clip is dropped.

    A pair of a frame and audio (``<video>+<audio>``) overlaps if either part does. The variants of a clip in
    a robustness test count as one clip.

    Returns:
        ids in the order of ``clips``; the ids found by clip are a subset of the ids found by video.
    """
    by_clip: dict[str, None] = {}
    by_video: dict[str, None] = {}
    for clip in clips:
        here = not _parts(clip).isdisjoint(listed.clips)
        if here:
            by_clip[base_of(clip)] = None
        if here or not _videos(clip).isdisjoint(listed.videos):
            by_video[base_of(clip)] = None
    return Leakage(len(listed.clips), tuple(by_clip), tuple(by_video), 0)


def without(clips: Sequence[Clip], ids: Collection[str]) -> tuple[Clip, ...]:
    """Clips whose id is not in ``ids``, in order; a variant has the id of its original clip."""
    gone = frozenset(ids)
    return tuple(clip for clip in clips if base_of(clip) not in gone)


def unnamed(clips: Sequence[Clip], listed: IdList) -> tuple[Clip, ...]:
    """Clips that are not in a list, in order. A clip id excludes the clip, a video id all clips of the video.

    A clip id does not exclude other clips of its video. A pair is excluded if either part is.
    """
    return tuple(clip for clip in clips if listed.clips.isdisjoint(_parts(clip) | _videos(clip)))


def _parts(clip: Clip) -> set[str]:
    """The clip's id and, for a pair, the ids of its two clips."""
    base = base_of(clip)
    return {base, *base.split("+")}


def _videos(clip: Clip) -> set[str]:
    return {clip.video_id, *map(parse_video_id, _parts(clip))}


def _is_timed(fields: list[str]) -> bool:
    """Whether fields begin with a YouTube id and a start in seconds, as in VGGSound's csv."""
    return len(fields) > 1 and is_youtube_id(fields[0]) and fields[1].isdecimal() and len(fields[1]) <= 6


def _header(fields: list[str]) -> tuple[int, int | None] | None:
    """(column of ids, column of splits or None) of a header row; None for other rows."""
    names = [field.lower() for field in fields]
    named = next((names.index(name) for name in NAMES if name in names), None)
    if named is None:
        return None
    return named, names.index("split") if "split" in names else None
