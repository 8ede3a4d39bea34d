"""The manifest of a feature store (``manifest.json``), and the scan of the files on disk.

::

    STORE/manifest.json         provenance of the features; name, clips, bytes and sha256 of each shard
    STORE/shards/*.parquet      many clips each, named after their checksum
    STORE/pending/*.parquet     one clip each, named after their checksum: clips added since the last shard
    STORE/unreadable.csv        id and reason of the clips that could not be read

All files are written atomically, and a shard lists the files that it replaces. After a crash the clips of the
store follow from the files on disk, and the manifest is updated from them. Lost shards are found by comparing
the manifest with the files.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, NonNegativeInt, PositiveInt, TypeAdapter, ValidationError

from seac.core.atomic import replace_durably
from seac.core.errors import InputError
from seac.features.schema import VERSION, Footer

NAME, SHARDS, PENDING, UNREADABLE = "manifest.json", "shards", "pending", "unreadable.csv"
SUFFIX, PARTIAL = ".parquet", ".part"


@dataclass(frozen=True)
class StoreProvenance:
    """Models and settings that made the features of a store; runs may share a store if these are equal.

    Attributes:
        by: versions of models and values of settings, by name.
        preset: name of the preset.
        mask_dim: dimension d_m of mask embeddings.
        audio_dim: dimension d_a of audio embeddings.
        sample_rate: sample rate of the waveforms in Hz.
    """

    by: Mapping[str, str]
    preset: str
    mask_dim: PositiveInt
    audio_dim: PositiveInt
    sample_rate: PositiveInt

    def differences(self, other: StoreProvenance) -> list[str]:
        """Differences as "name value, not other value"; empty if both may write to one store."""
        values, others = self._flatten(), other._flatten()
        names = [name for name in {**values, **others} if values.get(name) != others.get(name)]
        return [f"{name} {values.get(name, 'unset')}, not {others.get(name, 'unset')}" for name in names]

    def _flatten(self) -> dict[str, str]:
        sizes = {"mask_dim": self.mask_dim, "audio_dim": self.audio_dim, "sample_rate": self.sample_rate}
        # The name of the preset is not compared, because its models and settings are.
        return {**self.by, **{name: str(value) for name, value in sizes.items()}}


@dataclass(frozen=True)
class Shard:
    """The manifest's entry for a shard."""

    name: str
    clips: NonNegativeInt
    bytes: NonNegativeInt
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


@dataclass(frozen=True)
class Manifest:
    """The content of ``manifest.json``."""

    provenance: StoreProvenance
    shards: tuple[Shard, ...] = ()

    def write(self, folder: Path) -> None:
        """Write the manifest atomically."""
        content = {
            "version": VERSION,
            "made": asdict(self.provenance),
            "shards": [asdict(s) for s in self.shards],
        }
        write_atomic(folder / NAME, json.dumps(content, indent=1).encode())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a store.

        Raises:
            InputError: the manifest is missing, damaged or of another version.
        """
        path = folder / NAME
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"{folder}: no feature store (no {NAME}); make one with seac extract") from None
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path}: cannot be read ({type(error).__name__}); restore it") from None
        version = found.get("version") if isinstance(found, dict) else None
        if version != VERSION:
            raise InputError(f"{path}: store of version {version}, this seac reads {VERSION}; extract again")
        try:
            return _CONTENT.validate_python({"provenance": found["made"], "shards": found["shards"]})
        except (KeyError, ValidationError):
            raise InputError(f"{path}: is damaged; restore it") from None


_CONTENT = TypeAdapter(Manifest)


@dataclass(frozen=True)
class Part:
    """A data file of a store with its footer."""

    path: Path
    footer: Footer

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.path.name

    def matches_checksum(self) -> bool:
        """Whether the sha256 of the content begins with the name of the file."""
        return checksum(self.path).startswith(self.path.stem)


@dataclass(frozen=True)
class StoreScan:
    """The data files of a store on disk.

    Attributes:
        parts: files that hold the clips of the store: shards, then pending files, in order of name.
        stale: files that a shard replaces and that were not removed because the program was killed.
        missing: shards of the manifest that are not on disk and that no shard replaces.
        damaged: files with an unreadable footer.
    """

    parts: tuple[Part, ...]
    stale: tuple[Path, ...]
    missing: tuple[Shard, ...]
    damaged: tuple[Path, ...]


def scan_store(folder: Path, manifest: Manifest) -> StoreScan:
    """List the data files of a store and read their footers."""
    paths = [*sorted((folder / SHARDS).glob("*" + SUFFIX)), *sorted((folder / PENDING).glob("*" + SUFFIX))]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read_footer, paths))
    parts = [Part(path, footer) for path, footer in zip(paths, found, strict=True) if footer is not None]
    replaced = {name for part in parts for name in part.footer.replaces}
    existing = {path.name for path in paths}
    return StoreScan(
        tuple(part for part in parts if part.name not in replaced),
        tuple(part.path for part in parts if part.name in replaced),
        tuple(shard for shard in manifest.shards if shard.name not in existing | replaced),
        tuple(path for path, footer in zip(paths, found, strict=True) if footer is None),
    )


def read_footer(path: Path) -> Footer | None:
    """The footer of a data file; None if the file cannot be read or has no footer of a store."""
    try:
        metadata = pq.read_metadata(path)
        footer = Footer.from_metadata(metadata.metadata)
        return footer if metadata.num_rows == len(footer.ids) else None
    except (OSError, ValueError, pa.ArrowException):
        return None


def write_atomic(path: Path, content: bytes) -> None:
    """Write a temporary file, flush it to the disk, then rename it.

    Raises:
        InputError: the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        with partial.open("wb") as file:
            file.write(content)
        replace_durably(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise InputError(
            f"cannot write to {path.parent} ({reason}): free disk space or give another store"
        ) from None


def checksum(path: Path) -> str:
    """The sha256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
