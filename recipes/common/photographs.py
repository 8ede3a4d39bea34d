"""The index of a folder of annotated photographs, ``instances.jsonl``: one line a photograph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seac.core.errors import InputError

INDEX = "instances.jsonl"
FULL = ("coco80", "voc20", "lvis")
"""Vocabularies of which every instance is annotated."""
WHITE = "white_ground"
"""Quality of photographs of one thing on white paper."""


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """Lines of the index of a folder.

    Raises:
        InputError: the folder has no index.
    """
    index = folder / INDEX
    if not index.is_file():
        raise InputError(f"{index} does not exist: name a folder of annotated photographs")
    return [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]
