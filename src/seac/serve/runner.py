"""What a worker does: a job segments a video, an export writes a format of its result."""

from __future__ import annotations

import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.progress import TaskID

from seac.export.draw import draw_result
from seac.jobs.decide import ExportJob, export_folder
from seac.jobs.segment import SegmentJob, segment_clip
from seac.pipeline import SeAC
from seac.presets.load import load, vocabulary_from, with_threshold
from seac.presets.spec import ModelSpec
from seac.serve.choices import JobChoices
from seac.serve.files import EXPORTS, PREVIEW
from seac.serve.worker import Report
from seac.video.predictor import KeyFrameResult

PREVIEW_SIDE = 480
"""Long side of the preview in pixels."""
PREVIEW_SECONDS = 1.0
"""Least time between two previews."""
REPORT_SECONDS = 0.2
"""Least time between two reports."""


class ModelRunner:
    """Segments videos with networks that are loaded once.

    Args:
        model: the networks.
    """

    def __init__(self, model: ModelSpec) -> None:
        self._spec, self._model = model, load(model)

    def segment(self, source: Path, out: Path, settings: Mapping[str, Any], report: Report) -> None:
        """See :class:`seac.serve.worker.Runner`."""
        choices = JobChoices.model_validate(settings)
        spec = self._spec
        if choices.vocabulary is not None:
            spec = replace(spec, vocabulary=choices.vocabulary)
        if choices.threshold is not None:
            spec = replace(spec, threshold=choices.threshold)
        exports = choices.exports or ()
        job = SegmentJob(str(source), out, spec, fps=choices.fps, exports=exports, find=choices.find)
        progress = JobProgress(report, out / PREVIEW)
        segment_clip(job, self._chosen(choices), progress, progress.show)

    def _chosen(self, choices: JobChoices) -> SeAC:
        """The model with the vocabulary and threshold of a job; its networks are shared."""
        model = self._model
        stages, vocabulary = model.stages, model.vocabulary
        if choices.threshold is not None:
            stages = replace(stages, calibration=with_threshold(stages.calibration, choices.threshold))
        if choices.vocabulary is not None:
            vocabulary = vocabulary_from(choices.vocabulary)
        return SeAC(stages, vocabulary, model.settings)


@dataclass
class JobProgress:
    """Reports of a job, not more than one in :data:`REPORT_SECONDS`; a preview of its latest key frame.

    Attributes:
        report: takes the progress.
        preview: file of the preview.
        now: clock in seconds.
    """

    report: Report
    preview: Path
    now: Callable[[], float] = time.monotonic
    _values: dict[str, Any] = field(default_factory=dict)
    _frames: int = 0
    _began: float = 0.0
    _reported: float = -1e9
    _shown: float = -1e9

    def add_task(self, description: str, /, *, total: float | None, rate: str) -> TaskID:
        """See :class:`seac.jobs.progress.FrameProgress`."""
        self._begin("segment", total)
        return TaskID(0)

    def update(
        self, task: TaskID, /, *, completed: float | None = None, advance: float | None = None, rate: str = ""
    ) -> None:
        """See :class:`seac.jobs.progress.FrameProgress`."""
        if completed is not None:
            self._values["done"] = completed
        if advance is not None:
            self._frames += int(advance)
            self._values["done"] = self._frames
        if self.now() - self._reported >= REPORT_SECONDS:
            self._tell()

    def reset(self, task: TaskID, /, *, total: float | None, rate: str) -> None:
        """See :class:`seac.jobs.progress.FrameProgress`."""
        self._tell()
        self._begin("write", total)

    def remove_task(self, task: TaskID, /) -> None:
        """See :class:`seac.jobs.progress.FrameProgress`."""

    def show(self, found: KeyFrameResult) -> None:
        """Count a key frame, and write a preview of it."""
        self._frames += 1
        self._values["key_frames"] = self._frames
        if self.now() - self._shown >= PREVIEW_SECONDS:
            image = Image.fromarray(np.ascontiguousarray(draw_result(found.result)))
            image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
            temporary = self.preview.with_name(f".{self.preview.name}")
            image.save(temporary, "JPEG", quality=80)
            temporary.replace(self.preview)
            self._shown = self.now()
            self._tell()

    def _begin(self, stage: str, total: float | None) -> None:
        self._began, self._frames = self.now(), 0
        self._values |= {"stage": stage, "done": 0.0, "total": total or 0.0, "rate": 0.0}
        self._tell()

    def _tell(self) -> None:
        seconds = self.now() - self._began
        self._values["rate"] = round(self._frames / seconds, 3) if seconds > 0 else 0.0
        self._reported = self.now()
        self.report(self._values)


def write_export(folder: Path, source: Path, name: str, weights_dir: Path | None) -> str:
    """Write a format of a result; several files become one zip file.

    Args:
        folder: the result folder.
        source: its video.
        name: of the format.
        weights_dir: folder of local weights.

    Returns:
        path of the file in the result folder.

    Raises:
        InputError: the format cannot be written.
    """
    out = folder / EXPORTS / name
    shutil.rmtree(out, ignore_errors=True)
    export_folder(ExportJob(folder, (name,), out, source, weights_dir))
    files = [path for path in sorted(out.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    if len(files) == 1:
        return files[0].relative_to(folder).as_posix()
    packed = out / f"{name}.zip"
    temporary = out / f".{name}.zip"
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(out).as_posix())
    temporary.replace(packed)
    return packed.relative_to(folder).as_posix()
