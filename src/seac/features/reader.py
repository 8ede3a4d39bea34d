"""Random access to a feature store by memory-mapped files."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.features.batch import FrameBatch, Geometry, pad_rows
from seac.features.clip_features import ClipFeatures, mask_areas
from seac.features.manifest import Manifest, Part, StoreScan, scan_store
from seac.features.schema import SCHEMA, array, row_to_clip

K = TypeVar("K")
V = TypeVar("V")

ALL_COLUMNS = tuple(SCHEMA.names)
TRAINING_COLUMNS = ("counts", "local", "context", "windows")
PROBABILITIES = ("local_probabilities", "context_probabilities", "window_probabilities")
GEOMETRY = ("sizes", "boxes", "scores", "masks")


class Store:
    """A :class:`TrainingStore` on disk; clips are ordered by id.

    ``store[i]`` reads all features of a clip; :meth:`read` reads only the columns for training. A store can
    be pickled; each process opens the files itself.

    Args:
        folder: the store.
        open_files: maximum number of open files; an open shard takes a few megabytes of memory.
        groups: maximum number of decoded row groups; a group is about a megabyte, one clip or several.

    Raises:
        InputError: there is no store, or files of it are missing or damaged.
    """

    def __init__(self, folder: Path | str, *, open_files: int = 128, groups: int = 8) -> None:
        self.folder = Path(folder)
        self.manifest = Manifest.read(self.folder)
        found = scan_store(self.folder, self.manifest)
        _check_complete(self.folder, found)
        self._parts = found.parts
        self._open_files, self._groups = open_files, groups
        positions = sorted(
            (id_, file, row) for file, part in enumerate(found.parts) for row, id_ in _rows(part)
        )
        self.ids: tuple[str, ...] = tuple(id_ for id_, _, _ in positions)
        self._positions = np.array([(file, row) for _, file, row in positions], np.int64).reshape(-1, 2)
        counts = [torch.tensor(found.parts[f].footer.counts[row]) for _, f, row in positions]
        self.proposals: Tensor = (
            torch.nn.utils.rnn.pad_sequence(counts, batch_first=True)
            if counts
            else torch.zeros(0, 0, dtype=torch.int64)
        )
        self._reset()

    def _reset(self) -> None:
        self._files: OrderedDict[int, pq.ParquetFile] = OrderedDict()
        self._tables: OrderedDict[tuple[int, int, tuple[str, ...]], pa.Table] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_files", "_tables")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.ids)

    @property
    def mask_dim(self) -> int:
        """Dimension d_m of mask embeddings."""
        return self.manifest.provenance.mask_dim

    @property
    def audio_dim(self) -> int:
        """Dimension d_a of audio embeddings."""
        return self.manifest.provenance.audio_dim

    @property
    def sample_rate(self) -> int:
        """Sample rate of the waveforms in Hz."""
        return self.manifest.provenance.sample_rate

    @property
    def provenance(self) -> Mapping[str, str]:
        """Versions of the models and values of the settings that made the features, by name."""
        return self.manifest.provenance.by

    @property
    def preset(self) -> str:
        """Name of the preset that made the features."""
        return self.manifest.provenance.preset

    @property
    def size(self) -> int:
        """Size on disk in bytes."""
        return sum(part.path.stat().st_size for part in self._parts)

    def find_row(self, clip_id: str) -> int:
        """The row of a clip.

        Raises:
            InputError: the store has no such clip.
        """
        row = int(np.searchsorted(np.array(self.ids), clip_id)) if self.ids else 0
        if row == len(self.ids) or self.ids[row] != clip_id:
            raise InputError(f"{self.folder}: has no clip {clip_id!r}; see seac store info --ids")
        return row

    def __getitem__(self, row: int) -> ClipFeatures:
        """All features of a clip.

        Raises:
            IndexError: there is no such row.
            InputError: the clip is damaged.
        """
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of a store of {len(self)} clips")
        with self._errors_as_damage():
            return row_to_clip(self._row(row % len(self), ALL_COLUMNS), self.mask_dim, self.audio_dim)

    def __iter__(self) -> Iterator[ClipFeatures]:
        return (self[row] for row in range(len(self)))

    def read(
        self,
        clips: Sequence[int],
        frames: Sequence[int],
        *,
        masks: int,
        waveforms: bool,
        probabilities: bool = False,
        geometry: bool = False,
    ) -> FrameBatch:
        """One frame of each of B clips, as float16; see :class:`seac.features.batch.TrainingStore`.

        Raises:
            InputError: a clip is damaged.
        """
        with self._errors_as_damage():
            return self._read(clips, frames, masks, waveforms, probabilities, geometry)

    def _read(
        self,
        clips: Sequence[int],
        frames: Sequence[int],
        masks: int,
        waveforms: bool,
        probabilities: bool,
        geometry: bool,
    ) -> FrameBatch:
        columns = (
            *TRAINING_COLUMNS,
            *(("waveform",) if waveforms else ()),
            *(PROBABILITIES if probabilities else ()),
            *(GEOMETRY if geometry else ()),
        )
        rows = [self._row(clip, columns) for clip in clips]

        def of_masks(name: str) -> list[Tensor | None]:
            return [_frame_rows(row, name, frame, masks) for row, frame in zip(rows, frames, strict=True)]

        local, mask_counts = pad_rows([part for part in of_masks("local") if part is not None])
        context, _ = pad_rows([part for part in of_masks("context") if part is not None])
        windows, window_counts = pad_rows([array(row["windows"], "<f2", self.audio_dim) for row in rows])
        audio = tuple(array(row["waveform"], "<i2") for row in rows) if waveforms else None
        batch = FrameBatch(local, context, mask_counts, windows, window_counts, audio)
        if geometry:
            found = [_geometry_rows(row, frame, masks) for row, frame in zip(rows, frames, strict=True)]
            batch = replace(batch, geometry=Geometry.padded(found))
        if not probabilities:
            return batch
        counts = window_counts.tolist()
        return replace(
            batch,
            local_probabilities=_padded(of_masks("local_probabilities")),
            context_probabilities=_padded(of_masks("context_probabilities")),
            window_probabilities=_padded(
                [_window_rows(row, count) for row, count in zip(rows, counts, strict=True)]
            ),
        )

    @contextmanager
    def _errors_as_damage(self) -> Iterator[None]:
        try:
            yield
        except InputError:
            raise
        except (
            *(ValueError, LookupError, TypeError, RuntimeError, OSError, MemoryError),
            pa.ArrowException,
        ) as error:
            reason = " ".join(str(error).split())[:120] or type(error).__name__
            raise InputError(
                f"{self.folder}: a clip is damaged ({reason}); see seac store verify, then extract it again"
            ) from None

    def _row(self, clip: int, columns: tuple[str, ...]) -> dict[str, Any]:
        """Columns of a clip; binary values are buffers of Arrow, not copies."""
        file, row = (int(value) for value in self._positions[clip])
        group, within = divmod(row, self._parts[file].footer.group)
        table = self._table(file, group, columns)
        found: dict[str, Any] = {}
        for name in columns:
            value = table.column(name)[within]
            found[name] = value.as_buffer() if name in _BINARY and value.is_valid else value.as_py()
        return found

    def _table(self, file: int, group: int, columns: tuple[str, ...]) -> pa.Table:
        """A row group, cached because the next clip is often in the same group."""

        def fetch() -> pa.Table:
            return self._file(file).read_row_group(group, columns=list(columns), use_threads=False)

        return _cached(self._tables, (file, group, columns), self._groups, fetch)

    def _file(self, file: int) -> pq.ParquetFile:
        path = self._parts[file].path
        return _cached(self._files, file, self._open_files, lambda: pq.ParquetFile(path, memory_map=True))


def _frame_rows(row: Mapping[str, Any], name: str, frame: int, masks: int) -> Tensor | None:
    """The first ``masks`` rows of a frame in a block of a clip: (n, width); None where the clip has none."""
    if row[name] is None:
        return None
    counts = np.frombuffer(row["counts"], "<i4")
    first = int(counts[:frame].sum())
    block = np.frombuffer(row[name], "<f2").reshape(int(counts.sum()), -1)
    return torch.from_numpy(block[first : first + min(masks, int(counts[frame]))].copy())


def _geometry_rows(row: Mapping[str, Any], frame: int, masks: int) -> Tensor:
    """Box, area and score of the first ``masks`` masks of a frame, see :class:`Geometry`: (n, 6) float32."""
    counts = np.frombuffer(row["counts"], "<i4")
    first = int(counts[:frame].sum())
    rows = slice(first, first + min(masks, int(counts[frame])))
    height, width = np.frombuffer(row["sizes"], "<i4").reshape(-1, 2)[frame].tolist()
    boxes = array(row["boxes"], "<f4", 4)[rows] / torch.tensor([width, height, width, height])
    areas = mask_areas(tuple(map(bytes, row["masks"][rows])), (height, width))
    return torch.cat([boxes, areas[:, None], array(row["scores"], "<f4")[rows, None]], 1)


def _window_rows(row: Mapping[str, Any], count: int) -> Tensor | None:
    """Class probabilities of the windows of a clip: (w, D); None where the clip has none."""
    if row["window_probabilities"] is None or count == 0:
        return None
    return array(row["window_probabilities"], "<f2").view(count, -1)


def _padded(parts: Sequence[Tensor | None]) -> Tensor | None:
    """Rows of all clips, zero-padded; None where a clip has none."""
    there = [part for part in parts if part is not None]
    return pad_rows(there)[0] if len(there) == len(parts) else None


def _cached(table: OrderedDict[K, V], key: K, limit: int, make: Callable[[], V]) -> V:
    """``table[key]``, computed by ``make`` if absent; a least-recently-used cache of ``limit`` entries."""
    if key in table:
        table.move_to_end(key)
        return table[key]
    value = table[key] = make()
    if len(table) > limit:
        table.popitem(last=False)
    return value


_BINARY = {field.name for field in SCHEMA if str(field.type) == "binary"}


def open_store(folder: Path | str, *, open_files: int = 128, groups: int = 8) -> Store:
    """Open a feature store for reading; see :class:`Store`."""
    return Store(folder, open_files=open_files, groups=groups)


def _rows(part: Part) -> Iterator[tuple[int, str]]:
    yield from enumerate(part.footer.ids)


def _check_complete(folder: Path, found: StoreScan) -> None:
    """Check that a store is complete.

    Raises:
        InputError: files are missing or damaged.
    """
    broken = [*(shard.name for shard in found.missing), *(path.name for path in found.damaged)]
    if broken:
        raise InputError(
            f"{folder}: {len(broken)} files are missing or damaged ({', '.join(broken[:3])}): restore them, "
            "or run seac extract again to extract their clips again"
        )
