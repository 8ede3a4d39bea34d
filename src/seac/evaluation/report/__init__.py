"""The report of an evaluation: report.html, report.md, scores.json, per_clip.csv, plots and a gallery."""

from __future__ import annotations

import csv
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from seac.datasets.clip import Clip, Reader
from seac.evaluation.answer import ClipAnswer
from seac.evaluation.report.gallery import write_gallery
from seac.evaluation.report.page import write_html, write_markdown
from seac.evaluation.report.per_clip import HEAD, NAME, TAIL, write_per_clip
from seac.evaluation.report.plots import write_plots
from seac.evaluation.scores_file import NAME as SCORES
from seac.evaluation.scores_file import write_scores
from seac.evaluation.summary import Evaluation
from seac.export.folder import atomic_folder

__all__ = ["FILES", "find_legacy_files", "write_report"]

FILES = (
    NAME,
    SCORES,
    "plots/*.png",
    "gallery/best-*.jpg",
    "gallery/best-*.wav",
    "gallery/worst-*.jpg",
    "gallery/worst-*.wav",
    "report.md",
    "report.html",
)
"""Files and folders of a report, for :func:`seac.core.ownership.check_names`."""


def find_legacy_files(folder: Path) -> Callable[[str], bool]:
    """Files of a report in a folder without an ownership record: those beside a ``per_clip.csv`` of seac."""
    try:
        with (folder / NAME).open(encoding="utf-8", newline="") as file:
            head = next(csv.reader(file), [])
    except (OSError, ValueError, csv.Error):
        head = []
    if head[:3] != HEAD or head[-3:] != TAIL:
        return lambda name: False
    return lambda name: any(fnmatchcase(name, pattern) for pattern in FILES)


def write_report(
    evaluation: Evaluation,
    reader: Reader,
    answer_of: Callable[[Clip], ClipAnswer],
    out: Path,
    protocol: str | None = None,
) -> None:
    """Write the report into ``out``, atomically.

    Args:
        evaluation: results.
        reader: reads the frames of the gallery.
        answer_of: predictions of the first row, shown in the gallery.
        out: folder.
        protocol: protocol to show; None for all.

    Raises:
        InputError: the folder cannot be written, or holds other files of these names.
    """
    with atomic_folder(out, FILES, legacy=find_legacy_files) as temporary:
        write_per_clip(evaluation, temporary / NAME)
        write_scores(evaluation, temporary / SCORES)
        plots = write_plots(evaluation, temporary / "plots")
        gallery = write_gallery(evaluation, reader, answer_of, temporary / "gallery")
        write_markdown(evaluation, plots, gallery, protocol, temporary / "report.md")
        write_html(evaluation, plots, gallery, protocol, temporary / "report.html")
