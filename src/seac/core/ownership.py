"""The record of the files that seac wrote into a folder; seac replaces and removes no other files.

``.seac.json`` lists files by their path in the folder, each with its size, modification time and sha256.
While a run rewrites a file, the record lists the file by name alone. A file that was changed after seac wrote
it no longer counts as written by seac.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from seac.core.atomic import discard_new_folders, sync, write_atomic, write_error
from seac.core.errors import InputError

RECORD = ".seac.json"
FORMAT = "seac files 1"
LEGACY_MASK_NAME = re.compile(r"masks/\d{6,}\.png")
"""Mask files that an entry ``masks`` covers in records without file states."""

MAX_SYNCED = 64
"""Greatest number of files of a folder that are flushed one by one."""

State = Mapping[str, Any]
LegacyLookup = Callable[[Path], Callable[[str], bool]]
"""Maps a folder without a record to a predicate: whether an earlier version of seac wrote the named file."""


def no_legacy_files(folder: Path) -> Callable[[str], bool]:
    """A predicate that is False for every file: no earlier version wrote into ``folder``."""
    return lambda name: False


@dataclass(frozen=True)
class FolderRecord:
    """What seac wrote into a folder.

    Attributes:
        files: path in the folder to the states in which the file may be; none means any.
        provenance: settings and inputs of the last complete run; None if the run cannot be resumed.
        outputs: paths that the last run wrote.
        complete: whether all files written by seac are listed; False for records of earlier versions.
    """

    files: Mapping[str, Sequence[State]] = field(default_factory=dict)
    provenance: Any = None
    outputs: tuple[str, ...] = ()
    complete: bool = False

    def write(self, folder: Path) -> None:
        """Write the record atomically.

        Raises:
            InputError: the folder cannot be written.
        """
        content = {
            "format": FORMAT,
            "made_of": self.provenance,
            "made": sorted(self.outputs),
            "files": {name: list(states) for name, states in sorted(self.files.items())},
        }
        write_atomic(folder / RECORD, json.dumps(content) + "\n")

    def owns(self, folder: Path, name: str) -> bool:
        """Whether a file of the folder is listed and unchanged since it was written."""
        return name in self.files and _matches_any_state(folder / name, self.files[name])


def read_record(folder: Path) -> FolderRecord:
    """The record of a folder; an empty record if there is none.

    Raises:
        InputError: a file called :data:`RECORD` exists and is not a record.
    """
    path = folder / RECORD
    if not os.path.lexists(path):
        return FolderRecord()
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        if not path.is_symlink():
            content = json.loads(path.read_text(encoding="utf-8"))
            files, provenance = content["files"], content["made_of"]
            if content.get("format") == FORMAT:
                states = {str(name): [dict(state) for state in found] for name, found in files.items()}
                return FolderRecord(states, provenance, tuple(map(str, content["made"])), complete=True)
            if "format" not in content and isinstance(files, list) and isinstance(provenance, dict):
                return FolderRecord({str(name): [] for name in files}, provenance, tuple(map(str, files)))
    raise InputError(f"{path}: not a record of seac; move the file, or give another folder for the results")


def compute_state(path: Path) -> State:
    """The state of a file: size in bytes, modification time in nanoseconds, sha256."""
    found = path.stat()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": found.st_size, "changed": found.st_mtime_ns, "sha256": digest}


def check_names(
    folder: Path,
    names: Iterable[str],
    inputs: Iterable[Path | None] = (),
    legacy: LegacyLookup = no_legacy_files,
) -> None:
    """Check that writing files into a folder replaces only files that seac wrote.

    Args:
        folder: the folder to write into; it need not exist.
        names: paths in the folder; ``DIR/PATTERN`` for files of a subfolder, ``DIR/`` for a whole subfolder.
        inputs: files that the run reads; they are never replaced, even if seac wrote them.
        legacy: finds files of earlier versions in a folder without a record.

    Raises:
        InputError: one of the names is a file that seac did not write, a link, or an input.
    """
    names = tuple(names)
    _check_inputs(folder, names, inputs)
    if os.path.lexists(folder) and not folder.is_dir():
        raise InputError(f"cannot write to {folder} (it is a file): give another folder")
    patterns: dict[str, list[str]] = {}
    for name in names:
        patterns.setdefault(name.split("/")[0], []).append(name)
    # List names before reading the record: another process of the same run records before it writes.
    existing = [top for top in patterns if os.path.lexists(folder / top)]
    is_owned = _ownership(folder, read_record(folder), legacy)
    for top in existing:
        for path in _find_conflicts(folder, top, patterns[top], is_owned):
            raise InputError(
                f"{path}: exists already and was not written by seac or was changed since; move it, or give "
                "another folder for the results"
            )


@contextmanager
def claim(
    folder: Path,
    names: Sequence[str],
    inputs: Iterable[Path | None] = (),
    legacy: LegacyLookup = no_legacy_files,
    *,
    is_main: bool = True,
) -> Iterator[None]:
    """Create a folder and record names in it as written by seac, for a run that rewrites its files.

    At the end of the block the record holds the current state of the files. A block that fails before it has
    written any of the files leaves the folder as it was.

    Args:
        folder: the folder of the run.
        names: as for :func:`check_names`.
        inputs: as for :func:`check_names`.
        legacy: as for :func:`check_names`.
        is_main: whether this process writes; the other processes of the same run only check.

    Raises:
        InputError: files of other origin have these names, or the folder cannot be created.
    """
    check_names(folder, names, inputs, legacy)
    if not is_main:
        yield
        return
    with discard_new_folders(folder) as keep:
        before = read_record(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot create {folder} ({error.strerror}): give another folder") from None
        claimed: dict[str, Sequence[State]] = {name: [] for name in names}
        replace(before, files={**before.files, **claimed}, complete=True).write(folder)
        try:
            yield
        except BaseException:
            if any(os.path.lexists(folder / name) for name in names):
                keep()
                _record_states(folder, claimed)
            elif before.complete:
                before.write(folder)
            else:
                (folder / RECORD).unlink(missing_ok=True)
            raise
        keep()
        _record_states(folder, claimed)


def _record_states(folder: Path, claimed: Mapping[str, Sequence[State]]) -> None:
    """Record the current states of claimed files."""
    states = {name: [compute_state(folder / name)] for name in claimed if (folder / name).is_file()}
    now = read_record(folder)
    replace(now, files={**now.files, **claimed, **states}).write(folder)


def move_files(
    temporary: Path,
    folder: Path,
    *,
    inputs: Iterable[Path | None] = (),
    legacy: LegacyLookup = no_legacy_files,
    provenance: Any = None,
    last: Sequence[str] = (),
    adds: bool = False,
) -> None:
    """Move the content of a temporary folder into another folder and record it there.

    In subfolders of the same name, files that seac wrote earlier and that are not part of the new content are
    removed. Files of other origin stay.

    Args:
        temporary: a folder on the same file system.
        folder: the destination.
        inputs: as for :func:`check_names`.
        legacy: as for :func:`check_names`.
        provenance: settings and inputs of the content, for :attr:`FolderRecord.provenance`.
        last: names of files that are moved after all others.
        adds: whether the content belongs to that of the last run; its provenance and outputs are then kept.

    Raises:
        InputError: files of other origin have these names.
        OSError: the folder cannot be written.
    """
    paths = sorted(temporary.rglob("*"), key=lambda path: (path.name in last, path.as_posix()))
    new = {path.relative_to(temporary).as_posix(): path for path in paths if path.is_file()}
    folders = {path.relative_to(temporary).as_posix() for path in paths if path.is_dir()}
    if not new and not folders:
        return
    check_names(folder, new, inputs, legacy)
    before = read_record(folder)
    is_owned = _ownership(folder, before, legacy)
    known = before.files if before.complete else _find_legacy_states(folder, is_owned)
    old = {name for top in folders for name in _list_files(folder, top) if is_owned(name)} - set(new)
    states = {name: compute_state(path) for name, path in new.items()}
    # If the process is killed between two moves, each file is in its old or in its new state: record both.
    either = {name: [*_current_states(folder, name, is_owned), state] for name, state in states.items()}
    leftover = {name: _current_states(folder, name, is_owned) for name in old}
    replace(before, files={**known, **leftover, **either}, provenance=None, complete=True).write(folder)
    _sync_content(new)
    for name in old:
        (folder / name).unlink(missing_ok=True)
    for name in sorted(folders):
        (folder / name).mkdir(exist_ok=True)
    for name, path in new.items():
        path.replace(folder / name)
    for name in ("", *folders):  # the record says that a run is complete, so that it must reach the disk last
        sync(folder / name)
    kept = {name: found for name, found in known.items() if name not in old}
    files = {**kept, **{name: [state] for name, state in states.items()}}
    outputs = tuple({**dict.fromkeys(before.outputs), **new}) if adds else tuple(new)
    FolderRecord(files, before.provenance if adds else provenance, outputs, complete=True).write(folder)


def _sync_content(new: Mapping[str, Path]) -> None:
    """Flush new files to the disk, except those of folders with many, which are made from the others."""
    counts = Counter(path.parent for path in new.values())
    for path in new.values():
        if counts[path.parent] <= MAX_SYNCED:
            sync(path)


def _ownership(folder: Path, record: FolderRecord, legacy: LegacyLookup) -> Callable[[str], bool]:
    """A predicate: whether seac wrote the named file, by the record or, without one, by ``legacy``."""
    if record.complete:
        return lambda name: record.owns(folder, name)
    cached: list[Callable[[str], bool]] = []

    def is_owned(name: str) -> bool:
        top = name.split("/")[0]
        if record.owns(folder, name) or (top in record.files and LEGACY_MASK_NAME.fullmatch(name)):
            return not (folder / top).is_symlink() and _matches_any_state(folder / name, [])
        if not cached:
            cached.append(legacy(folder))
        return _matches_any_state(folder / name, []) and cached[0](name)

    return is_owned


def _find_conflicts(
    folder: Path, top: str, names: Sequence[str], is_owned: Callable[[str], bool]
) -> Iterator[Path]:
    """Paths under ``top`` that ``names`` would replace and that seac did not write."""
    path = folder / top
    if top in names:
        if not is_owned(top):
            yield path
        return
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    if f"{top}/" in names:  # a whole folder must be recorded by name or be empty
        if any(path.iterdir()) and not is_owned(f"{top}/"):
            yield path
        return
    present = {name: is_owned(name) for name in _list_files(folder, top)}
    exact = set(names)
    patterns = [name for name in names if "*" in name]
    for found, own in present.items():
        if not own and (found in exact or any(fnmatchcase(found, pattern) for pattern in patterns)):
            yield folder / found
    if present and not any(present.values()):
        yield path


def _list_files(folder: Path, top: str) -> Iterator[str]:
    """Paths, relative to ``folder``, of files and links in its subfolder ``top``; follows no links."""
    if (folder / top).is_symlink():
        return
    for path in sorted((folder / top).rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _matches_any_state(path: Path, states: Sequence[State]) -> bool:
    """Whether a file has one of ``states``; without states any file or folder matches. Links never match."""
    try:
        found = path.lstat()
        if stat.S_ISDIR(found.st_mode):
            return not states
        if not stat.S_ISREG(found.st_mode):
            return False
        if not states or any(
            state.get("bytes") == found.st_size and state.get("changed") == found.st_mtime_ns
            for state in states
        ):
            return True
        if all(state.get("bytes") != found.st_size for state in states):
            return False
        digest = compute_state(path)["sha256"]  # a copied folder has other modification times
        return any(state.get("sha256") == digest for state in states)
    except OSError:
        return False


def _find_legacy_states(folder: Path, is_owned: Callable[[str], bool]) -> dict[str, Sequence[State]]:
    """Current states of the files that an earlier version of seac wrote."""
    names = [path.name for path in folder.iterdir() if path.is_file()]
    return {
        name: [compute_state(folder / name)]
        for name in [*names, *_list_files(folder, "masks")]
        if is_owned(name)
    }


def _current_states(folder: Path, name: str, is_owned: Callable[[str], bool]) -> list[State]:
    return [compute_state(folder / name)] if is_owned(name) else []


def _check_inputs(folder: Path, names: Iterable[str], inputs: Iterable[Path | None]) -> None:
    """Check that no input would be replaced.

    Raises:
        InputError: an input has one of the names.
    """
    tops = {name.split("/")[0] for name in names}
    root = folder.resolve()
    for given in inputs:
        if given is None:
            continue
        for path in (given.resolve(), given.parent.resolve() / given.name):
            if path.is_relative_to(root) and path != root and path.relative_to(root).parts[0] in tops:
                raise InputError(
                    f"{given}: is read as an input and would be replaced by a result in {folder}; give "
                    "another folder for the results"
                )


def ensure_writable_folder(folder: Path) -> None:
    """Check that files can be written into a folder; a folder that did not exist is removed again.

    Raises:
        InputError: the folder cannot be created or written.
    """
    trial = folder / f".seac-trial-{os.getpid()}"
    with discard_new_folders(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            trial.touch()
            trial.unlink()
        except OSError as error:
            raise write_error(folder, error) from None
