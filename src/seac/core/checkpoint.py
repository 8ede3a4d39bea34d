"""Weights files in the safetensors format, with one JSON metadata entry in the header."""

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

from seac.core.atomic import replace_durably
from seac.core.errors import InputError

METADATA_KEY = "seac"
Weights = TypeVar("Weights")


def to_half(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as float16 on the CPU, the precision that weights are stored in.

    Raises:
        ValueError: a value is not finite in half precision.
    """
    half = {name: value.detach().cpu().half().contiguous() for name, value in state.items()}
    broken = [name for name, value in half.items() if not value.isfinite().all()]
    if broken:
        raise ValueError(f"{', '.join(broken)}: not finite in half precision, so nothing is written")
    return half


def save_with_metadata(state: dict[str, Tensor], metadata: Mapping[str, Any], path: Path) -> str:
    """Write tensors with JSON metadata atomically and return the sha256 of the file."""
    # One entry only: safetensors writes several in no fixed order, and equal weights should give equal files.
    content = save(state, {METADATA_KEY: json.dumps(metadata, sort_keys=True)})
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    replace_durably(temporary, path)
    return hashlib.sha256(content).hexdigest()


def sub_state_dict(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors called ``prefix.NAME``, by NAME."""
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}


def load_with_metadata(file: Path) -> tuple[dict[str, Tensor], dict[str, Any], str]:
    """The tensors as float32, the metadata (empty if seac did not write the file), and the sha256.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        with safe_open(file, "pt") as opened:
            metadata = json.loads((opened.metadata() or {}).get(METADATA_KEY, "{}"))
        if not isinstance(metadata, dict):
            raise ValueError("the metadata of seac is no mapping")
        content = file.read_bytes()
        state = {name: value.float() for name, value in load(content).items()}
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise InputError(f"{file} cannot be read as safetensors ({type(error).__name__})") from None
    return state, metadata, hashlib.sha256(content).hexdigest()


def load_shipped(
    path: str | os.PathLike[str],
    what: str,
    expected_format: str,
    build: Callable[[dict[str, Tensor], dict[str, Any], str], Weights],
) -> Weights:
    """Load a weights file that ships with seac.

    Args:
        path: the file.
        what: description of the expected weights, for error messages.
        expected_format: required value of ``format`` in the metadata.
        build: builds the result from the tensors, the metadata and the sha256.

    Raises:
        InputError: the file is missing, damaged, of another format or of another version of seac.
    """
    return _load(path, expected_format, build, f" than {what}: reinstall seac", "reinstall seac")


def load_trained(
    path: str | os.PathLike[str],
    expected_format: str,
    build: Callable[[dict[str, Tensor], dict[str, Any], str], Weights],
) -> Weights:
    """Load a weights file that ``seac train`` wrote; the arguments are those of :func:`load_shipped`.

    Raises:
        InputError: the file is missing, damaged, of another format or of another version of seac.
    """
    other = ": give a folder or file that `seac train` wrote"
    return _load(path, expected_format, build, other, "train again")


def _load(
    path: str | os.PathLike[str],
    expected_format: str,
    build: Callable[[dict[str, Tensor], dict[str, Any], str], Weights],
    other: str,
    remedy: str,
) -> Weights:
    """Load a file; ``other`` is said of another format, ``remedy`` of another version."""
    file = Path(path)
    state, metadata, sha256 = load_with_metadata(file)
    if metadata.get("format") != expected_format:
        raise InputError(f"{file} holds other weights{other}")
    try:
        return build(state, metadata, sha256)
    except InputError:
        raise
    except Exception as error:  # the builders trust the metadata, and damaged metadata may hold anything
        raise InputError(f"{file} is of another version of seac ({type(error).__name__}): {remedy}") from None
