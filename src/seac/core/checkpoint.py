"""Files of weights that say what they are: tensors, and one note in the header."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from seac.core.errors import InputError

METADATA_KEY = "seac"
Weights = TypeVar("Weights")


def to_half(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as they are kept: half floats on the CPU.

    Raises:
        ValueError: a value is not finite in half precision.
    """
    half = {name: value.detach().cpu().half().contiguous() for name, value in state.items()}
    broken = [name for name, value in half.items() if not value.isfinite().all()]
    if broken:
        raise ValueError(f"{', '.join(broken)}: not finite in half precision, so nothing is written")
    return half


def save_with_metadata(state: dict[str, Tensor], metadata: Mapping[str, Any], path: Path) -> str:
    """Write tensors with what JSON can say of them, whole or not at all; the answer is the file's sha256."""
    # One note that holds all: several are written in no order, and equal weights should be equal files.
    content = save(state, {METADATA_KEY: json.dumps(metadata, sort_keys=True)})
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    temporary.replace(path)
    return hashlib.sha256(content).hexdigest()


def sub_state_dict(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors ``part.NAME`` of a file, by NAME."""
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}


def load_with_metadata(file: Path) -> tuple[dict[str, Tensor], dict[str, Any], str]:
    """The tensors as float32, the notes (none in a file of others), and the sha256.

    Raises:
        InputError: nothing there, or damaged.
    """
    try:
        with safe_open(file, "pt") as opened:
            metadata = json.loads((opened.metadata() or {}).get(METADATA_KEY, "{}"))
        content = file.read_bytes()
        state = {name: value.float() for name, value in load(content).items()}
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"{file} cannot be read as safetensors ({type(error).__name__})") from None
    return state, metadata, hashlib.sha256(content).hexdigest()


def load_shipped(
    path: str | os.PathLike[str],
    what: str,
    expected_format: str,
    build: Callable[[dict[str, Tensor], dict[str, Any], str], Weights],
) -> Weights:
    """Weights that ship with seac, which only another version of it could have written otherwise.

    Args:
        path: the file.
        what: what it should hold, in words.
        expected_format: what its note calls its format.
        build: the weights of the tensors, the notes and the sha256.

    Raises:
        InputError: nothing there, damaged, or another kind of weights.
    """
    file = Path(path)
    state, metadata, sha256 = load_with_metadata(file)
    if metadata.get("format") != expected_format:
        raise InputError(f"{file} holds other weights than {what}: reinstall seac")
    try:
        return build(state, metadata, sha256)
    except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
        raise InputError(
            f"{file} is of another version of seac ({type(error).__name__}): reinstall"
        ) from None
