"""Writing a store: a clip is on disk as soon as it is added; shards are closed as they fill.

There is one writer at a time. A clip becomes a file of its own at once, so a program that is killed loses at
most the clips it was still computing. When pending files make up a shard, they are copied into one, in order
of id, and removed once it is there. A shard names what it replaces, so a death between the two is seen and
mended on the next opening: no clip is lost, none is there twice.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from seac.core.errors import InputError
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

SHARD_BYTES = 256 * 2**20
GROUP_BYTES = 2**20
UNFINISHED = re.compile(r"\.(.+\.)?\d+\.part")
MAX_PENDING = 2_000
"""Small clips fill a shard slowly; so many files in a folder are enough."""


class StoreWriter:
    """Adds clips to a store, which is made if it is not there; a context manager.

    Args:
        folder: the store.
        provenance: what makes the features.
        shard_bytes: about the size of a shard.

    Raises:
        InputError: another program writes to it, its features were made otherwise, or it holds other files.
    """

    def __init__(
        self, folder: Path | str, provenance: StoreProvenance, *, shard_bytes: int = SHARD_BYTES
    ) -> None:
        self.folder, self._shard_bytes = Path(folder), shard_bytes
        check_store(self.folder)
        self._lock = _locked(self.folder)
        try:
            self._open(provenance)
        except BaseException:
            self._lock.close()
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
        for path in [*found.stale, *_partial(self.folder)]:
            path.unlink(missing_ok=True)
        for path in found.damaged:  # aside, not away: a disk that cannot be read today may be well tomorrow
            path.replace(path.with_name(path.name + ".damaged"))
        self._parts = list(found.parts)
        self.lost = sum(shard.clips for shard in found.missing)
        """Clips of shards that are gone; they are extracted anew like all that is not there."""
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
        """Put a clip on disk; one that is there already is left as it is.

        Args:
            content: of :func:`seac.features.schema.payload`.

        Returns:
            whether it was new.

        Raises:
            InputError: the folder takes no files.
        """
        footer = Footer.of(pq.read_metadata(pa.BufferReader(content)).metadata)
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
        """Turn pending clips, and shards much smaller than they should be, into shards."""
        small = [
            part
            for part in self._parts
            if part.name in self._pending or part.path.stat().st_size < self._shard_bytes // 2
        ]
        for batch in _batches(sorted(small, key=lambda part: part.footer.ids[0]), self._shard_bytes):
            if len(batch) > 1 or batch[0].name in self._pending:
                self._merge(batch)

    def close(self) -> None:
        """Let another writer in."""
        self._lock.close()

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _merge(self, parts: Sequence[Part]) -> None:
        """Copy parts into one shard, then remove them; damaged ones stay: a copy would look whole."""
        parts = [part for part in parts if part.fits()]
        if not parts:
            return
        shard = merge_shards(self.folder / SHARDS, parts)
        for part in parts:
            part.path.unlink()
        path = self.folder / SHARDS / shard.name
        gone = {part.name for part in parts}
        self._parts = [part for part in self._parts if part.name not in gone]
        self._parts.append(Part(path, Footer.of(pq.read_metadata(path).metadata)))
        self._known[shard.name] = shard
        for part in parts:
            self._pending.pop(part.name, None)
        self._record()

    def _record(self) -> None:
        """Bring the manifest up to date with what is on disk."""
        shards = [part.path for part in self._parts if part.path.parent.name == SHARDS]
        known = [self._known.get(path.name) or describe_shard(path) for path in sorted(shards)]
        Manifest(self.provenance, tuple(known)).write(self.folder)


def check_store(folder: Path) -> None:
    """Refuse a folder that holds other files under the names of a store's.

    Raises:
        InputError: it is a file, or has such files and no manifest of ours.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        return  # said when it is locked
    if (folder / NAME).is_file():
        Manifest.read(folder)
        return
    for name in (NAME, UNREADABLE, SHARDS, PENDING):
        path = folder / name
        if not os.path.lexists(path):
            continue
        begun = name in (SHARDS, PENDING) and not path.is_symlink() and path.is_dir()
        if not begun or any(path.iterdir()):
            raise InputError(
                f"{path}: is there already, and {folder} is no feature store (no {NAME}); move it away, or "
                "give another folder for the store"
            )


def _partial(folder: Path) -> Iterator[Path]:
    """Files that a writer had not finished when it was killed."""
    for place in (folder, folder / SHARDS, folder / PENDING):
        yield from (path for path in place.glob(f".*{PARTIAL}") if UNFINISHED.fullmatch(path.name))


def merge_shards(folder: Path, parts: Sequence[Part]) -> Shard:
    """Write the clips of ``parts``, in order of id, as one shard; a row group at a time is in memory."""
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
        with partial.open("wb") as file:
            with writer(file, footer) as shard:
                for some in _some(iter(clips), group):
                    rows = [_row(parts[at], row) for _, at, row in some]
                    shard.write_table(pa.concat_tables(rows).combine_chunks(), row_group_size=group)
            file.flush()
            os.fsync(file.fileno())
        digest = checksum(partial)
        path = folder / (digest[:32] + SUFFIX)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        raise InputError(f"cannot write to {folder} ({why}): make room, nothing was lost") from None
    return Shard(path.name, len(clips), path.stat().st_size, digest)


def describe_shard(path: Path) -> Shard:
    """A shard that is on disk and not yet in the manifest."""
    clips = len(Footer.of(pq.read_metadata(path).metadata).ids)
    return Shard(path.name, clips, path.stat().st_size, checksum(path))


def _row(part: Part, row: int) -> pa.Table:
    group, within = divmod(row, part.footer.group)
    with pq.ParquetFile(part.path) as file:
        table: pa.Table = file.read_row_group(group, use_threads=False).slice(within, 1)
        return table.replace_schema_metadata(None)


def _some(clips: Iterator[tuple[str, int, int]], count: int) -> Iterator[list[tuple[str, int, int]]]:
    while some := list(islice(clips, count)):
        yield some


def _batches(parts: Sequence[Part], limit: int) -> Iterator[list[Part]]:
    """Parts in runs of about ``limit`` bytes."""
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


def _locked(folder: Path) -> IO[bytes]:
    """The store's lock, held until it is closed or the program dies.

    Raises:
        InputError: another program holds it, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("ab")  # never emptied
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        raise InputError(f"cannot write to {folder} ({why}): give another folder for the store") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise InputError(f"{folder}: another program writes to this store; wait for it") from None
    return lock
