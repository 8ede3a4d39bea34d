"""Implementation of ``seac segment``: results of clips, one folder each."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from seac.core.errors import InputError
from seac.core.ownership import RECORD as OWN_FILES
from seac.core.ownership import check_names
from seac.core.result import FrameResult
from seac.export.folder import atomic_folder
from seac.export.legacy import find_legacy_files
from seac.export.resume import file_state, is_finished
from seac.export.writer import Clip, Writer, files_of, writer_class
from seac.jobs.download import download_bar
from seac.jobs.model import model_record
from seac.media.sources import Source, list_sources, resolve_source
from seac.pipeline import SeAC
from seac.presets.load import load
from seac.presets.spec import ModelSpec
from seac.video.predictor import VideoPredictor


@dataclass(frozen=True)
class SegmentJob:
    """Options of ``seac segment``."""

    source: Path
    out: Path
    model: ModelSpec = ModelSpec()
    audio: Path | None = None
    fps: float = 1.0
    exports: tuple[str, ...] = ("overlay", "masks", "json", "timeline")
    again: bool = False


@dataclass
class Summary:
    """Summary of one clip."""

    source: str
    out: str
    frames: int = 0
    frames_sounding: int = 0
    frames_silent: int = 0
    seconds: float = 0.0
    labels: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def count(self, result: FrameResult) -> None:
        """Add a frame."""
        self.frames += 1
        self.frames_silent += result.audio_summary.silent
        rows = result.display_rows()
        self.frames_sounding += bool(rows)
        for name in sorted({result.names[row] for row in rows}):
            self.labels[name] = self.labels.get(name, 0) + 1
        for note in result.notes:
            if note.startswith("the image was scaled") and note not in self.notes:
                self.notes.append(note)


def segment_all(job: SegmentJob, *, as_json: bool = False) -> list[Summary]:
    """Segment a clip into ``out``, or each clip of a folder into ``out/NAME``.

    In a folder, clips that are unchanged and finished with the same settings are skipped, so an interrupted
    run can be resumed. A clip that cannot be read is reported at the end and does not stop the others. Only
    files written by seac are replaced: a folder with other files of the output names is refused. If all
    folders are refused, the error is raised before the networks are loaded.

    Raises:
        InputError: wrong input; the message is one line.
    """
    console = Console(stderr=True)
    writer_classes = [writer_class(name) for name in job.exports]
    if not writer_classes:
        raise InputError("--export names nothing: give overlay, masks, json or timeline")
    tasks = list(_tasks(job))
    conflicts = _conflicts(job, tasks)
    model = load(job.model, progress=download_bar)
    # Two runs with equal settings give equal results.
    settings = {**model_record(job.model, model), "fps": job.fps}
    done, refused = [], []
    with _progress(console) as progress:
        for image, audio, out in tasks:
            try:
                source, conflict = resolve_source(image, audio), conflicts.get(out)
                done.append(_segment(model, job, settings, source, out, writer_classes, progress, conflict))
            except InputError as error:
                if len(tasks) == 1:
                    raise
                refused.append(str(error))
    for summary in done:
        _print_summary(console, summary)
    if as_json:
        clips = [asdict(summary) for summary in done]
        sys.stdout.write(json.dumps({"clips": clips, "refused": refused, "settings": settings}) + "\n")
    if refused:
        raise InputError(f"{len(refused)} of {len(tasks)} clips could not be done: {'; '.join(refused)}")
    return done


def _conflicts(job: SegmentJob, tasks: list[tuple[Path, Path | None, Path]]) -> dict[Path, InputError]:
    """Refused folders, which have files that must not be replaced, with the message of each.

    Raises:
        InputError: all folders are refused.
    """
    found: dict[Path, InputError] = {}
    source = job.source.resolve()
    every = [file for image, audio, _ in tasks for file in (image, audio)]
    for image, audio, out in tasks:
        around = source.is_relative_to(out.resolve())
        try:
            check_names(out, _names(job), every if around else (image, audio), find_legacy_files)
        except InputError as error:
            found[out] = error
    # In a folder, finished clips are not written again.
    certain = [error for out, error in found.items() if job.again or not job.source.is_dir() or _fresh(out)]
    if certain and len(certain) == len(tasks):
        raise certain[0]
    return found


def _fresh(out: Path) -> bool:
    """Whether a folder cannot have a finished result."""
    return not (out / OWN_FILES).is_file()


def _names(job: SegmentJob) -> list[str]:
    """Names of the output files in the folder of a clip."""
    return [name for export in job.exports for name in files_of(export)]


def _tasks(job: SegmentJob) -> Iterator[tuple[Path, Path | None, Path]]:
    """(image or video, audio, folder) of every clip of a job, checked before any network is loaded."""
    if job.out.exists() and not job.out.is_dir():
        raise InputError(f"{job.out}: is a file; give a folder with -o")
    if not job.source.is_dir():
        resolve_source(job.source, job.audio)
        yield job.source, job.audio, job.out
        return
    if job.audio is not None:
        raise InputError("--audio goes with one image or video, not with a folder")
    taken: set[str] = set()
    for item in list_sources(job.source):
        image, audio = item if isinstance(item, tuple) else (item, None)
        name = image.stem if image.stem not in taken else image.name
        taken.add(name)
        yield image, audio, job.out / name


def _segment(
    model: SeAC,
    job: SegmentJob,
    settings: dict[str, Any],
    source: Source,
    out: Path,
    writer_classes: list[Any],
    progress: Progress,
    conflict: InputError | None = None,
) -> Summary:
    summary = Summary(str(source.image), str(out))
    clip = Clip(source.image, source.audio, job.fps, settings)
    provenance = _provenance(job, clip)
    many = job.source.is_dir()
    if many and not job.again and is_finished(out, provenance):
        summary.notes.append("finished before; --again repeats it")
        return summary
    if conflict is not None:
        raise conflict
    began = time.perf_counter()
    task = progress.add_task(source.image.name, total=_expected(source, job.fps), rate="")
    try:
        inputs = (source.image, source.audio)
        recorded = provenance if many else None
        with atomic_folder(out, _names(job), inputs, find_legacy_files, recorded) as temporary:
            _write(
                model,
                job,
                source,
                [build(temporary, clip) for build in writer_classes],
                summary,
                progress,
                task,
            )
    finally:
        progress.remove_task(task)  # drawing one row for each of a thousand clips would use a whole core
    summary.seconds = round(time.perf_counter() - began, 3)
    return summary


def _provenance(job: SegmentJob, clip: Clip) -> dict[str, Any]:
    """Settings, input files and exports that determine the result of a clip."""
    return {
        "settings": clip.settings,
        "exports": sorted(job.exports),
        "source": file_state(clip.source),
        "audio": file_state(clip.audio) if clip.audio else None,
    }


def _write(
    model: SeAC,
    job: SegmentJob,
    source: Source,
    writers: list[Writer],
    summary: Summary,
    progress: Progress,
    task: TaskID,
) -> None:
    began = time.perf_counter()
    with ExitStack() as stack:
        for each in writers:
            stack.callback(each.close)
        for result in VideoPredictor(model).stream(source, job.fps):
            for each in writers:
                each.add(result)
            summary.count(result)
            rate = summary.frames / (time.perf_counter() - began)
            progress.update(task, advance=1, rate=f"{rate:.1f} frames/s")


def _expected(source: Source, fps: float) -> float | None:
    return max(1.0, source.duration * fps) if source.duration else None


def _progress(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True)


def _print_summary(console: Console, summary: Summary) -> None:
    """Print one line per clip."""
    names = sorted(summary.labels.items(), key=lambda item: -item[1])[:5]
    what = ", ".join(f"{name} ({count})" for name, count in names) or "nothing"
    if summary.frames:
        console.print(
            f"{summary.source}: {summary.frames} frames in {summary.seconds:.1f} s "
            f"({summary.frames / max(summary.seconds, 1e-9):.1f}/s), {summary.frames_silent} silent; "
            f"sounding: {what} -> {summary.out}",
            highlight=False,
            soft_wrap=True,
        )
    for note in summary.notes:
        console.print(f"{summary.source}: {note}", highlight=False, soft_wrap=True)
