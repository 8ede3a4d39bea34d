"""All exports by name: formats, which show the decision, and writers of the networks' results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from seac.core.errors import InputError, unknown
from seac.core.registry import locate, rows
from seac.export.exporter import EXPORTERS, Exporter, exporter_class
from seac.export.exporter import KIND as FORMAT
from seac.export.writer import WRITERS, Writer

WRITER = "export"
DEFAULT_EXPORTS = ("overlay", "timeline", "report", "csv", "events-json", "srt", "vtt", "json")
"""What ``seac segment`` writes if nothing else is asked for."""
ExporterClass: TypeAlias = type[Exporter]
WriterClass: TypeAlias = type[Writer]


def list_formats() -> list[str]:
    """Names of the formats, in the order in which they are closed, then those of installed packages."""
    return list(rows(FORMAT, EXPORTERS))


def list_exports() -> list[str]:
    """Names of the formats and of the writers."""
    return [*list_formats(), *rows(WRITER, WRITERS)]


def exporter_classes(names: Iterable[str]) -> dict[str, ExporterClass]:
    """Classes of formats by name, in the order in which they are closed.

    Raises:
        InputError: a name is unknown, or is that of a writer of the networks' results.
    """
    for name in (given := tuple(names)):
        if name in WRITERS:
            raise InputError(
                f"{name} holds the results of the networks: write it by seac segment with --export {name}"
            )
    return {name: exporter_class(name) for name in sorted(dict.fromkeys(given), key=_order)}


def split_exports(names: Iterable[str]) -> tuple[dict[str, WriterClass], dict[str, ExporterClass]]:
    """Writers and formats by name; formats in the order in which they are closed.

    Raises:
        InputError: a name is unknown, or a class of another package cannot be imported.
    """
    given = tuple(names)
    writers, formats = rows(WRITER, WRITERS), list_formats()
    for name in given:
        if name not in writers and name not in formats:
            raise InputError(unknown(WRITER, name, (*formats, *writers)))
    chosen = {name: locate(WRITER, name, WRITERS) for name in given if name not in formats}
    return chosen, exporter_classes(name for name in given if name in formats)


def files_of(name: str) -> tuple[str, ...]:
    """What an export writes into its folder, as :func:`seac.core.ownership.check_names` takes it.

    Files of others under the names of an export that does not say are refused only once the work is done.

    Raises:
        InputError: as :func:`split_exports`.
    """
    if name in EXPORTERS:  # built-in names need no search through installed packages
        return tuple(exporter_class(name).files)
    if name in WRITERS:
        return tuple(getattr(locate(WRITER, name, WRITERS), "files", ()))
    writers, formats = split_exports((name,))
    return tuple(getattr((writers | formats)[name], "files", ()))


def parse_names(given: str, option: str = "--export") -> tuple[str, ...]:
    """Names of exports from ``"overlay,csv"``, each once.

    Args:
        given: the names.
        option: the option that they were given with.

    Raises:
        InputError: none is given.
    """
    names = tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    if not names:
        raise InputError(f"{option} names nothing: give some of {', '.join(list_exports())}")
    return names


def _order(name: str) -> int:
    known = list(EXPORTERS)
    return known.index(name) if name in known else -1
