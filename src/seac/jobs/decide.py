"""Implementation of ``seac decide`` and ``seac export``: outputs of a result folder, without its networks."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rich.console import Console

from seac.core.errors import InputError
from seac.core.ownership import read_record
from seac.core.text import printable
from seac.export.folder import atomic_folder
from seac.export.legacy import find_legacy_files
from seac.export.table import ExporterClass, exporter_classes, files_of, list_formats
from seac.jobs.outputs import locate_source, write_exports
from seac.jobs.progress import frame_progress, print_line
from seac.jobs.words import text_encoder, with_words
from seac.presets.load import vocabulary_from
from seac.results.decide import decide
from seac.results.decision_file import NAME, DecisionRecord, read_decision
from seac.results.reader import VideoResult, open_result
from seac.results.values import DecidedVideo


@dataclass(frozen=True)
class DecideJob:
    """Options of ``seac decide``.

    Attributes:
        folder: the result folder.
        decision: the options, as they are stored for later exports; without the vocabulary.
        vocabulary: names, a string or a file; that of the result if None.
        exports: names of exports, added to those that the folder has.
        source: present place of the video.
        weights_dir: folder of local weights, for the text encoder.
    """

    folder: Path
    decision: DecisionRecord = field(default_factory=DecisionRecord)
    vocabulary: str | Path | tuple[str, ...] | None = None
    exports: tuple[str, ...] = ()
    source: Path | None = None
    weights_dir: Path | None = None


@dataclass(frozen=True)
class ExportJob:
    """Options of ``seac export``.

    Attributes:
        folder: the result folder.
        formats: names of exports.
        out: where they are written; the result folder if None.
        source: present place of the video.
        weights_dir: folder of local weights, for the text encoder.
    """

    folder: Path
    formats: tuple[str, ...]
    out: Path | None = None
    source: Path | None = None
    weights_dir: Path | None = None


def decide_folder(job: DecideJob, *, as_json: bool = False) -> DecidedVideo:
    """Decide again, and write the exports of a result folder anew.

    Raises:
        InputError: no result, an unknown track or export, a missing source, or files of others in the way.
    """
    began = time.perf_counter()
    result = open_result(job.folder)
    classes = exporter_classes({**dict.fromkeys(present_exports(job.folder)), **dict.fromkeys(job.exports)})
    if not classes:
        raise InputError(f"{job.folder}: has no output to write anew; name some with --export overlay,csv")
    names = None if job.vocabulary is None else vocabulary_from(job.vocabulary).names
    record = job.decision.model_copy(update={"vocabulary": names})
    video = _write(result, record, classes, job.folder, job.source, job.weights_dir)
    _report(video, job.folder, tuple(classes), time.perf_counter() - began, as_json=as_json)
    return video


def export_folder(job: ExportJob, *, as_json: bool = False) -> DecidedVideo:
    """Write exports of the last decision of a result folder.

    Raises:
        InputError: as :func:`decide_folder`.
    """
    began = time.perf_counter()
    classes = exporter_classes(job.formats)
    result = open_result(job.folder)
    out = job.out or job.folder
    video = _write(result, read_decision(job.folder), classes, out, job.source, job.weights_dir)
    _report(video, out, tuple(classes), time.perf_counter() - began, as_json=as_json)
    return video


def present_exports(folder: Path) -> list[str]:
    """Names of the exporters whose files seac wrote into a folder.

    Raises:
        InputError: the record of the folder is damaged.
    """
    written = read_record(folder).files
    found = []
    for name in list_formats():
        patterns = files_of(name)
        if any(fnmatchcase(file, pattern) for file in written for pattern in patterns):
            found.append(name)
    return found


def store_decision(result: VideoResult, record: DecisionRecord) -> None:
    """Write the options of a decision into its result folder, and nothing else.

    Raises:
        InputError: the folder cannot be written, or holds another file of this name.
    """
    inputs = _inputs(result)
    with atomic_folder(result.folder, [NAME], inputs, find_legacy_files, adds=True) as temporary:
        record.write(temporary)


def _inputs(result: VideoResult) -> list[Path]:
    return [Path(path) for path in (result.info.source, result.info.audio) if path is not None]


def _write(
    result: VideoResult,
    record: DecisionRecord,
    classes: dict[str, ExporterClass],
    out: Path,
    source: Path | None,
    weights_dir: Path | None,
) -> DecidedVideo:
    """Decide and write exports; into the result folder itself also the decision."""
    result = locate_source(result, source, classes)
    options = with_words(result, record, lambda: text_encoder(result, weights_dir))
    video = decide(result, options)
    inside = out.resolve() == result.folder.resolve()
    files = [file for each in classes.values() for file in getattr(each, "files", ())]
    names = [*files, NAME] if inside else files
    with (
        frame_progress(Console(stderr=True)) as progress,
        atomic_folder(out, names, _inputs(result), find_legacy_files, adds=inside) as temporary,
    ):
        if inside:
            record.write(temporary)
        task = progress.add_task(
            printable(Path(result.info.source).name), total=result.info.frames or None, rate=""
        )
        write_exports(result, video, classes, temporary, lambda frames: progress.update(task, advance=frames))
    return video


def _report(video: DecidedVideo, out: Path, names: tuple[str, ...], seconds: float, *, as_json: bool) -> None:
    shown = ", ".join(f"{track.name} ({track.id})" for track in video.tracks[:8]) or "nothing"
    more = f" and {len(video.tracks) - 8} more" if len(video.tracks) > 8 else ""
    print_line(
        Console(stderr=True),
        f"{out}: sounding: {shown}{more}; {', '.join(names)} in {seconds:.1f} s",
    )
    if as_json:
        sys.stdout.write(json.dumps(summary(video, out, names, seconds)) + "\n")


def summary(video: DecidedVideo, out: Path, names: Sequence[str], seconds: float) -> dict[str, Any]:
    """The decision as JSON values.

    Args:
        video: the decision.
        out: folder of the exports.
        names: names of the exports.
        seconds: time that all took.
    """
    tracks = [
        {
            "id": track.id,
            "name": track.name,
            "spans": [[round(span.start, 3), round(span.stop, 3)] for span in track.spans],
        }
        for track in video.tracks
    ]
    return {"out": str(out), "exports": list(names), "seconds": round(seconds, 3), "tracks": tracks}
