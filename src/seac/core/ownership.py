"""The record of what seac wrote into a folder: nothing else that is there is ever replaced or removed.

``.seac.json`` lists files by their path in the folder, each with its length, time of change and sha256, or by
name alone while a run that rewrites them goes on. A file that was changed since is its user's again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from seac.core.atomic import removed_unless_kept, write_atomic, write_error
from seac.core.errors import InputError

RECORD = ".seac.json"
FORMAT = "seac files 1"
BEFORE_STATES = re.compile(r"masks/\d{6,}\.png")
"""What a folder's name stands for in records that had names only."""

State = Mapping[str, Any]
Earlier = Callable[[Path], Callable[[str], bool]]
"""Of a folder without a record: which files in it an earlier version surely wrote."""


def nothing_earlier(folder: Path) -> Callable[[str], bool]:
    """No file of a folder without a record is ours."""
    return lambda name: False


@dataclass(frozen=True)
class FolderRecord:
    """What seac wrote into a folder.

    Attributes:
        files: path in the folder to the states in which the file may be; none means any.
        provenance: what the last whole run was made of; None if it is not to be gone on with.
        made: paths that this run wrote.
        complete: whether it lists all that seac wrote there; records of earlier versions do not.
    """

    files: Mapping[str, Sequence[State]] = field(default_factory=dict)
    provenance: Any = None
    made: tuple[str, ...] = ()
    complete: bool = False

    def write(self, folder: Path) -> None:
        """Write it, whole or not at all.

        Raises:
            InputError: the folder cannot be written.
        """
        content = {
            "format": FORMAT,
            "made_of": self.provenance,
            "made": sorted(self.made),
            "files": {name: list(states) for name, states in sorted(self.files.items())},
        }
        write_atomic(folder / RECORD, json.dumps(content) + "\n")

    def owns(self, folder: Path, name: str) -> bool:
        """Whether a file of the folder is as it was written."""
        return name in self.files and _fits(folder / name, self.files[name])


def read_record(folder: Path) -> FolderRecord:
    """The record of a folder; an empty one if there is none.

    Raises:
        InputError: there is a file of that name which is no record.
    """
    path = folder / RECORD
    if not os.path.lexists(path):
        return FolderRecord()
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        if not path.is_symlink():
            content = json.loads(path.read_text(encoding="utf-8"))
            files, provenance = content["files"], content["made_of"]
            if content.get("format") == FORMAT:
                states = {str(name): [dict(state) for state in found] for name, found in files.items()}
                return FolderRecord(states, provenance, tuple(map(str, content["made"])), complete=True)
            if "format" not in content and isinstance(files, list) and isinstance(provenance, dict):
                return FolderRecord({str(name): [] for name in files}, provenance, tuple(map(str, files)))
    raise InputError(f"{path}: is no record of seac; move it away, or give another folder for the results")


def state_of(path: Path) -> State:
    """What tells a file from any other: length, time of change, sha256."""
    found = path.stat()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": found.st_size, "changed": found.st_mtime_ns, "sha256": digest}


def check_names(
    folder: Path,
    names: Iterable[str],
    inputs: Iterable[Path | None] = (),
    earlier: Earlier = nothing_earlier,
) -> None:
    """Refuse to write files into a folder where others of these names are.

    Args:
        folder: where to; it need not be there.
        names: paths in it, ``DIR/PATTERN`` for files of a folder of ours, ``DIR/`` for all of it.
        inputs: files that are read, which are never replaced, even if seac wrote them once.
        earlier: which files an earlier version wrote; asked where there is no record.

    Raises:
        InputError: something is there that no record calls ours, a link, or an input.
    """
    names = tuple(names)
    _check_inputs(folder, names, inputs)
    if os.path.lexists(folder) and not folder.is_dir():
        raise InputError(f"cannot write to {folder} (a file, which cannot be a folder): give another folder")
    patterns: dict[str, list[str]] = {}
    for name in names:
        patterns.setdefault(name.split("/")[0], []).append(name)
    # Names first, the record then: another process of the same run records before it writes.
    there = [top for top in patterns if os.path.lexists(folder / top)]
    ours = _ownership(folder, read_record(folder), earlier)
    for top in there:
        for path in _foreign(folder, top, patterns[top], ours):
            raise InputError(
                f"{path}: is there already, and not as seac wrote it; move it away, or give another place "
                "for the results"
            )


@contextmanager
def claim(
    folder: Path,
    names: Sequence[str],
    inputs: Iterable[Path | None] = (),
    earlier: Earlier = nothing_earlier,
    *,
    leads: bool = True,
) -> Iterator[None]:
    """Make a folder and record names in it as ours, for a run that rewrites its files while it goes on.

    A block that ends leaves a record of the files as they are then; one that fails before it wrote any of
    them leaves nothing.

    Args:
        folder: of the run.
        names: as for :func:`check_names`.
        inputs: as for :func:`check_names`.
        earlier: as for :func:`check_names`.
        leads: whether this process writes; others of the same run only check.

    Raises:
        InputError: something else is there under these names, or the folder cannot be made.
    """
    check_names(folder, names, inputs, earlier)
    if not leads:
        yield
        return
    with removed_unless_kept(folder) as keep:
        before = read_record(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: cannot be a folder ({error.strerror}); give another one") from None
        claimed: dict[str, Sequence[State]] = {name: [] for name in names}
        replace(before, files={**before.files, **claimed}, complete=True).write(folder)
        try:
            yield
        except BaseException:
            if any(os.path.lexists(folder / name) for name in names):
                keep()
                _settle(folder, claimed)
            elif before.complete:
                before.write(folder)
            else:
                (folder / RECORD).unlink(missing_ok=True)
            raise
        keep()
        _settle(folder, claimed)


def _settle(folder: Path, claimed: Mapping[str, Sequence[State]]) -> None:
    """Record claimed files as they are now."""
    states = {name: [state_of(folder / name)] for name in claimed if (folder / name).is_file()}
    now = read_record(folder)
    replace(now, files={**now.files, **claimed, **states}).write(folder)


def move_in(
    temporary: Path,
    folder: Path,
    *,
    inputs: Iterable[Path | None] = (),
    earlier: Earlier = nothing_earlier,
    provenance: Any = None,
    last: str = "",
) -> None:
    """Move the content of a temporary folder into another one and record it there.

    Files of ours in folders of the same name that are not made any more are removed; what others put there
    stays.

    Args:
        temporary: a folder on the same disk.
        folder: where its content goes.
        inputs: as for :func:`check_names`.
        earlier: as for :func:`check_names`.
        provenance: what the content was made of, for :attr:`FolderRecord.provenance`.
        last: the file that is moved after all others.

    Raises:
        InputError: something else is there under these names.
        OSError: the folder cannot be written.
    """
    paths = sorted(temporary.rglob("*"), key=lambda path: (path.name == last, path.as_posix()))
    new = {path.relative_to(temporary).as_posix(): path for path in paths if path.is_file()}
    folders = {path.relative_to(temporary).as_posix() for path in paths if path.is_dir()}
    if not new and not folders:
        return
    check_names(folder, new, inputs, earlier)
    before = read_record(folder)
    ours = _ownership(folder, before, earlier)
    known = before.files if before.complete else _adopted(folder, ours)
    old = {name for top in folders for name in _files_in(folder, top) if ours(name)} - set(new)
    states = {name: state_of(path) for name, path in new.items()}
    # Killed on the way, a file is as it was or as it will be: both are ours.
    either = {name: [*_states_now(folder, name, ours), state] for name, state in states.items()}
    leftover = {name: _states_now(folder, name, ours) for name in old}
    replace(before, files={**known, **leftover, **either}, provenance=None, complete=True).write(folder)
    for name in old:
        (folder / name).unlink(missing_ok=True)
    for name in sorted(folders):
        (folder / name).mkdir(exist_ok=True)
    for name, path in new.items():
        path.replace(folder / name)
    kept = {name: found for name, found in known.items() if name not in old}
    files = {**kept, **{name: [state] for name, state in states.items()}}
    FolderRecord(files, provenance, tuple(new), complete=True).write(folder)


def _ownership(folder: Path, record: FolderRecord, earlier: Earlier) -> Callable[[str], bool]:
    """Whether a file of a folder is ours, by its record, else by what an earlier version wrote."""
    if record.complete:
        return lambda name: record.owns(folder, name)
    asked: list[Callable[[str], bool]] = []

    def ours(name: str) -> bool:
        top = name.split("/")[0]
        if record.owns(folder, name) or (top in record.files and BEFORE_STATES.fullmatch(name)):
            return not (folder / top).is_symlink() and _fits(folder / name, [])
        if not asked:
            asked.append(earlier(folder))
        return _fits(folder / name, []) and asked[0](name)

    return ours


def _foreign(folder: Path, top: str, names: Sequence[str], ours: Callable[[str], bool]) -> Iterator[Path]:
    """What is in the way of names that begin with ``top``, and is not ours."""
    path = folder / top
    if top in names:
        if not ours(top):
            yield path
        return
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    if f"{top}/" in names:  # a folder as a whole: recorded by name, or nothing in it
        if any(path.iterdir()) and not ours(f"{top}/"):
            yield path
        return
    held = {name: ours(name) for name in _files_in(folder, top)}
    exact = set(names)
    patterns = [name for name in names if "*" in name]
    for found, own in held.items():
        if not own and (found in exact or any(fnmatchcase(found, pattern) for pattern in patterns)):
            yield folder / found
    if held and not any(held.values()):
        yield path


def _files_in(folder: Path, top: str) -> Iterator[str]:
    """Paths, in ``folder``, of everything in one of its folders; links are not followed."""
    if (folder / top).is_symlink():
        return
    for path in sorted((folder / top).rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _fits(path: Path, states: Sequence[State]) -> bool:
    """Whether a file is in one of some states; links never are."""
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
        digest = state_of(path)["sha256"]  # a copy of the folder has other times
        return any(state.get("sha256") == digest for state in states)
    except OSError:
        return False


def _adopted(folder: Path, ours: Callable[[str], bool]) -> dict[str, Sequence[State]]:
    """Files that an earlier version wrote, as they are now."""
    names = [path.name for path in folder.iterdir() if path.is_file()]
    return {name: [state_of(folder / name)] for name in [*names, *_files_in(folder, "masks")] if ours(name)}


def _states_now(folder: Path, name: str, ours: Callable[[str], bool]) -> list[State]:
    return [state_of(folder / name)] if ours(name) else []


def _check_inputs(folder: Path, names: Iterable[str], inputs: Iterable[Path | None]) -> None:
    """Refuse to write where an input lies.

    Raises:
        InputError: an input lies under one of the names.
    """
    tops = {name.split("/")[0] for name in names}
    place = folder.resolve()
    for given in inputs:
        if given is None:
            continue
        for path in (given.resolve(), given.parent.resolve() / given.name):
            if path.is_relative_to(place) and path != place and path.relative_to(place).parts[0] in tops:
                raise InputError(
                    f"{given}: is read, and a result would take its place in {folder}; give another folder "
                    "for the results"
                )


def writable(folder: Path) -> None:
    """Try a folder that results shall go to; one that was not there is not there afterwards.

    Raises:
        InputError: it cannot be made or written.
    """
    trial = folder / f".seac-trial-{os.getpid()}"
    with removed_unless_kept(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            trial.touch()
            trial.unlink()
        except OSError as error:
            raise write_error(folder, error) from None
