"""Check whether a folder holds the complete results of a run, so that an interrupted run can be resumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seac.core.errors import InputError
from seac.core.ownership import read_record


def file_state(path: Path) -> dict[str, Any]:
    """Name, size in bytes and modification time of a file."""
    stat = path.stat()
    return {"name": path.name, "bytes": stat.st_size, "changed": stat.st_mtime_ns}


def is_finished(folder: Path, provenance: Mapping[str, Any]) -> bool:
    """Whether ``folder`` holds the complete results of exactly this provenance."""
    try:
        record = read_record(folder)
    except InputError:
        return False
    expected = json.loads(json.dumps(provenance))
    return record.provenance == expected and all((folder / name).exists() for name in record.outputs)
