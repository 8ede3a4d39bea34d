"""Size of the code base: options of commands, and lines by folder.

    python -m benchmarks.house

"accepted" counts the options of a command. "in the signature" counts the options in the signature of its
function; the others come from ``seac.cli.options.MODEL_OPTIONS``. "declared" counts options with their own
type and help text; an option shared by several commands is declared once.
"""

from __future__ import annotations

import ast
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, get_args

import typer

from benchmarks.tables import table
from seac.cli.app import COMMANDS
from seac.cli.options import MODEL_OPTIONS

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src/seac", "recipes", "benchmarks", "tests")


def functions_of(name: str) -> dict[str, Any]:
    """Functions of a command or of its subcommands, by command line."""
    module, member, _ = COMMANDS[name]
    found = getattr(import_module(module), member)
    if not isinstance(found, typer.Typer):
        return {name: found}
    commands = [(each.name, each.callback) for each in found.registered_commands]
    return {f"{name} {typed or function.__name__}": function for typed, function in commands if function}


def own_options(function: Any) -> dict[str, Any]:
    """Typer's options in the signature of a command's function, by parameter."""
    source = ast.parse(Path(import_module(function.__module__).__file__ or "").read_text(encoding="utf-8"))
    arguments = next(
        node.args
        for node in ast.walk(source)
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__
    )
    names = {each.arg for each in (*arguments.args, *arguments.kwonlyargs)} - {"model"}
    found = signature(function, eval_str=True).parameters
    return {name: get_args(found[name].annotation)[1] for name in names}


def options_table() -> list[str]:
    """Markdown: options of each command."""
    rows: list[list[str]] = []
    declared: set[int] = set()
    accepted_all = signature_all = 0
    for name in COMMANDS:
        for typed, function in functions_of(name).items():
            own, accepted = own_options(function), len(signature(function).parameters)
            new = {id(each) for each in own.values()} - declared
            declared |= new
            accepted_all, signature_all = accepted_all + accepted, signature_all + len(own)
            rows.append([f"seac {typed}", str(accepted), str(len(own)), str(len(new))])
    shared = [row for row in MODEL_OPTIONS.values() if row.help]
    rows.append(["options of the model", "", str(len(MODEL_OPTIONS)), str(len(shared))])
    total = len(declared) + len(shared)
    rows.append(["all", str(accepted_all), str(signature_all + len(MODEL_OPTIONS)), str(total)])
    return table(["command", "accepted", "in the signature", "declared"], rows)


def lines_table() -> list[str]:
    """Markdown: Python files and lines of each folder."""
    rows = []
    for folder in FOLDERS:
        parts = sorted(
            path for path in (ROOT / folder).iterdir() if path.is_dir() and path.name[0] not in "._"
        )
        for part in [ROOT / folder, *(parts if folder == "src/seac" else ())]:
            files = sorted(part.rglob("*.py"))
            if files:
                lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
                rows.append([str(part.relative_to(ROOT)), str(len(files)), str(lines)])
    return table(["folder", "files", "lines"], rows)


def main() -> None:
    """Print both tables."""
    print("\n".join([*options_table(), "", *lines_table()]))


if __name__ == "__main__":
    main()
