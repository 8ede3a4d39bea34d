"""Tables of classes by name: built-in rows, and rows of installed packages (entry points of ``seac.parts``).

A row is ``name: "package.module:Class"``. Another package adds rows by entry points::

    [project.entry-points."seac.parts"]
    "audio.mine" = "mine.encoder:MyEncoder"
    "export.mine" = "mine.export:MyExport"
    "format.mine" = "mine.export:MyFormat"
    "benchmark.mine" = "mine.data:MyBenchmark"
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from seac.core.errors import InputError, unknown

GROUP = "seac.parts"


def rows(kind: str, own: Mapping[str, str]) -> dict[str, str]:
    """Rows of a table, built-in rows first, then rows of installed packages; no class is imported.

    Args:
        kind: kind of part: "audio", "segmenter", "export", "format", "benchmark", ...
        own: the built-in rows; an installed package cannot replace them.
    """
    found = dict(own)
    for entry in entry_points(group=GROUP):
        entry_kind, _, name = entry.name.partition(".")
        if entry_kind == kind and name:
            found.setdefault(name, entry.value)
    return found


def check_row(kind: str, name: str, own: Mapping[str, str]) -> Mapping[str, str]:
    """The rows of a table that contains ``name``; entry points are read only if no built-in row matches.

    Raises:
        InputError: the table has no row ``name``.
    """
    known = own if name in own else rows(kind, own)
    if name not in known:
        raise InputError(unknown(kind.replace("_", " "), name, known))
    return known


def locate(kind: str, name: str, own: Mapping[str, str]) -> Any:
    """Import the class of a row.

    Args:
        kind: kind of part.
        name: name of the row.
        own: the built-in rows.

    Raises:
        InputError: the row is unknown, or belongs to another package whose class cannot be imported.
    """
    if name in own:
        return imported(own[name])
    known = check_row(kind, name, own)
    try:
        return imported(known[name])
    except Exception as error:  # the code of another package may raise anything
        raise InputError(
            f"{kind} {name!r} is {known[name]} of an installed package, which cannot be imported "
            f"({type(error).__name__}: {error}): fix or uninstall that package"
        ) from error


def imported(value: str) -> Any:
    """Import the object that ``package.module:Class`` names."""
    module, _, member = value.partition(":")
    return reduce(getattr, member.split("."), import_module(module))
