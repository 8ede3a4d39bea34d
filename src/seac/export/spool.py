"""JSON files with long arrays, written item by item; memory does not grow with the length of an array."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any


class ArraySpool:
    """Collects the items of several arrays in temporary files and writes one JSON object at the end.

    Args:
        names: keys of the arrays.
    """

    def __init__(self, *names: str) -> None:
        self._parts: dict[str, IO[str]] = {name: _temporary() for name in names}
        self._counts = dict.fromkeys(names, 0)

    def append(self, name: str, item: Any) -> None:
        """Add an item to an array."""
        part = self._parts[name]
        part.write(",\n" if self._counts[name] else "\n")
        json.dump(item, part, separators=(",", ":"), allow_nan=False)
        self._counts[name] += 1

    def write(self, path: Path, head: Mapping[str, Any]) -> None:
        """Write ``head`` and the arrays as one JSON object, and remove the temporary files."""
        with path.open("w", encoding="utf-8") as file:
            file.write("{")
            for key, value in head.items():
                file.write(f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)},\n")
            for number, (name, part) in enumerate(self._parts.items()):
                file.write(f"{',' if number else ''}\n{json.dumps(name)}: [")
                _move(part, file)
                file.write("]")
            file.write("}\n")

    def write_array(self, path: Path, name: str) -> None:
        """Write one of the arrays as the whole file, and remove its temporary file."""
        with path.open("w", encoding="utf-8") as file:
            file.write("[")
            _move(self._parts[name], file)
            file.write("]\n")


def _temporary() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")


def _move(part: IO[str], file: IO[str]) -> None:
    part.seek(0)
    shutil.copyfileobj(part, file)
    part.close()
