"""Implementation of ``seac segment``: results of clips, one folder each.

Networks run in the first pass, which writes what they found into the result folder. The second pass decides
and writes the exports, as ``seac decide`` does again later.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import TaskID

from seac.core.errors import InputError
from seac.core.ownership import RECORD as OWN_FILES
from seac.core.ownership import check_names
from seac.core.result import FrameResult
from seac.core.text import printable
from seac.export.folder import atomic_folder, remove_stale_folders
from seac.export.legacy import find_legacy_files
from seac.export.resume import file_state, is_finished
from seac.export.table import DEFAULT_EXPORTS, ExporterClass, WriterClass, files_of, split_exports
from seac.export.writer import Clip
from seac.jobs.download import download_bar
from seac.jobs.model import model_record
from seac.jobs.outputs import locate_source, write_exports
from seac.jobs.progress import FrameProgress, frame_progress, print_line
from seac.jobs.words import with_words
from seac.media.damage import Damage
from seac.media.extent import read_extent
from seac.media.sources import Source, check_decodable, read_folder, resolve_source, stream_address
from seac.pipeline import SeAC
from seac.presets.load import load
from seac.presets.spec import ModelSpec
from seac.results.decide import decide
from seac.results.decision_file import NAME as DECISION
from seac.results.decision_file import DecisionRecord
from seac.results.reader import open_result
from seac.results.schema import STORE_FILES
from seac.results.tracks import TrackCollector
from seac.results.values import STEP, VideoInfo
from seac.results.writer import ResultWriter
from seac.video.key_frames import Rate
from seac.video.predictor import KeyFrameResult, VideoPredictor

RECORDING = "source.mkv"
"""Copy of a stream, whose frames the exports need later."""
STREAM_NAME = "stream"
MAX_LEFT_OUT = 20
"""Most names of files of a folder that are printed."""


@dataclass(frozen=True)
class SegmentJob:
    """Options of ``seac segment``."""

    source: str
    out: Path
    model: ModelSpec = ModelSpec()
    audio: Path | None = None
    fps: Rate = "auto"
    exports: tuple[str, ...] = DEFAULT_EXPORTS
    again: bool = False
    find: str | None = None

    @property
    def live(self) -> bool:
        """Whether the source is a stream."""
        return bool(stream_address(self.source))

    @property
    def many(self) -> bool:
        """Whether the source is a folder of clips."""
        return not self.live and Path(self.source).is_dir()


@dataclass(frozen=True)
class Work:
    """What is written for every clip of a job.

    Attributes:
        job: the options.
        model: the networks.
        settings: all settings that determine results.
        writers: exports of the networks' results.
        exporters: exports of the decision, in the order in which they are closed.
        on_key_frame: is called with every key frame.
    """

    job: SegmentJob
    model: SeAC
    settings: dict[str, Any]
    writers: dict[str, WriterClass]
    exporters: dict[str, ExporterClass]
    on_key_frame: Callable[[KeyFrameResult], None] = lambda found: None

    @classmethod
    def of(cls, job: SegmentJob, model: SeAC) -> Work:
        """The work of a job with its model.

        Raises:
            InputError: an export is unknown.
        """
        writers, exporters = split_exports(job.exports)
        # Two runs with equal settings give equal results.
        settings = {**model_record(job.model, model), "fps": job.fps}
        return cls(job, model, settings, writers, exporters)


@dataclass
class Summary:
    """Summary of one clip.

    Attributes:
        source: the clip.
        out: its result folder.
        frames: number of key frames.
        frames_sounding: key frames in which something sounds.
        frames_silent: key frames in silence.
        seconds: time of both passes.
        labels: name -> number of key frames in which it sounds.
        notes: what the user should know.
    """

    source: str
    out: str
    frames: int = 0
    frames_sounding: int = 0
    frames_silent: int = 0
    seconds: float = 0.0
    labels: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def count(self, result: FrameResult) -> None:
        """Add a key frame."""
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
    split_exports(job.exports)
    tasks, left_out = _tasks(job)
    conflicts = _conflicts(job, tasks)
    work = Work.of(job, load(job.model, progress=download_bar))
    done, refused = [], []
    with frame_progress(console) as progress:
        for image, audio, out in tasks:
            try:
                _check_name(image)
                source, conflict = resolve_source(image, audio), conflicts.get(out)
                done.append(_segment(work, source, out, progress, conflict))
            except InputError as error:
                if len(tasks) == 1:
                    raise
                refused.append(str(error))
    for summary in done:
        _print_summary(console, summary)
    if left_out:
        shown = ", ".join(left_out[:MAX_LEFT_OUT])
        more = f", and {len(left_out) - MAX_LEFT_OUT} more" if len(left_out) > MAX_LEFT_OUT else ""
        print_line(console, f"left out of {job.source}: {shown}{more}")
    if as_json:
        clips = [asdict(summary) for summary in done]
        record = {"clips": clips, "refused": refused, "left_out": left_out, "settings": work.settings}
        sys.stdout.write(json.dumps(record) + "\n")
    if refused:
        raise InputError(f"{len(refused)} of {len(tasks)} clips could not be done: {'; '.join(refused)}")
    return done


def segment_clip(
    job: SegmentJob,
    model: SeAC,
    progress: FrameProgress,
    on_key_frame: Callable[[KeyFrameResult], None] = lambda found: None,
) -> Summary:
    """Segment one clip into ``out`` with a model that is loaded already.

    Args:
        job: its source is a file.
        model: the networks of ``job.model``.
        progress: is told of every frame; an exception from it ends the job, and leaves no file.
        on_key_frame: is called with every key frame.

    Raises:
        InputError: wrong input; the message is one line.
    """
    ((image, audio, out),), _ = _tasks(job)
    work = replace(Work.of(job, model), on_key_frame=on_key_frame)
    return _segment(work, resolve_source(image, audio), out, progress)


Task = tuple[str | Path, Path | None, Path]
"""(image, video or stream; audio; folder) of a clip."""


def _conflicts(job: SegmentJob, tasks: list[Task]) -> dict[Path, InputError]:
    """Refused folders, which have files that must not be replaced, with the message of each.

    Raises:
        InputError: all folders are refused.
    """
    found: dict[Path, InputError] = {}
    every = [None if job.live else Path(file) for image, audio, _ in tasks for file in (image, audio) if file]
    for image, audio, out in tasks:
        around = not job.live and Path(job.source).resolve().is_relative_to(out.resolve())
        own = [audio] if job.live else [Path(image), audio]
        try:
            check_names(out, _names(job), every if around else own, find_legacy_files)
        except InputError as error:
            found[out] = error
    # In a folder, finished clips are not written again.
    certain = [error for out, error in found.items() if job.again or not job.many or _fresh(out)]
    if certain and len(certain) == len(tasks):
        raise certain[0]
    return found


def _fresh(out: Path) -> bool:
    """Whether a folder cannot have a finished result."""
    return not (out / OWN_FILES).is_file()


def _names(job: SegmentJob) -> list[str]:
    """Names of the output files in the folder of a clip."""
    recording = [RECORDING] if job.live else []
    return [
        *STORE_FILES,
        DECISION,
        *recording,
        *(name for export in job.exports for name in files_of(export)),
    ]


def _check_name(path: str | Path) -> None:
    """Check that results can name a file: they are written in UTF-8.

    Raises:
        InputError: the name has bytes that are no text in this locale.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{path}: the name is no UTF-8 text in this locale; rename the file, or set PYTHONUTF8=1"
        ) from None


def _tasks(job: SegmentJob) -> tuple[list[Task], tuple[str, ...]]:
    """Every clip of a job, checked before any network is loaded, and what of a folder is left out.

    Raises:
        InputError: the only clip cannot be read, or a folder holds none.
    """
    if job.out.exists() and not job.out.is_dir():
        raise InputError(f"{job.out}: is a file; give a folder with -o")
    if not job.many:
        _check_name(job.source)
        check_decodable(resolve_source(job.source, job.audio))
        return [(job.source if job.live else Path(job.source), job.audio, job.out)], ()
    if job.audio is not None:
        raise InputError("--audio goes with one image or video, not with a folder")
    taken: set[str] = set()
    tasks: list[Task] = []
    content = read_folder(Path(job.source), besides=job.out)
    for item in content.sources:
        image, audio = item if isinstance(item, tuple) else (item, None)
        name = image.stem if image.stem not in taken else image.name
        taken.add(name)
        tasks.append((image, audio, job.out / name))
    return tasks, content.left_out


def _segment(
    work: Work, source: Source, out: Path, progress: FrameProgress, conflict: InputError | None = None
) -> Summary:
    job = work.job
    summary = Summary(source.live or str(source.image), str(out), notes=list(source.notes))
    provenance = None if source.live else _provenance(work, source)
    if job.many and not job.again and is_finished(out, provenance or {}):
        remove_stale_folders(out)
        summary.notes = ["finished before; --again repeats it"]
        return summary
    if conflict is not None:
        raise conflict
    began = time.perf_counter()
    name = STREAM_NAME if source.live else printable(source.image.name)
    task = progress.add_task(name, total=source.duration or None, rate="")
    inputs = () if source.live else (source.image, source.audio)
    recorded = provenance if job.many else None
    try:
        with atomic_folder(out, _names(job), inputs, find_legacy_files, recorded) as temporary:
            _find(work, source, temporary, out, summary, progress, task)
            _export(work, source, temporary, progress, task)
    finally:
        progress.remove_task(task)  # drawing one row for each of a thousand clips would use a whole core
    summary.seconds = round(time.perf_counter() - began, 3)
    return summary


def _provenance(work: Work, source: Source) -> dict[str, Any]:
    """Settings, input files and exports that determine the result of a clip."""
    return {
        "settings": work.settings,
        "exports": sorted(work.job.exports),
        "find": work.job.find,
        "source": file_state(source.image),
        "audio": file_state(source.audio) if source.audio else None,
    }


def _find(
    work: Work,
    source: Source,
    folder: Path,
    out: Path,
    summary: Summary,
    progress: FrameProgress,
    task: TaskID,
) -> None:
    """First pass: run the networks, write the result and the exports of the networks' results."""
    model, fps = work.model, work.job.fps
    image = Path(STREAM_NAME) if source.live else source.image
    clip = Clip(image, source.audio, 0.0 if fps == "auto" else float(fps), work.settings)
    record = folder / RECORDING if source.live else None
    began, tracks, steps = time.perf_counter(), TrackCollector(), 0
    with ExitStack() as stack:
        writers = [build(folder, clip) for build in work.writers.values()]
        for each in writers:
            stack.callback(each.close)
        store: ResultWriter | None = None
        damage = Damage()
        for found in VideoPredictor(model).key_frames(source, fps, record=record, damage=damage):
            if store is None:
                store = stack.enter_context(_store(work, source, folder, found))
            store.add_key_frame(found.key_frame)
            store.add_steps(found.steps)
            tracks.add(found.key_frame, found.result.embeddings, found.class_scores)
            steps += len(found.steps)
            for each in writers:
                each.add(found.result)
            summary.count(found.result)
            work.on_key_frame(found)
            progress.update(task, completed=steps * STEP, rate=_rate(summary, found, began))
        if store is None:
            raise InputError(f"{summary.source}: no frame could be decoded; check that the file is complete")
        recorded = (record, out / RECORDING) if record is not None else None
        info = _info(source, store.info, steps * STEP, recorded)
        store.close(tracks.finish(info.duration), info)
        summary.notes += damage.notes(Path(summary.source).name)


def _rate(summary: Summary, found: KeyFrameResult, began: float) -> str:
    """What is shown beside the bar: the latency of a stream, the speed of a file."""
    if found.latency is not None:
        return f"latency {found.latency:.1f} s"
    return f"{summary.frames / max(time.perf_counter() - began, 1e-9):.1f} key frames/s"


def _store(work: Work, source: Source, folder: Path, first: KeyFrameResult) -> ResultWriter:
    """The writer of the result, from its first key frame."""
    model, calibration = work.model, work.model.stages.calibration
    height, width = first.result.image.shape[:2]
    info = VideoInfo(
        source=str(source.image.resolve()),
        audio=str(source.audio.resolve()) if source.audio is not None else None,
        still=source.still,
        size=(height, width),
        original_size=first.result.original_size,
        duration=source.duration,
        frame_rate=0.0,
        frames=1,
    )
    return ResultWriter(
        folder,
        info,
        first.result.labels,
        model.stages.audio.labels,
        threshold=calibration.threshold,
        margin=calibration.margin * calibration.slope,
        settings=work.settings,
        provenance={"weights": model.stages.versions(), "vocabulary": model.vocabulary.version},
    )


def _info(source: Source, info: VideoInfo, end: float, recorded: tuple[Path, Path] | None) -> VideoInfo:
    """The source after all of it was read.

    Args:
        source: the clip.
        info: what is known from its first key frame.
        end: seconds of the audio steps.
        recorded: where a stream was copied to, and where the copy will be.
    """
    if source.still:
        return replace(info, duration=source.duration or end)
    extent = read_extent(recorded[0] if recorded is not None else source.image)
    info = replace(info, duration=extent.duration or end, frame_rate=extent.frame_rate, frames=extent.frames)
    if recorded is not None:
        path = str(recorded[1].resolve())
        info = replace(info, source=path, audio=path)
    return info


def _export(work: Work, source: Source, folder: Path, progress: FrameProgress, task: TaskID) -> None:
    """Second pass: decide, and write the exports of the decision."""
    record = DecisionRecord(find=work.job.find)
    record.write(folder)
    if not work.exporters:
        return
    recording = folder / RECORDING
    found = open_result(folder)
    result = locate_source(found, recording if source.live else None, work.exporters)
    decided = decide(result, with_words(result, record, lambda: work.model.stages.text))
    progress.reset(task, total=result.info.frames or None, rate="overlay")
    write_exports(
        result, decided, work.exporters, folder, lambda frames: progress.update(task, advance=frames)
    )


def _print_summary(console: Console, summary: Summary) -> None:
    """Print one line per clip."""
    names = sorted(summary.labels.items(), key=lambda item: -item[1])[:5]
    what = ", ".join(f"{name} ({count})" for name, count in names) or "nothing"
    if summary.frames:
        print_line(
            console,
            f"{summary.source}: {summary.frames} frames in {summary.seconds:.1f} s "
            f"({summary.frames / max(summary.seconds, 1e-9):.1f}/s), {summary.frames_silent} silent; "
            f"sounding: {what} -> {summary.out}",
        )
    for note in summary.notes:
        print_line(console, f"{summary.source}: {note}")
