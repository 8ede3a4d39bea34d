"""What a folder of results was made of, so that a run over many clips goes on where it was interrupted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seac.core.atomic import write_whole

NOTE = ".seac.json"


def file_state(path: Path) -> dict[str, Any]:
    """What tells a file from another of its name: size in bytes and time of change."""
    stat = path.stat()
    return {"name": path.name, "bytes": stat.st_size, "changed": stat.st_mtime_ns}


def is_finished(folder: Path, made_of: Mapping[str, Any]) -> bool:
    """Whether ``folder`` holds all that was made of exactly this."""
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        return bool(
            note["made_of"] == json.loads(json.dumps(made_of))
            and all((folder / name).exists() for name in note["files"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def begin(folder: Path) -> None:
    """From here on the folder is not what its note says."""
    (folder / NOTE).unlink(missing_ok=True)


def finish(folder: Path, made_of: Mapping[str, Any], files: Sequence[str]) -> None:
    """Note what ``files`` in ``folder`` were made of, whole or not at all."""
    write_whole(folder / NOTE, json.dumps({"made_of": made_of, "files": sorted(files)}) + "\n")
