"""All exports by name: writers of the networks' results, and exporters of the decision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeGuard

from seac.core.errors import InputError, unknown
from seac.core.registry import locate, rows
from seac.export.exporter import EXPORTERS, Exporter
from seac.export.writer import WRITERS, Writer

KIND = "export"
WriterClass, ExporterClass = type[Writer], type[Exporter]


def exports() -> dict[str, str]:
    """The built-in exports; exporters first, in the order in which they are closed."""
    return {**EXPORTERS, **WRITERS}


def export_class(name: str) -> WriterClass | ExporterClass:
    """The class of an export.

    Raises:
        InputError: no such export, or one of another package that cannot be imported.
    """
    found: WriterClass | ExporterClass = locate(KIND, name, exports())
    return found


def is_exporter(found: WriterClass | ExporterClass) -> TypeGuard[ExporterClass]:
    """Whether a class takes the decided masks of frames, and not the results of the networks."""
    return hasattr(found, "every_frame")


def files_of(name: str) -> tuple[str, ...]:
    """What an export writes into its folder, as :func:`seac.core.ownership.check_names` takes it.

    Files of others under the names of an export that does not say are refused only once the work is done.

    Raises:
        InputError: as :func:`export_class`.
    """
    return tuple(getattr(export_class(name), "files", ()))


def exporter_classes(names: Iterable[str]) -> dict[str, ExporterClass]:
    """Classes of exporters by name, in the order in which they are closed.

    Raises:
        InputError: a name is unknown, or is that of a writer of the networks' results.
    """
    given = tuple(names)
    found: dict[str, ExporterClass] = {}
    for name in sorted(given, key=_order):
        if name in WRITERS:
            raise InputError(
                f"{name} is written from the results of the networks: give it to seac segment with --export"
            )
        located = export_class(name) if name in rows(KIND, exports()) else None
        if located is None:
            raise InputError(unknown("format", name, [each for each in exports() if each not in WRITERS]))
        if not is_exporter(located):
            raise InputError(f"{name} takes the results of the networks: give it to seac segment")
        found[name] = located
    return found


def _order(name: str) -> int:
    known = list(EXPORTERS)
    return known.index(name) if name in known else -1


def parse_names(given: str) -> tuple[str, ...]:
    """Names of exports from ``"overlay,csv"``, each once.

    Raises:
        InputError: none is given.
    """
    names = tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    if not names:
        raise InputError(f"no export is named: give some of {', '.join(exports())}")
    return names


def split_exports(names: Sequence[str]) -> tuple[dict[str, WriterClass], dict[str, ExporterClass]]:
    """Writers and exporters by name; exporters in the order in which they are closed.

    Raises:
        InputError: as :func:`export_class`.
    """
    classes = {name: export_class(name) for name in sorted(names, key=_order)}
    writers = {name: found for name, found in classes.items() if not is_exporter(found)}
    return writers, {name: found for name, found in classes.items() if is_exporter(found)}
