"""``seac weights``: list, fetch, verify and import weights."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from seac.core.errors import InputError
from seac.weights.cache import Weights
from seac.weights.listing import lines, markdown, table
from seac.weights.record import Package, Record
from seac.weights.table import TABLE, records_for

app = typer.Typer(no_args_is_help=True, add_completion=False)

Names = Annotated[list[str] | None, typer.Argument(help="Weights or presets; all of them if none.")]
AsJson = Annotated[bool, typer.Option("--json", help="End standard output with a line of JSON.")]
Folder = Annotated[Path | None, typer.Option("--weights-dir", help="Folder of local weights.")]


def rows_for(names: list[str] | None) -> tuple[Record, ...]:
    """Records of the named weights and presets, without duplicates, in the order of the table."""
    chosen = {row.name for name in names or ["all"] for row in records_for(name)}
    return tuple(row for row in TABLE if row.name in chosen)


@app.command("list")
def show(
    names: Names = None,
    weights_dir: Folder = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table of the docs page.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List weights with size, licence and local state."""
    found = lines(rows_for(names), Weights(weights_dir))
    if as_markdown:
        sys.stdout.write(markdown(found))
    elif as_json:
        sys.stdout.write(json.dumps({"weights": [line.as_json() for line in found]}) + "\n")
    else:
        sys.stdout.write(table(found))


@app.command("get")
def get(
    names: Annotated[list[str], typer.Argument(help="Weights, a preset (its default parts), or all.")],
    mirror: Annotated[
        str, typer.Option(help="Mirror that serves the files in place of their sources; also SEAC_MIRROR.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Fetch weights into the cache; resumable, keeps complete files only."""
    from seac.jobs.download import download_bar

    got, refused = [], []
    weights = Weights(progress=download_bar)
    for row in rows_for(names):
        if isinstance(row.source, Package):
            continue
        try:
            for file in row.files:
                weights.get(row, file, mirror)
            got.append(row.name)
        except InputError as error:
            refused.append(str(error))
    if as_json:
        sys.stdout.write(json.dumps({"got": got, "refused": refused}) + "\n")
    if refused:
        raise InputError("; ".join(refused))
    sys.stderr.write(f"{len(got)} sets of weights are in {weights.root}\n")


@app.command("verify")
def verify(names: Names = None, as_json: AsJson = False) -> None:
    """Verify the checksums of all local files."""
    weights = Weights(fetch=False)
    answers = {
        f"{row.name}/{file.name}": weights.check(row, file, again=True)
        for row in rows_for(names)
        for file in row.files
    }
    here = {name: state for name, state in answers.items() if state != "missing"}
    damaged = [name for name, state in here.items() if state == "damaged"]
    if as_json:
        sys.stdout.write(json.dumps({"files": answers, "damaged": damaged}) + "\n")
    else:
        for name, state in here.items():
            sys.stdout.write(f"{state:8} {name}\n")
    if damaged:
        damaged_names = " ".join(sorted({name.split("/")[0] for name in damaged}))
        raise InputError(f"damaged: {', '.join(damaged)}: run `seac weights get {damaged_names}`")


@app.command("import")
def take(
    path: Annotated[Path, typer.Argument(help="File or folder that was fetched or trained.")],
    name: Annotated[
        str, typer.Option(help="Name of the weights; derived from the file name if not given.")
    ] = "",
) -> None:
    """Copy local files into the cache after a check against the published checksums."""
    taken = Weights(fetch=False).import_files(path, name)
    sys.stderr.write(f"imported {', '.join(file.name for file in taken)} into {taken[0].parent}\n")
