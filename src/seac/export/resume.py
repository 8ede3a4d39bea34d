"""Whether a folder holds what would be made, so that an interrupted run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seac.core.errors import InputError
from seac.core.ownership import read_record


def file_state(path: Path) -> dict[str, Any]:
    """What tells a file from another of its name: size in bytes and time of change."""
    stat = path.stat()
    return {"name": path.name, "bytes": stat.st_size, "changed": stat.st_mtime_ns}


def is_finished(folder: Path, provenance: Mapping[str, Any]) -> bool:
    """Whether ``folder`` holds all that was made of exactly this."""
    try:
        record = read_record(folder)
    except InputError:
        return False
    wanted = json.loads(json.dumps(provenance))
    return record.provenance == wanted and all((folder / name).exists() for name in record.made)
