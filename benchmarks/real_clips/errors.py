"""Error attribution: what went wrong first in a frame, and which frames are worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from benchmarks.real_clips.clips import FrameRecord
from benchmarks.real_clips.scores import FITS
from benchmarks.tables import table

FLOOD = 4
"""More sounding masks than this are too many."""
RIGHT, FALSE_ALARM = "right", "false alarm"
CAUSES: Mapping[str, Callable[[FrameRecord], bool]] = {
    "no proposal": lambda r: r.blind.fit < FITS and r.own.iou_boxes < FITS,
    "not active": lambda r: r.own.active == 0,
    "distractor": lambda r: r.own.peak_distractor,
    "wrong rank": lambda r: r.blind.fit >= FITS and r.own.iou_boxes < FITS and not r.own.fitting_active,
    "flooding": lambda r: r.own.active > FLOOD,
    "wrong place": lambda r: not r.own.peak,
    "wrong extent": lambda r: r.own.iou_boxes < FITS,
    "wrong name": lambda r: not r.own.named,
}
"""Errors of a frame in which something sounds; the first that holds counts. No mask fits; no mask sounds; the
peak is on a distractor; other masks sound than those that fit; too many sound; the peak is elsewhere; the
sounding masks are too large, too small or some of several; the name."""
ERRORS = (FALSE_ALARM, *CAUSES)


def attribute(record: FrameRecord) -> str:
    """What went wrong first in a frame, of :data:`ERRORS`, or "right"."""
    if record.flags:
        return FALSE_ALARM if record.own.active else RIGHT
    return next((cause for cause, holds in CAUSES.items() if holds(record)), RIGHT)


def badness(record: FrameRecord) -> float:
    """How wrong a frame is: false alarms first, then missed peaks, regions and names."""
    own = record.own
    if record.flags:
        return 4.0 if own.active else 0.0
    return 2.0 * (not own.peak) + 0.5 * own.peak_distractor + (1 - own.iou_boxes) + 0.5 * (not own.named)


def worst_frames(records: Sequence[FrameRecord], count: int) -> dict[str, list[int]]:
    """Rows of the ``count`` worst frames by error, most frequent error first, worst frame first."""
    wrong = [row for row, record in enumerate(records) if attribute(record) != RIGHT]
    found: dict[str, list[int]] = {}
    for row in sorted(wrong, key=lambda row: -badness(records[row]))[:count]:
        found.setdefault(attribute(records[row]), []).append(row)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def report_errors(records: Sequence[FrameRecord], worst: int) -> list[str]:
    """Lines of Markdown: frames by error, among the worst, and by kind."""
    causes = Counter(attribute(record) for record in records)
    among = {cause: len(rows) for cause, rows in worst_frames(records, worst).items()}
    rows = [[cause, causes[cause], among.get(cause, 0)] for cause in (RIGHT, *ERRORS) if causes[cause]]
    shown = [cause for cause in (RIGHT, *ERRORS) if causes[cause]]
    by_kind = [
        [kind, *(sum(attribute(r) == cause for r in records if r.kind == kind) for cause in shown)]
        for kind in sorted({record.kind for record in records})
    ]
    return [
        *table(["error", "frames", f"of the worst {worst}"], rows),
        "",
        *table(["kind", *shown], by_kind),
    ]
