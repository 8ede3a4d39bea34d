"""Tables that name classes: own rows, and those of installed packages (entry points of ``seac.parts``).

A row is ``name: "package.module:Class"``. A package of one's own adds rows without a change here::

    [project.entry-points."seac.parts"]
    "audio.mine" = "mine.encoder:MyEncoder"
    "export.mine" = "mine.export:MyExport"
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
    """Rows of a table, its own first, then those of installed packages; nothing is imported.

    Args:
        kind: of what: "audio", "segmenter", "export", "benchmark", ...
        own: the table; none of its rows can be replaced from outside.
    """
    found = dict(own)
    for entry in entry_points(group=GROUP):
        entry_kind, _, name = entry.name.partition(".")
        if entry_kind == kind and name:
            found.setdefault(name, entry.value)
    return found


def check_row(kind: str, name: str, own: Mapping[str, str]) -> Mapping[str, str]:
    """The rows of a table, once a name is one of them; other packages are looked for only if it is no own row.

    Raises:
        InputError: it is none.
    """
    known = own if name in own else rows(kind, own)
    if name not in known:
        raise InputError(unknown(kind.replace("_", " "), name, known))
    return known


def locate(kind: str, name: str, own: Mapping[str, str]) -> Any:
    """The class that a row names.

    Args:
        kind: of what.
        name: of the row.
        own: the table.

    Raises:
        InputError: no such row, or a row of another package whose class cannot be imported.
    """
    if name in own:
        return imported(own[name])
    known = check_row(kind, name, own)
    try:
        return imported(known[name])
    except Exception as error:  # the code of another package may raise anything
        raise InputError(
            f"{kind} {name!r} is {known[name]} of an installed package, which cannot be imported "
            f"({type(error).__name__}: {error}): mend or uninstall that package"
        ) from error


def imported(value: str) -> Any:
    """What ``package.module:Class`` names."""
    module, _, member = value.partition(":")
    return reduce(getattr, member.split("."), import_module(module))
