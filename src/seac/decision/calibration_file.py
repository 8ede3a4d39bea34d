"""Calibration files: ``calibration.json`` in the folder of an association, or another JSON file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from seac.core.atomic import write_atomic
from seac.core.errors import InputError
from seac.decision.calibration import Calibration

NAME = "calibration.json"
FORMAT = "seac calibration 1"
MAX_CONSTANT = 1e30
"""Greatest magnitude of a constant."""
RETIRED = frozenset({"silence", "noise"})
"""Constants of earlier versions, which are ignored."""
CONSTANTS = frozenset(item.name for item in fields(Calibration)) - {"noise_gate"}
"""Constants of a file; ``noise_gate`` belongs to the sounding head of the model."""


def write(constants: Calibration, path: Path, provenance: Mapping[str, Any]) -> None:
    """Write constants and their provenance, atomically.

    Raises:
        InputError: the folder cannot be created or written.
    """
    values = {name: value for name, value in asdict(constants).items() if name in CONSTANTS}
    content = {"format": FORMAT, "constants": values, "made_of": dict(provenance)}
    write_atomic(path, json.dumps(content, indent=2) + "\n")


def is_calibration(path: Path) -> bool:
    """Whether a file holds a calibration of any version."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(values, dict) and str(values.get("format")).startswith("seac calibration ")


def read(path: str | os.PathLike[str]) -> Calibration:
    """Read the constants that :func:`write` wrote.

    Raises:
        InputError: the file does not exist or holds no calibration of this version.
    """
    file = Path(path)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{file}: {error.strerror or 'cannot be read'}; `seac calibrate` writes one"
        ) from None
    except (ValueError, RecursionError):
        raise InputError(f"{file}: not JSON; `seac calibrate` writes a calibration") from None
    values = (
        content.get("constants") if isinstance(content, dict) and content.get("format") == FORMAT else None
    )
    if (
        not isinstance(values, dict)
        or set(values) - RETIRED != CONSTANTS
        or not all(map(_number, values.values()))
    ):
        raise InputError(f"{file}: holds no calibration of this version; make one with `seac calibrate`")
    return Calibration(**{name: value for name, value in values.items() if name in CONSTANTS})


def beside(association: str | os.PathLike[str]) -> Path | None:
    """The calibration file in the folder of an association, if there is one."""
    folder = Path(association)
    path = (folder if folder.is_dir() else folder.parent) / NAME
    return path if path.is_file() else None


def _number(value: Any) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) <= MAX_CONSTANT  # false for NaN, and exact for integers beyond the range of floats
