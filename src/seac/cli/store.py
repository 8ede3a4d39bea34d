"""``seac store``: inspect, verify and compact a feature store."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options
from seac.core.errors import InputError
from seac.core.text import printable

app = typer.Typer(no_args_is_help=True, add_completion=False)

Folder = Annotated[Path, typer.Argument(help="Feature store from seac extract.", metavar="STORE")]
AsJson = options.AsJson


@app.command()
def info(
    store: Folder,
    ids: Annotated[bool, typer.Option("--ids", help="List the ids of all clips.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the content and the provenance of a store."""
    from seac.features.reader import open_store
    from seac.features.unreadable import read_unreadable

    opened = open_store(store)
    counts = opened.proposals
    record = {
        "store": str(store),
        "clips": len(opened),
        "frames": int((counts > 0).sum()),
        "masks": int(counts.sum()),
        "bytes": opened.size,
        "shards": len(opened.manifest.shards),
        "unreadable": len(read_unreadable(store)),
        "preset": opened.preset,
        "mask_dim": opened.mask_dim,
        "audio_dim": opened.audio_dim,
        "sample_rate": opened.sample_rate,
        "provenance": dict(opened.provenance),
    }
    if ids:
        sys.stdout.write("".join(f"{printable(clip_id)}\n" for clip_id in opened.ids))
    else:
        for name, value in record.items():
            if isinstance(value, dict):
                sys.stdout.write(
                    "".join(f"  {printable(f'{part}: {what}')}\n" for part, what in value.items())
                )
            else:
                sys.stdout.write(f"{name}: {printable(str(value))}\n")
    if as_json:
        sys.stdout.write(json.dumps(record) + "\n")


@app.command()
def verify(
    store: Folder,
    deep: Annotated[bool, typer.Option("--deep", help="Also read every clip and decode its masks.")] = False,
    as_json: AsJson = False,
) -> None:
    """Verify the checksums of all files; exit code 2 on errors."""
    from seac.features.verify import verify as verify_store

    verdict = verify_store(store, deep=deep)
    if as_json:
        sys.stdout.write(json.dumps({"store": str(store), **verdict.__dict__}) + "\n")
    refuse_damaged(store, verdict.problems)
    sys.stderr.write(
        f"{store}: {verdict.clips} clips, {verdict.frames} frames, {verdict.bytes} bytes: whole\n"
    )


@app.command()
def compact(store: Folder) -> None:
    """Pack the single-clip files of an interrupted extraction into shards."""
    from seac.features.manifest import Manifest
    from seac.features.verify import verify as verify_store
    from seac.features.writer import StoreWriter

    # A writer drops missing shards and writes new checksums for copied data, which would hide the damage.
    refuse_damaged(store, verify_store(store).problems)
    provenance = Manifest.read(store).provenance
    with StoreWriter(store, provenance) as writer:
        writer.compact()
        sys.stderr.write(f"{store}: {len(writer)} clips\n")


def refuse_damaged(store: Path, problems: Sequence[str]) -> None:
    """Refuse a damaged store.

    Raises:
        InputError: the store is damaged; the message names the first problems.
    """
    if problems:
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise InputError(
            f"{store}: {'; '.join(problems[:5])}{more}: remove damaged files and run seac extract "
            "again, which extracts their clips again"
        )
