"""Render all layouts into a folder atomically."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipes.common.composites.layouts import LAYOUTS
from recipes.common.composites.media import Media
from seac.core.atomic import TEMPORARY_SUFFIX, write_error
from seac.core.errors import InputError
from seac.core.ownership import RECORD, FolderRecord, compute_state, read_record

DEFAULT_COUNTS: Mapping[str, int] = {name: layout.count for name, layout in LAYOUTS.items()}


def render_composites(
    media: Media,
    out: Path,
    seed: int = 0,
    counts: Mapping[str, int] = DEFAULT_COUNTS,
    split: str = "test",
) -> dict[str, Any]:
    """Render benchmarks; the same media, seed and counts give the same bytes.

    Args:
        media: cut-outs, recordings and backgrounds.
        out: folder with a subfolder per layout; an earlier unchanged rendering is replaced.
        seed: seed of all random choices.
        counts: number of clips by name of :data:`LAYOUTS`; layouts with 0 or no entry are left out.
        split: split of all clips, "train", "val" or "test"; VGG-SS has only "test".

    Returns:
        media, seed, counts and split, as in the record ``.seac.json`` in ``out``.

    Raises:
        InputError: ``out`` holds other files or cannot be written, or a media file cannot be used.
    """
    check_replaceable(out)
    chosen = {name: counts[name] for name in LAYOUTS if counts.get(name, 0) > 0}
    provenance = {"media": media.fingerprint(), "seed": seed, "counts": chosen, "split": split}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{out.name}{TEMPORARY_SUFFIX}-", dir=out.parent) as scratch:
            rendered = Path(scratch) / "rendered"
            for name, count in chosen.items():
                folder = rendered / LAYOUTS[name].folder
                folder.mkdir(parents=True)
                LAYOUTS[name].write(media, folder, count, seed, split)
            write_record(rendered, provenance)
            replace_folder(rendered, out, Path(scratch) / "earlier")
    except OSError as error:
        raise write_error(out, error) from None
    return provenance


def write_record(folder: Path, provenance: Mapping[str, Any]) -> None:
    """Write the record of all files of a rendered folder."""
    folder.mkdir(exist_ok=True)
    files = {
        path.relative_to(folder).as_posix(): [compute_state(path)]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    FolderRecord(files, dict(provenance), tuple(files), complete=True).write(folder)


def check_replaceable(out: Path) -> None:
    """Check that ``out`` is missing or holds only an unchanged rendering.

    Raises:
        InputError: ``out`` holds other files, or is no folder.
    """
    if not os.path.lexists(out):
        return
    if out.is_symlink() or not out.is_dir():
        raise InputError(f"{out}: is no folder; give a new folder for the composites")
    record = read_record(out)
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if (path.is_symlink() or not path.is_dir()) and name != RECORD and not record.owns(out, name):
            raise InputError(
                f"{path}: is there already, and not as this command wrote it; give a new folder for the "
                "composites"
            )


def replace_folder(rendered: Path, out: Path, aside: Path) -> None:
    """Replace ``out`` by ``rendered``; an existing ``out`` is moved to ``aside`` and restored on an error."""
    if out.exists():
        check_replaceable(out)
        out.rename(aside)
    try:
        rendered.rename(out)
    except OSError:
        if aside.exists():
            aside.rename(out)
        raise
    shutil.rmtree(aside, ignore_errors=True)
