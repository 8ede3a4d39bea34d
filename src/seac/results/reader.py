"""Reader of result folders: ``seac.open_result``. Key frames are read in row groups, not all at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError

from seac.core.errors import InputError
from seac.core.run_length import checked_codes
from seac.results.schema import (
    FORMAT,
    KEY_FRAMES,
    MANIFEST,
    STEPS,
    STORE,
    TABLES,
    TRACKS,
    VERSION,
    ManifestRecord,
    arrow_schema,
)
from seac.results.values import STEP, AudioSteps, KeyFrame, StoredTrack, VideoInfo

AGAIN = "segment the video again"
Batch = Mapping[str, Any]
"""Columns of a row group: an array of values, or a list of an array for each row."""


@dataclass(frozen=True, eq=False)
class VideoResult:
    """What the networks found in a video, before any threshold.

    ``len(result)`` is the number K of key frames.

    Attributes:
        folder: the result folder.
        info: the source.
        labels: background, then the vocabulary.
        audio_labels: classes of the audio encoder.
        threshold: default minimum probability of a sounding mask.
        margin: maximum distance of a sounding mask from the likeliest of its step, in log-odds.
        settings: settings of the run.
        provenance: versions of weights and of parts.
        tracks: every object over time.
        steps: the audio in steps.
        times: (K,) float64 seconds of the key frames.
        track_ids: K arrays (N,) int64: the track of each mask of each key frame.
        cuts: seconds of the key frames before which a new shot begins.
    """

    folder: Path
    info: VideoInfo
    labels: tuple[str, ...]
    audio_labels: tuple[str, ...]
    threshold: float
    margin: float
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]
    tracks: tuple[StoredTrack, ...]
    steps: AudioSteps
    times: NDArray[np.float64]
    track_ids: tuple[NDArray[np.int64], ...]
    cuts: tuple[float, ...]
    _cached: dict[int, list[KeyFrame]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.times)

    def key_frames(self, start: int = 0) -> Iterator[KeyFrame]:
        """The key frames from position ``start`` on, one at a time.

        Raises:
            InputError: the result is damaged.
        """
        position = 0
        with _open_table(self.folder, KEY_FRAMES) as table:
            for group in range(table.num_row_groups):
                rows = table.metadata.row_group(group).num_rows
                if position + rows > start:
                    yield from self._read_group(table, group)[max(0, start - position) :]
                position += rows

    def key_frame(self, position: int) -> KeyFrame:
        """The key frame at a position from 0; neighbours of the last one are held in memory.

        Raises:
            IndexError: there is no such key frame.
            InputError: the result is damaged.
        """
        if not 0 <= position < len(self):
            raise IndexError(f"key frame {position}: the result has {len(self)}")
        first = 0
        with _open_table(self.folder, KEY_FRAMES) as table:
            for group in range(table.num_row_groups):
                rows = table.metadata.row_group(group).num_rows
                if position < first + rows:
                    if group not in self._cached:
                        self._cached.clear()
                        self._cached[group] = self._read_group(table, group)
                    return self._cached[group][position - first]
                first += rows
        raise _damaged(self.folder / STORE / KEY_FRAMES)

    def _read_group(self, table: pq.ParquetFile, group: int) -> list[KeyFrame]:
        batch = _read_batch(table, KEY_FRAMES, group, None)
        found = [_key_frame(batch, row) for row in range(len(batch["index"]))]
        classes = np.concatenate([np.zeros(0, np.int64), *(frame.classes for frame in found)])
        for frame in found:
            checked_codes(frame.masks, self.info.size)
        if len(classes) and not 0 <= classes.min() <= classes.max() < len(self.labels):
            raise ValueError("a class has no label")
        return found


def open_result(folder: str | Path) -> VideoResult:
    """Open the result that ``seac segment`` wrote into a folder; key frames are read when they are asked for.

    Raises:
        InputError: no result, a damaged one, or one of a newer version.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    for name in TABLES:
        _check_file(folder, name, manifest)
    tracks = tuple(
        _track(batch, row) for batch in _batches(folder, TRACKS) for row in range(len(batch["id"]))
    )
    heads = list(_batches(folder, KEY_FRAMES, ("time", "cut", "tracks")))
    times = np.concatenate([np.zeros(0), *(batch["time"] for batch in heads)])
    cut = np.concatenate([np.zeros(0, np.bool_), *(batch["cut"] for batch in heads)])
    track_ids = tuple(ids for batch in heads for ids in batch["tracks"])
    with _errors_as_damage(folder / STORE / STEPS):
        steps = _steps(list(_batches(folder, STEPS)))
    result = VideoResult(
        folder=folder,
        info=VideoInfo(**manifest.video.model_dump()),
        labels=manifest.labels,
        audio_labels=manifest.audio_labels,
        threshold=manifest.threshold,
        margin=manifest.margin,
        settings=manifest.settings,
        provenance=manifest.provenance,
        tracks=tracks,
        steps=steps,
        times=times,
        track_ids=track_ids,
        cuts=tuple(times[cut].tolist()),
    )
    _check_references(result)
    return result


def read_manifest(folder: Path) -> ManifestRecord:
    """The manifest of a result folder.

    Raises:
        InputError: it is missing, damaged, of another program or of a newer version.
    """
    path = folder / STORE / MANIFEST
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a folder that seac segment wrote")
    try:
        text = path.read_bytes()
        content = json.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{folder}: holds no result (no {STORE}/{MANIFEST}); give a folder that seac segment wrote"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); {AGAIN}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: not a result of seac; give a folder that seac segment wrote")
    version = content.get("version")
    if version != VERSION:
        raise InputError(
            f"{path}: a result of version {version!r}, this seac reads {VERSION}; update seac, or {AGAIN}"
        )
    try:
        manifest = ManifestRecord.model_validate_json(text)
    except (ValidationError, RecursionError):
        raise _damaged(path) from None
    if set(manifest.files) != set(TABLES) or manifest.step != STEP:
        raise _damaged(path)
    return manifest


def _damaged(path: Path) -> InputError:
    return InputError(f"{path}: is damaged; restore it from a copy, or {AGAIN}")


def _check_file(folder: Path, name: str, manifest: ManifestRecord) -> None:
    """Check a table against the manifest: rows, columns and checksum.

    Raises:
        InputError: the table differs.
    """
    path, record = folder / STORE / name, manifest.files[name]
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path}: is missing; restore it from a copy, or {AGAIN}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); {AGAIN}") from None
    if digest != record.sha256:
        raise _damaged(path)
    with _open_table(folder, name) as table:
        rows = sum(table.metadata.row_group(group).num_rows for group in range(table.num_row_groups))
        if rows != record.rows or not table.schema_arrow.equals(arrow_schema(name)):
            raise _damaged(path)


@contextmanager
def _open_table(folder: Path, name: str) -> Iterator[pq.ParquetFile]:
    """Open a table; errors of its content in the block are errors of the input.

    Raises:
        InputError: the table is damaged.
    """
    path = folder / STORE / name
    with _errors_as_damage(path), pq.ParquetFile(path, page_checksum_verification=True) as table:
        yield table


@contextmanager
def _errors_as_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, LookupError, TypeError, MemoryError, pa.ArrowException):
        raise _damaged(path) from None


def _batches(folder: Path, name: str, columns: tuple[str, ...] | None = None) -> Iterator[Batch]:
    with _open_table(folder, name) as table:
        for group in range(table.num_row_groups):
            yield _read_batch(table, name, group, columns)


def _read_batch(table: pq.ParquetFile, name: str, group: int, columns: tuple[str, ...] | None) -> Batch:
    """The columns of a row group.

    Raises:
        ValueError: a value is null.
    """
    chosen = [column for column in TABLES[name] if columns is None or column.name in columns]
    read = table.read_row_group(group, columns=[column.name for column in chosen]).combine_chunks()
    return {column.name: _values(read.column(column.name)) for column in chosen}


def _values(column: pa.ChunkedArray) -> Any:
    """Values of a column, or an array for each row of a column of lists."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], array.type)
    if not pa.types.is_list(array.type):
        _check_full(array)
        return array.to_numpy(zero_copy_only=False)
    _check_full(array)
    _check_full(array.values)
    offsets = array.offsets.to_numpy()
    binary = pa.types.is_binary(array.type.value_type)
    flat = array.values.to_pylist() if binary else array.values.to_numpy(zero_copy_only=False)
    ends = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return [flat[start:stop] for start, stop in ends]


def _check_full(array: pa.Array) -> None:
    if array.null_count:
        raise ValueError("a value is missing")


def _key_frame(batch: Batch, row: int) -> KeyFrame:
    """A key frame of a batch.

    Raises:
        ValueError: the columns have different numbers of masks.
    """
    masks = tuple(batch["masks"][row])
    boxes = batch["boxes"][row].reshape(len(masks), 4)
    per_mask = {
        name: batch[name][row] for name in ("scores", "similarity", "probability", "tracks", "classes")
    }
    if any(len(values) != len(masks) for values in per_mask.values()):
        raise ValueError("the columns of a key frame differ in length")
    per_mask["classes"] = per_mask["classes"].astype(np.int64)
    return KeyFrame(
        index=int(batch["index"][row]),
        time=float(batch["time"][row]),
        cut=bool(batch["cut"][row]),
        masks=masks,
        boxes=boxes,
        **per_mask,
    )


def _track(batch: Batch, row: int) -> StoredTrack:
    return StoredTrack(
        int(batch["id"][row]),
        float(batch["start"][row]),
        float(batch["stop"][row]),
        batch["embedding"][row],
        batch["class_scores"][row],
    )


def _steps(batches: list[Batch]) -> AudioSteps:
    def joined(name: str, kind: type) -> NDArray[Any]:
        return np.concatenate([np.zeros(0, kind), *(batch[name] for batch in batches)]).astype(kind)

    def stacked(name: str, kind: type) -> NDArray[Any]:
        rows = [row for batch in batches for row in batch[name]]
        if len({len(row) for row in rows}) > 1:
            raise ValueError("the steps differ in their number of classes")
        return np.stack(rows).astype(kind) if rows else np.zeros((0, 0), kind)

    return AudioSteps(
        level=joined("level", np.float32),
        silent=joined("silent", np.bool_),
        noise=joined("noise", np.bool_),
        sources=stacked("sources", np.int64),
        source_probabilities=stacked("source_probabilities", np.float32),
        key_frame=joined("key_frame", np.int64),
        probability=tuple(row for batch in batches for row in batch["probability"]),
    )


def _check_references(result: VideoResult) -> None:
    """Check that tables refer to rows, tracks and labels that exist.

    Raises:
        InputError: they do not.
    """
    steps, store = result.steps, result.folder / STORE
    counts = np.array([len(ids) for ids in result.track_ids] + [0])  # the last is that of no key frame, -1
    if len(steps) and not -1 <= steps.key_frame.min() <= steps.key_frame.max() < len(result):
        raise _damaged(store / STEPS)
    paired = counts[steps.key_frame] if len(steps) else np.zeros(0, np.int64)
    same_width = steps.sources.shape == steps.source_probabilities.shape
    highest = int(steps.sources.max()) if steps.sources.size else -1
    lowest = int(steps.sources.min()) if steps.sources.size else -1
    if not same_width or not -1 <= lowest <= highest < len(result.audio_labels):
        raise _damaged(store / STEPS)
    if any(len(row) != count for row, count in zip(steps.probability, paired.tolist(), strict=True)):
        raise _damaged(store / STEPS)
    known = {track.id for track in result.tracks}
    if any(int(each) not in known for ids in result.track_ids for each in ids):
        raise _damaged(store / KEY_FRAMES)
    widths = {(len(track.embedding), len(track.class_scores)) for track in result.tracks}
    if len(known) != len(result.tracks) or len(widths) > 1:
        raise _damaged(store / TRACKS)
    if any(scores != len(result.labels) - 1 for _, scores in widths):
        raise _damaged(store / TRACKS)
