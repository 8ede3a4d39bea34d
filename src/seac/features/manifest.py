"""What a store says of itself (``manifest.json``), and what of it is really on disk.

::

    STORE/manifest.json         what made the features; name, clips, bytes and sha256 of every shard
    STORE/shards/*.parquet      many clips each, named after their checksum
    STORE/pending/*.parquet     one clip each, named likewise: what came since the last shard was closed
    STORE/unreadable.csv        id and reason of the clips that could not be read

Files appear under their name only when they are whole, and a shard names the files whose clips it took over.
So whatever moment a program dies at, what is on disk says which clips there are: the manifest is brought up
to date from it, and only it knows of a shard that was lost.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq

from seac.core.errors import InputError
from seac.features.schema import VERSION, Footer

NAME, SHARDS, PENDING, UNREADABLE = "manifest.json", "shards", "pending", "unreadable.csv"
SUFFIX, PARTIAL = ".parquet", ".part"


@dataclass(frozen=True)
class StoreProvenance:
    """What made the features of a store; two runs may write to one store if theirs are equal.

    Attributes:
        by: part or setting to what it is, as plain text.
        preset: the preset whose parts made them.
        mask_dim: d_m.
        audio_dim: d_a.
        sample_rate: Hz, of the waveforms.
    """

    by: Mapping[str, str]
    preset: str
    mask_dim: int
    audio_dim: int
    sample_rate: int

    def differences(self, other: StoreProvenance) -> list[str]:
        """What differs, as "name: this, not that"; empty if features of both may lie in one store."""
        ours, theirs = self._flat(), other._flat()
        names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        return [f"{name} {ours.get(name, 'unset')}, not {theirs.get(name, 'unset')}" for name in names]

    def _flat(self) -> dict[str, str]:
        sizes = {"mask_dim": self.mask_dim, "audio_dim": self.audio_dim, "sample_rate": self.sample_rate}
        # The preset is only a name for the parts, and the parts are compared.
        return {**self.by, **{name: str(value) for name, value in sizes.items()}}


@dataclass(frozen=True)
class Shard:
    """A shard as the manifest knows it."""

    name: str
    clips: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The whole file."""

    provenance: StoreProvenance
    shards: tuple[Shard, ...] = ()

    def write(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        content = {
            "version": VERSION,
            "made": asdict(self.provenance),
            "shards": [asdict(s) for s in self.shards],
        }
        write_atomic(folder / NAME, json.dumps(content, indent=1).encode())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of a store.

        Raises:
            InputError: there is none, or it is damaged or of another version.
        """
        path = folder / NAME
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"{folder}: no feature store (no {NAME}); make one with seac extract") from None
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read ({type(error).__name__}); restore it") from None
        version = found.get("version") if isinstance(found, dict) else None
        if version != VERSION:
            raise InputError(f"{path}: store of version {version}, this seac reads {VERSION}; extract anew")
        try:
            return cls(StoreProvenance(**found["made"]), tuple(Shard(**shard) for shard in found["shards"]))
        except (KeyError, TypeError):
            raise InputError(f"{path}: is damaged; restore it") from None


@dataclass(frozen=True)
class Part:
    """A file of a store that is there, with what it says of itself."""

    path: Path
    footer: Footer

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def fits(self) -> bool:
        """Whether it is the file that was written: its name begins its sha256. Every byte is read."""
        return checksum(self.path).startswith(self.path.stem)


@dataclass(frozen=True)
class StoreScan:
    """What is on disk.

    Attributes:
        parts: files that hold the store's clips: shards, then pending ones, in order of name.
        stale: files whose clips a shard took over before the program died; to be removed.
        missing: shards that the manifest names and nobody took over.
        damaged: files whose footer cannot be read.
    """

    parts: tuple[Part, ...]
    stale: tuple[Path, ...]
    missing: tuple[Shard, ...]
    damaged: tuple[Path, ...]


def scan_store(folder: Path, manifest: Manifest) -> StoreScan:
    """Look at every file of a store; footers alone are read."""
    paths = [*sorted((folder / SHARDS).glob("*" + SUFFIX)), *sorted((folder / PENDING).glob("*" + SUFFIX))]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(footer_of, paths))
    parts = [Part(path, footer) for path, footer in zip(paths, found, strict=True) if footer is not None]
    replaced = {name for part in parts for name in part.footer.replaces}
    there = {path.name for path in paths}
    return StoreScan(
        tuple(part for part in parts if part.name not in replaced),
        tuple(part.path for part in parts if part.name in replaced),
        tuple(shard for shard in manifest.shards if shard.name not in there | replaced),
        tuple(path for path, footer in zip(paths, found, strict=True) if footer is None),
    )


def footer_of(path: Path) -> Footer | None:
    """What a file says of itself; None if it is no file of a store."""
    try:
        return Footer.of(pq.read_metadata(path).metadata)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, to the disk, then rename it.

    Raises:
        InputError: the folder takes no files.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        raise InputError(f"cannot write to {path.parent} ({why}): make room or give another store") from None


def checksum(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
