"""The page docs/reference/json.md: the JSON files that seac writes, from the models that define them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from benchmarks.site.markdown import cell
from seac.evaluation.scores_file import ScoresRecord
from seac.export.event_record import EventsRecord
from seac.export.record import ClipRecord
from seac.results.decision_file import DecisionRecord

HEAD = """# JSON files

The models below define the files; fields that are not listed are refused. `python -m seac.export.record` and
`python -m seac.export.event_record` print JSON Schema. The tables of a result folder are in
[the result folder](../result_folder.md). Written by `python -m benchmarks.site`.
"""
FILES: tuple[tuple[str, type[BaseModel], str], ...] = (
    ("result.json", ClipRecord, "Results at the key frames; `seac segment --export json` writes it."),
    ("events.json", EventsRecord, "The events of a decision; `seac export --format events-json` writes it."),
    (
        "decision.json",
        DecisionRecord,
        "Options of the last decision; `seac segment` and `seac decide` write it.",
    ),
    ("scores.json", ScoresRecord, "Figures of an evaluation; `seac evaluate` writes it."),
)
"""File, the model that defines it, and what it is."""


def records_page() -> str:
    """The text of the page."""
    parts = [HEAD]
    for name, model, text in FILES:
        schema = model.model_json_schema()
        parts += [f"## {name}\n", text + "\n", fields(schema)]
        for title, part in schema.get("$defs", {}).items():
            parts += [f"### {title} in {name}\n", cell(str(part.get("description", ""))) + "\n", fields(part)]
    return "\n".join(parts)


def fields(schema: Mapping[str, Any]) -> str:
    """The table of the fields of an object of a schema."""
    rows = [
        f"| `{name}` | {type_of(found)} | {cell(str(found.get('description', '')))} |\n"
        for name, found in schema["properties"].items()
    ]
    return "| field | type | meaning |\n| --- | --- | --- |\n" + "".join(rows)


def type_of(found: Mapping[str, Any]) -> str:
    """The type of a field in words."""
    if "anyOf" in found:
        return " or ".join(type_of(each) for each in found["anyOf"])
    if "$ref" in found:
        return str(found["$ref"]).rpartition("/")[2]
    if "const" in found:
        return f"`{found['const']}`"
    return " of ".join((str(found.get("type", "any")), *items_of(found)))


def items_of(found: Mapping[str, Any]) -> Iterator[str]:
    """What an array or an object holds, if its schema says so."""
    if found.get("type") == "array":
        given = found.get("items") or {"anyOf": distinct(found.get("prefixItems", []))}
        yield type_of(given) if given.get("anyOf", True) else "any"
    elif isinstance(found.get("additionalProperties"), Mapping):
        yield type_of(found["additionalProperties"])


def distinct(schemas: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Schemas without repetitions, in order."""
    return [each for row, each in enumerate(schemas) if each not in schemas[:row]]
