"""Files of weights that say what they are: tensors, and one note in the header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from seac.errors import InputError

NOTES = "seac"


def halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as they are kept: half floats on the CPU.

    Raises:
        ValueError: a value is not finite in half precision.
    """
    half = {name: value.detach().cpu().half().contiguous() for name, value in state.items()}
    broken = [name for name, value in half.items() if not value.isfinite().all()]
    if broken:
        raise ValueError(f"{', '.join(broken)}: not finite in half precision, so nothing is written")
    return half


def write_noted(state: dict[str, Tensor], notes: Mapping[str, Any], path: Path) -> str:
    """Write tensors with what JSON can say of them, whole or not at all; the answer is the file's sha256."""
    # One note that holds all: several are written in no order, and equal weights should be equal files.
    content = save(state, {NOTES: json.dumps(notes, sort_keys=True)})
    draft = path.with_name(path.name + ".tmp")
    draft.write_bytes(content)
    draft.replace(path)
    return hashlib.sha256(content).hexdigest()


def read_noted(file: Path) -> tuple[dict[str, Tensor], dict[str, Any], str]:
    """The tensors as float32, the notes (none in a file of others), and the sha256.

    Raises:
        InputError: nothing there, or damaged.
    """
    try:
        with safe_open(file, "pt") as opened:
            notes = json.loads((opened.metadata() or {}).get(NOTES, "{}"))
        content = file.read_bytes()
        state = {name: value.float() for name, value in load(content).items()}
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"{file} cannot be read as safetensors ({type(error).__name__})") from None
    return state, notes, hashlib.sha256(content).hexdigest()
