"""The page docs/reference/cli.md: every command with its options, from the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from benchmarks.site.markdown import cell
from seac.cli import app

HEAD = """# Commands

The option `--help` of a command prints the same. Every command ends with 0 if it is done, 2 after wrong usage
or input, 130 if it was interrupted, 1 after an internal error. Written by `python -m benchmarks.site`.
"""
PANELS = ("Arguments", "Input", "Model", "Decision", "Run", "Output", "Options")
"""Groups of parameters, in the order of the page."""
EXTRA = re.compile(r"\s*\[(required|default: (.*))\]$")


def cli_page() -> str:
    """The text of the page."""
    parts = [HEAD]
    for name in app.available():
        root: Any = typer.main.get_command(app.application(name))
        parts += describe(f"seac {name}", root.commands[name])
    return "\n".join(parts)


def describe(path: str, command: Any) -> Iterator[str]:
    """The sections of a command and of the commands below it.

    Args:
        path: the command as it is typed.
        command: a click command or group.
    """
    yield f"## {path}\n"
    yield (command.help or "").strip() + "\n"
    if hasattr(command, "commands"):
        for name in sorted(command.commands):
            yield from describe(f"{path} {name}", command.commands[name])
        return
    context = command.make_context(command.name, [], resilient_parsing=True)
    usage = re.sub("[{}]", "", " ".join(command.collect_usage_pieces(context)))
    yield f"`{path} {usage}`\n"
    for panel, rows in grouped(command, context).items():
        yield f"**{panel}**\n"
        yield "| name | default | meaning |\n| --- | --- | --- |"
        yield "".join(f"| {' | '.join(row)} |\n" for row in rows)


def grouped(command: Any, context: Any) -> Mapping[str, list[tuple[str, str, str]]]:
    """Panel -> rows (name, default, meaning) of the parameters of a command."""
    found: dict[str, list[tuple[str, str, str]]] = {panel: [] for panel in PANELS}
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            argument = parameter.param_type_name == "argument"
            panel = "Arguments" if argument else getattr(parameter, "rich_help_panel", None) or "Options"
            found[panel].append(row(*record))
    return {panel: rows for panel, rows in found.items() if rows}


def row(name: str, text: str) -> tuple[str, str, str]:
    """Name, default and meaning from the two columns of ``--help``.

    Args:
        name: the parameter as it is typed.
        text: its meaning, with the default or "required" in brackets at the end.
    """
    default = EXTRA.search(text)
    meaning = EXTRA.sub("", text).strip()
    shown = "" if default is None else "required" if default[1] == "required" else f"`{default[2]}`"
    return f"`{name}`", shown, cell(meaning)
