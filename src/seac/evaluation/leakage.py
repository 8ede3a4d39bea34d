"""Which clips of a benchmark are in a list of training clips, by clip and by source video."""

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
"""Header names of the column that holds ids, best first."""

SPLITS = frozenset({"train", "val", "valid", "validation", "test"})


@dataclass(frozen=True)
class IdList:
    """Ids of a list: ``clips`` as written (``<YouTube id>_<start:06d>``), and the ``videos`` they are of."""

    clips: frozenset[str]
    videos: frozenset[str]


def read_ids(path: Path, split: str | None = None) -> IdList:
    """Ids from a text or csv file.

    A line is an id of a clip or a video; or a row of VGGSound's csv (YouTube id, start in seconds, label,
    split); or a row whose first field is an id; or, below a header with one of :data:`NAMES`, a row with an
    id in that column. Lines that begin with # are comments.

    Args:
        path: the file; BOM, Windows line ends and blank lines do not matter.
        split: where rows name a split, only those of this one count ("train" for a training list).

    Raises:
        InputError: missing, not text, or without any id.
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
    """Clips that a list holds too; nothing is dropped.

    A pair of a frame and a sound (``<video>+<audio>``) overlaps if either does. The variants of a clip in a
    robustness test are that clip, and count once.

    Returns:
        ids in the order of ``clips``; those found by clip are among those found by video.
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
    """The clips whose id is not among ``ids``, in order; a variant goes with the clip it was made of."""
    gone = frozenset(ids)
    return tuple(clip for clip in clips if base_of(clip) not in gone)


def unnamed(clips: Sequence[Clip], listed: IdList) -> tuple[Clip, ...]:
    """The clips that a list does not name, in order: a clip by its id, every clip of a video by the video's.

    A list that names one clip of a video leaves its other clips in. A pair goes with either half.
    """
    return tuple(clip for clip in clips if listed.clips.isdisjoint(_parts(clip) | _videos(clip)))


def _parts(clip: Clip) -> set[str]:
    """The clip's id, and those of the two clips that it is a pair of, if it is one."""
    base = base_of(clip)
    return {base, *base.split("+")}


def _videos(clip: Clip) -> set[str]:
    return {clip.video_id, *map(parse_video_id, _parts(clip))}


def _is_timed(fields: list[str]) -> bool:
    """Whether fields begin with a bare YouTube id and a start in seconds, as in VGGSound's csv."""
    return len(fields) > 1 and is_youtube_id(fields[0]) and fields[1].isdecimal() and len(fields[1]) <= 6


def _header(fields: list[str]) -> tuple[int, int | None] | None:
    """(column of ids, column of splits or None) where a row names columns; None where it is not a header."""
    names = [field.lower() for field in fields]
    named = next((names.index(name) for name in NAMES if name in names), None)
    if named is None:
        return None
    return named, names.index("split") if "split" in names else None
