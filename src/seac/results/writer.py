"""Writer of result folders, key frame by key frame; memory does not grow with the length of the video."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seac._version import __version__
from seac.core.atomic import write_atomic
from seac.results.schema import (
    FORMAT,
    KEY_FRAMES,
    MANIFEST,
    STEPS,
    STORE,
    TRACKS,
    VERSION,
    FileRecord,
    ManifestRecord,
    VideoRecord,
    arrow_schema,
)
from seac.results.values import STEP, AudioSteps, KeyFrame, StoredTrack, VideoInfo

GROUP_ROWS = {KEY_FRAMES: 64, STEPS: 4096, TRACKS: 512}
"""Rows of a row group, the unit that is held in memory."""


class ResultWriter:
    """Context manager that writes a result into the subfolder ``store`` of a folder.

    A result without a call of :meth:`close` has no manifest, so that it is no result for the reader.

    Args:
        folder: the result folder.
        info: the source; may be replaced in :meth:`close`.
        labels: background, then the vocabulary.
        audio_labels: classes of the audio encoder.
        threshold: default minimum probability of a sounding mask.
        settings: settings of the run, as JSON values.
        provenance: versions of weights and of parts, as JSON values.
    """

    def __init__(
        self,
        folder: Path,
        info: VideoInfo,
        labels: Sequence[str],
        audio_labels: Sequence[str],
        *,
        threshold: float,
        settings: Mapping[str, Any],
        provenance: Mapping[str, Any],
    ) -> None:
        self.info = info
        self._labels, self._audio_labels, self._threshold = tuple(labels), tuple(audio_labels), threshold
        self._settings, self._provenance = dict(settings), dict(provenance)
        self._folder = folder / STORE
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tables = {name: _TableWriter(self._folder / name, rows) for name, rows in GROUP_ROWS.items()}

    def add_key_frame(self, frame: KeyFrame) -> None:
        """Append a key frame."""
        row: dict[str, Any] = {"index": frame.index, "time": frame.time, "cut": bool(frame.cut)}
        row["masks"] = list(frame.masks)
        row["boxes"] = np.asarray(frame.boxes, np.float32).reshape(-1)
        for name in ("scores", "similarity", "probability"):
            row[name] = np.asarray(getattr(frame, name), np.float32)
        row["tracks"], row["classes"] = frame.tracks.astype(np.int64), frame.classes.astype(np.int32)
        self._tables[KEY_FRAMES].add(row)

    def add_steps(self, steps: AudioSteps) -> None:
        """Append steps of the audio, in order of time."""
        for step in range(len(steps)):
            self._tables[STEPS].add(
                {
                    "level": steps.level[step],
                    "silent": bool(steps.silent[step]),
                    "noise": bool(steps.noise[step]),
                    "sources": steps.sources[step].astype(np.int32),
                    "source_probabilities": steps.source_probabilities[step].astype(np.float32),
                    "key_frame": int(steps.key_frame[step]),
                    "probability": steps.probability[step].astype(np.float32),
                }
            )

    def add_track(self, track: StoredTrack) -> None:
        """Append a track that has ended."""
        row: dict[str, Any] = {"id": track.id, "start": track.start, "stop": track.stop}
        row["embedding"] = np.asarray(track.embedding, np.float32)
        row["class_scores"] = np.asarray(track.class_scores, np.float32)
        self._tables[TRACKS].add(row)

    def close(self, tracks: Iterable[StoredTrack] = (), info: VideoInfo | None = None) -> None:
        """Append the remaining tracks and finish the files; the manifest is written last.

        Args:
            tracks: tracks that were not added before.
            info: the source, where more is known of it than before.
        """
        for track in tracks:
            self.add_track(track)
        files = {name: table.finish() for name, table in self._tables.items()}
        manifest = ManifestRecord(
            format=FORMAT,
            version=VERSION,
            seac=__version__,
            step=STEP,
            video=VideoRecord(**asdict(info or self.info)),
            labels=self._labels,
            audio_labels=self._audio_labels,
            threshold=self._threshold,
            settings=self._settings,
            provenance=self._provenance,
            files=files,
        )
        write_atomic(self._folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")

    def __enter__(self) -> ResultWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for table in self._tables.values():
            table.abandon()


class _TableWriter:
    """Rows of one Parquet file, written in row groups."""

    def __init__(self, path: Path, group: int) -> None:
        self._path, self._group, self._count = path, group, 0
        self._schema = arrow_schema(path.name)
        self._rows: list[dict[str, Any]] = []
        self._writer: pq.ParquetWriter | None = pq.ParquetWriter(
            path, self._schema, compression="zstd", write_page_checksum=True, write_statistics=False
        )

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        self._count += 1
        if len(self._rows) >= self._group:
            self._flush()

    def finish(self) -> FileRecord:
        """Close the file; the entry of the manifest."""
        self._flush()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileRecord(rows=self._count, bytes=self._path.stat().st_size, sha256=digest)

    def abandon(self) -> None:
        """Close the file of a run that failed; without effect after :meth:`finish`."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self._writer = None

    def _flush(self) -> None:
        if not self._rows or self._writer is None:
            return
        arrays = [_array([row[field.name] for row in self._rows], field.type) for field in self._schema]
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._rows = []


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    """An Arrow array of a column; lists of numbers are concatenated in numpy, which is much faster."""
    if not pa.types.is_list(kind):
        return pa.array(values, kind)
    offsets = pa.array(np.cumsum([0, *map(len, values)]), pa.int32())
    if pa.types.is_binary(kind.value_type):
        flat = pa.array([code for codes in values for code in codes], pa.binary())
    else:
        flat = pa.array(np.concatenate(values), kind.value_type)
    return pa.ListArray.from_arrays(offsets, flat, type=kind)
