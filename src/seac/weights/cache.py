"""Weights cache: resolves the name of a record to the path of its verified files.

A file is verified when it enters the cache. A stamp beside it (``FILE.seac.json``: length, modification time,
digest) then shows that the file is unchanged without reading it on every start. A file whose stamp is missing
or does not match is verified again before use.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import platformdirs

from seac.core.errors import InputError
from seac.weights.fetch import Fetch, FetchError, Progress, RetryPolicy, compute_sha256
from seac.weights.record import File, ManualDownload, OwnTraining, Package, Record
from seac.weights.table import TABLE, record

State = Literal["ready", "missing", "unchecked", "damaged"]
ProgressFactory = Callable[[Record, File], Progress]


def cache_folder() -> Path:
    """Return ``SEAC_CACHE``, or the platform's cache folder for seac."""
    chosen = os.environ.get("SEAC_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("seac"))


def offline() -> bool:
    """Return whether ``SEAC_OFFLINE`` forbids downloads."""
    return os.environ.get("SEAC_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def _silent(row: Record, file: File) -> Progress:
    return lambda done, total: None


@dataclass(frozen=True)
class Weights:
    """Finds weights by name: in the user's folder, in installed packages, in the cache, else downloads them.

    Attributes:
        folder: the user's folder (``--weights-dir``, or ``SEAC_WEIGHTS_DIR`` if None), searched first; its
            files are not verified, so that the user's own checkpoints can replace the published ones.
        cache: folder of downloaded files; None uses :func:`cache_folder`.
        fetch: whether missing weights are downloaded on first use.
        retry_policy: timeouts and attempts of a download.
        progress: returns the progress callback of a file that is being downloaded.
    """

    folder: Path | None = None
    cache: Path | None = None
    fetch: bool = True
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    progress: ProgressFactory = _silent

    @property
    def root(self) -> Path:
        """Folder that holds one folder per record."""
        return self.cache or cache_folder()

    def __call__(self, name: str) -> Path:
        """Return the path of record ``name``: its file if it has one, else its folder.

        Raises:
            InputError: unknown record, or files that are missing, damaged or cannot be downloaded.
        """
        row = record(name)
        user_path = self.own(row)
        if user_path is not None:
            return user_path
        for file in row.files:
            if self.state(row, file) in ("ready", "unchecked") and self.check(row, file) == "ready":
                continue
            self._restore(row, file)
        return self.path(row, row.files[0]) if len(row.files) == 1 else self.location(row)

    def location(self, row: Record) -> Path:
        """Return the folder of a record's files, whether or not they exist."""
        if not isinstance(row.source, Package):
            return self.root / row.name
        spec = find_spec(row.source.module)
        locations = list(spec.submodule_search_locations or ()) if spec else []
        return Path(locations[0] if locations else "not-installed") / row.source.folder

    def path(self, row: Record, file: File) -> Path:
        """Return the path of a record's file, whether or not it exists."""
        return self.location(row) / file.name

    def state(self, row: Record, file: File) -> State:
        """Return the state of a file without reading it: ready, missing or unchecked."""
        path = self.path(row, file)
        if not path.is_file():
            return "missing"
        stamp = self._stamp(path)
        now = path.stat()
        unchanged = stamp.get("size") == now.st_size and stamp.get("changed") == now.st_mtime_ns
        matches = str(stamp.get("sha256", "")).startswith(file.sha256)
        return "ready" if unchanged and matches else "unchecked"

    def check(self, row: Record, file: File, *, again: bool = False) -> State:
        """Verify the length and digest of a file against the table, or against its first download.

        Args:
            row: the record.
            file: one of its files.
            again: read the file even if its stamp matches.

        Returns:
            "ready", "missing" or "damaged".
        """
        state = self.state(row, file)
        if state == "missing" or (state == "ready" and not again):
            return state
        path = self.path(row, file)
        digest = compute_sha256(path)
        expected = file.sha256 or str(self._stamp(path).get("sha256", ""))
        if (file.exact and path.stat().st_size != file.size) or not digest.startswith(expected):
            return "damaged"
        self._set_stamp(row, path, digest)
        return "ready"

    def get(self, row: Record, file: File, mirror: str = "") -> Path:
        """Download one file into the cache, unless a verified one exists; return its path.

        Raises:
            InputError: the download is impossible or fails; the message describes the manual download.
        """
        if self.check(row, file) == "ready":
            return self.path(row, file)
        if isinstance(row.source, Package):
            raise InputError(f"{row.name} comes with a package: {row.source.page}")
        mirror = mirror or os.environ.get("SEAC_MIRROR", "")
        if offline():
            raise InputError(f"{row.name} is missing and SEAC_OFFLINE is set: {self._by_hand(row)}")
        if isinstance(row.source, ManualDownload | OwnTraining) and not mirror:
            raise InputError(f"{row.name} has no download address: {self._by_hand(row)}")
        target = self.path(row, file)
        self._clear(target)
        try:
            digest = Fetch(
                row.address(file, mirror),
                target,
                file.sha256,
                file.size if file.exact else 0,
                self.retry_policy,
                self.progress(row, file),
            ).run()
        except FetchError as error:
            raise InputError(
                f"{row.name}: {file.name} could not be downloaded, {error}: {self._by_hand(row)}"
            ) from error
        self._set_stamp(row, target, digest)
        return target

    def import_files(self, source: Path, name: str = "") -> list[Path]:
        """Copy manually downloaded files into the cache (``seac weights import``); return their paths.

        Args:
            source: a file, or a folder with a record's files.
            name: the record; if empty, it is inferred from the name of the file or folder.

        Raises:
            InputError: no file belongs to a record, or its digest or length differs from the table's.
        """
        row = record(name) if name else _find_record(source)
        if isinstance(row.source, Package):
            raise InputError(f"{row.name} comes with a package: {row.source.page}")
        paths = {
            file: source / file.name if source.is_dir() else source
            for file in row.files
            if (source / file.name).is_file() or (source.is_file() and source.name == Path(file.name).name)
        }
        if not paths:
            names = ", ".join(file.name for file in row.files)
            raise InputError(f"{source} holds no file of {row.name}: it needs {names}")
        return [self._import_file(row, file, path) for file, path in paths.items()]

    def _import_file(self, row: Record, file: File, source: Path) -> Path:
        digest, size = compute_sha256(source), source.stat().st_size
        if not digest.startswith(file.sha256) or (file.exact and size != file.size):
            raise InputError(
                f"{source} is not the published {file.name} (sha256 {digest[:12]}..., {size} bytes): "
                f"download it again from {row.source.page}"
            )
        target = self.path(row, file)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".part")
        shutil.copyfile(source, partial)
        if os.path.lexists(target) and not (target.is_file() and compute_sha256(target) == digest):
            self._clear(target)
        partial.replace(target)
        self._set_stamp(row, target, digest)
        return target

    def _clear(self, path: Path) -> None:
        """Free a path: a file that seac wrote is deleted, anything else is renamed to ``NAME.aside``."""
        if not os.path.lexists(path):
            return
        stamp, now = self._stamp(path), path.lstat()
        written_by_seac = stamp.get("size") == now.st_size and stamp.get("changed") == now.st_mtime_ns
        if written_by_seac and not path.is_symlink():
            path.unlink()
            return
        aside, count = path.with_name(path.name + ".aside"), 1
        while os.path.lexists(aside):
            aside, count = path.with_name(f"{path.name}.aside{count}"), count + 1
        path.rename(aside)

    def own(self, row: Record) -> Path | None:
        """Return the path in the user's folder: ``DIR/RECORD/FILE``, or ``DIR/FILE`` for one file; or None.

        Raises:
            InputError: the user's folder does not exist.
        """
        chosen = self.folder or os.environ.get("SEAC_WEIGHTS_DIR")
        if not chosen:
            return None
        folder = Path(chosen)
        if not folder.is_dir():
            raise InputError(f"--weights-dir {folder} is not a folder: pass one that holds the weights")
        locations = [folder / row.name, *([folder] if len(row.files) == 1 else [])]
        for location in locations:
            if all((location / file.name).is_file() for file in row.files):
                return location / row.files[0].name if len(row.files) == 1 else location
        return None

    def _restore(self, row: Record, file: File) -> None:
        """Download a missing or damaged file.

        Raises:
            InputError: the record has no download address, or downloads are disabled.
        """
        if isinstance(row.source, Package):
            state = "is damaged" if self.path(row, file).is_file() else "is not installed"
            raise InputError(
                f"{row.name} {state}: {row.source.page.replace('install', 'install --force-reinstall')}"
            )
        if not self.fetch or offline() or isinstance(row.source, ManualDownload | OwnTraining):
            state = "do not match their checksum" if self.path(row, file).is_file() else "are missing"
            raise InputError(f"weights {row.name} {state}: {self._by_hand(row)}")
        self.get(row, file)

    def _by_hand(self, row: Record) -> str:
        """Return how to get missing weights: the command, and the page of a manual download."""
        by_hand = f"{row.source.page}, then `seac weights import PATH --name {row.name}`"
        if isinstance(row.source, OwnTraining):
            return f"train them with `{row.source.page}`, then `seac weights import RUN --name {row.name}`"
        if isinstance(row.source, ManualDownload):
            return f"download {row.files[0].name} from {by_hand}"
        return f"run `seac weights get {row.name}`, or download the files from {by_hand}"

    def _stamp_path(self, path: Path) -> Path:
        # seac does not write into installed packages: their stamps are in the cache.
        if path.is_relative_to(self.root):
            return path.with_name(path.name + ".seac.json")
        return self.root / "packages" / (path.name + ".seac.json")

    def _stamp(self, path: Path) -> dict[str, object]:
        try:
            content = json.loads(self._stamp_path(path).read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _set_stamp(self, row: Record, path: Path, sha256: str) -> None:
        now = path.stat()
        stamp = {"record": row.name, "size": now.st_size, "changed": now.st_mtime_ns, "sha256": sha256}
        target = self._stamp_path(path)
        partial = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(stamp))
            partial.replace(target)
        except OSError:
            # With a read-only cache, the checksum is computed on every start.
            partial.unlink(missing_ok=True)


def _find_record(source: Path) -> Record:
    """Return the record whose file or folder name is that of ``source``.

    Raises:
        InputError: ``source`` does not exist, or no record or several records match.
    """
    if not source.exists():
        raise InputError(f"{source} does not exist: pass a downloaded file or folder")
    if source.is_dir():
        rows = [
            row
            for row in TABLE
            if source.name in (row.name, row.source.page.split("/tree/")[0].split("/")[-1])
        ]
    else:
        rows = [row for row in TABLE if any(Path(file.name).name == source.name for file in row.files)]
    if len(rows) != 1:
        reason = (
            f"several records match ({', '.join(row.name for row in rows)})" if rows else "no record matches"
        )
        raise InputError(f"{source.name}: {reason}: pass --name, see `seac weights list`")
    return rows[0]
