"""Writer of feature stores.

A store has one writer at a time. Each added clip is written to a pending file at once, so a killed program
loses only clips that were still being computed. Enough pending files are merged into a shard, in order of id,
and removed. A shard lists the files that it replaces, so that a merge interrupted before the removal is
completed when the store is opened again: no clip is lost or duplicated.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from seac.core.atomic import replace_durably
from seac.core.errors import InputError
from seac.core.lock import acquire, release
from seac.features.manifest import (
    NAME,
    PARTIAL,
    PENDING,
    SHARDS,
    SUFFIX,
    UNREADABLE,
    Manifest,
    Part,
    Shard,
    StoreProvenance,
    checksum,
    scan_store,
    write_atomic,
)
from seac.features.schema import Footer, writer

LOCK = ".lock"
SHARD_BYTES = 256 * 2**20
GROUP_BYTES = 2**20
PARTIAL_NAME = re.compile(r"\.(.+\.)?\d+\.part")
MAX_PENDING = 2_000
"""Maximum number of pending files; they are merged at this number even if they do not fill a shard."""


class StoreWriter:
    """Context manager that adds clips to a store; a missing store is created.

    Args:
        folder: the store.
        provenance: models and settings that make the features.
        shard_bytes: approximate size of a shard.

    Raises:
        InputError: another program writes to the store, its provenance differs, or other files are there.
    """

    def __init__(
        self, folder: Path | str, provenance: StoreProvenance, *, shard_bytes: int = SHARD_BYTES
    ) -> None:
        self.folder, self._shard_bytes = Path(folder), shard_bytes
        check_store(self.folder)
        self._lock: int | None = _acquire_lock(self.folder)
        try:
            self._open(provenance)
        except BaseException:
            release(self._lock)
            raise

    def _open(self, provenance: StoreProvenance) -> None:
        for name in (SHARDS, PENDING):
            (self.folder / name).mkdir(exist_ok=True)
        if not (self.folder / NAME).exists():
            Manifest(provenance).write(self.folder)
        manifest = Manifest.read(self.folder)
        differences = manifest.provenance.differences(provenance)
        if differences:
            raise InputError(
                f"{self.folder} was made with {'; '.join(differences[:3])}: give the same settings, or "
                "another store"
            )
        self.provenance = manifest.provenance
        found = scan_store(self.folder, manifest)
        for path in [*found.stale, *_list_partial_files(self.folder)]:
            path.unlink(missing_ok=True)
        for path in found.damaged:  # renamed, not removed: the read error may be temporary
            path.replace(path.with_name(path.name + ".damaged"))
        self._parts = list(found.parts)
        self.lost = sum(shard.clips for shard in found.missing)
        """Number of clips in missing shards; they are extracted again."""
        self._known = {shard.name: shard for shard in manifest.shards}
        self._ids = {id_ for part in self._parts for id_ in part.footer.ids}
        self._pending = {
            part.name: part.path.stat().st_size for part in self._parts if part.path.parent.name == PENDING
        }
        self._record()

    def __contains__(self, clip_id: str) -> bool:
        return clip_id in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, content: bytes) -> bool:
        """Write a clip to disk unless the store has it already.

        Args:
            content: result of :func:`seac.features.schema.payload`.

        Returns:
            whether the clip was new.

        Raises:
            InputError: the folder cannot be written.
        """
        footer = Footer.from_metadata(pq.read_metadata(pa.BufferReader(content)).metadata)
        if footer.ids[0] in self._ids:
            return False
        path = self.folder / PENDING / (sha256(content).hexdigest()[:32] + SUFFIX)
        write_atomic(path, content)
        self._parts.append(Part(path, footer))
        self._ids.update(footer.ids)
        self._pending[path.name] = len(content)
        if len(self._pending) >= MAX_PENDING or sum(self._pending.values()) >= self._shard_bytes:
            self._merge([part for part in self._parts if part.name in self._pending])
        return True

    def compact(self) -> None:
        """Merge pending files and shards of less than half the target size into shards."""
        small = [
            part
            for part in self._parts
            if part.name in self._pending or part.path.stat().st_size < self._shard_bytes // 2
        ]
        for batch in _batches(sorted(small, key=lambda part: part.footer.ids[0]), self._shard_bytes):
            if len(batch) > 1 or batch[0].name in self._pending:
                self._merge(batch)

    def close(self) -> None:
        """Release the lock of the store."""
        release(self._lock)
        self._lock = None

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _merge(self, parts: Sequence[Part]) -> None:
        """Copy parts into one shard, then remove them; damaged parts are skipped."""
        parts = [part for part in parts if part.matches_checksum()]
        if not parts:
            return
        shard = merge_shards(self.folder / SHARDS, parts)
        for part in parts:
            part.path.unlink()
        path = self.folder / SHARDS / shard.name
        removed = {part.name for part in parts}
        self._parts = [part for part in self._parts if part.name not in removed]
        self._parts.append(Part(path, Footer.from_metadata(pq.read_metadata(path).metadata)))
        self._known[shard.name] = shard
        for part in parts:
            self._pending.pop(part.name, None)
        self._record()

    def _record(self) -> None:
        """Update the manifest from the files on disk."""
        shards = [part.path for part in self._parts if part.path.parent.name == SHARDS]
        known = [self._known.get(path.name) or describe_shard(path) for path in sorted(shards)]
        Manifest(self.provenance, tuple(known)).write(self.folder)


def check_store(folder: Path) -> None:
    """Check that a folder is a store or holds no files under the names of a store's files.

    Raises:
        InputError: the folder has such files and no manifest, or an unreadable manifest.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        return  # reported when the lock is acquired
    if (folder / NAME).is_file():
        Manifest.read(folder)
        return
    for name in (NAME, UNREADABLE, SHARDS, PENDING):
        path = folder / name
        if not os.path.lexists(path):
            continue
        is_data_folder = name in (SHARDS, PENDING) and not path.is_symlink() and path.is_dir()
        if not is_data_folder or any(path.iterdir()):
            raise InputError(
                f"{path}: exists already, but {folder} is not a feature store (no {NAME}); move it, or give "
                "another folder for the store"
            )


def _list_partial_files(folder: Path) -> Iterator[Path]:
    """Temporary files left by a killed writer."""
    for parent in (folder, folder / SHARDS, folder / PENDING):
        yield from (path for path in parent.glob(f".*{PARTIAL}") if PARTIAL_NAME.fullmatch(path.name))


def merge_shards(folder: Path, parts: Sequence[Part]) -> Shard:
    """Write the clips of ``parts`` to one shard in order of id; memory holds one row group at a time."""
    clips = sorted((id_, at, row) for at, part in enumerate(parts) for row, id_ in enumerate(part.footer.ids))
    total = sum(part.path.stat().st_size for part in parts)
    group = max(1, round(GROUP_BYTES * len(clips) / max(total, 1)))
    footer = Footer(
        tuple(id_ for id_, _, _ in clips),
        tuple(parts[at].footer.counts[row] for _, at, row in clips),
        group,
        tuple(part.name for part in parts),
    )
    partial = folder / f".{os.getpid()}{PARTIAL}"
    try:
        with partial.open("wb") as file, writer(file, footer) as shard:
            for chunk in _split(iter(clips), group):
                rows = [_row(parts[at], row) for _, at, row in chunk]
                shard.write_table(pa.concat_tables(rows).combine_chunks(), row_group_size=group)
        digest = checksum(partial)
        path = folder / (digest[:32] + SUFFIX)
        replace_durably(partial, path)  # on the disk before the files that it replaces are removed
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise InputError(
            f"cannot write to {folder} ({reason}): free disk space and run again; all clips are kept"
        ) from None
    return Shard(path.name, len(clips), path.stat().st_size, digest)


def describe_shard(path: Path) -> Shard:
    """The manifest's entry for a shard on disk."""
    clips = len(Footer.from_metadata(pq.read_metadata(path).metadata).ids)
    return Shard(path.name, clips, path.stat().st_size, checksum(path))


def _row(part: Part, row: int) -> pa.Table:
    group, within = divmod(row, part.footer.group)
    with pq.ParquetFile(part.path) as file:
        table: pa.Table = file.read_row_group(group, use_threads=False).slice(within, 1)
        return table.replace_schema_metadata(None)


def _split(clips: Iterator[tuple[str, int, int]], count: int) -> Iterator[list[tuple[str, int, int]]]:
    while chunk := list(islice(clips, count)):
        yield chunk


def _batches(parts: Sequence[Part], limit: int) -> Iterator[list[Part]]:
    """Group parts into batches of about ``limit`` bytes."""
    batch: list[Part] = []
    total = 0
    for part in parts:
        size = part.path.stat().st_size
        if batch and total + size > limit:
            yield batch
            batch, total = [], 0
        batch.append(part)
        total += size
    if batch:
        yield batch


def _acquire_lock(folder: Path) -> int:
    """Acquire the lock of a store; it is held until it is closed or the program ends.

    Raises:
        InputError: another program holds the lock, or the folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOCK).touch()
        lock = acquire(folder / LOCK)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise InputError(f"cannot write to {folder} ({reason}): give another folder for the store") from None
    if lock is None:
        raise InputError(f"{folder}: another program writes to this store; wait until it ends")
    return lock
