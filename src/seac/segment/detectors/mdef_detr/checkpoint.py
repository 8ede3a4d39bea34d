"""Reads the released checkpoint strictly, and writes checkpoints in the same format."""

from __future__ import annotations

import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import RobertaConfig

from seac.core.errors import InputError
from seac.segment.detectors.mdef_detr.network import MDefDetr
from seac.segment.detectors.mdef_detr.sizes import Sizes, base_text, sizes_in, text_in
from seac.segment.detectors.mdef_detr.text import restore_buffers
from seac.weights.load import load_state

IGNORED = "transformer.text_encoder.embeddings.position_ids"


def load(path: str | PathLike[str], text_config: RobertaConfig | None = None) -> MDefDetr:
    """Load the network of a checkpoint on the CPU, in float32 and evaluation mode.

    Args:
        path: a file of ``torch.save`` with the state dict under the key ``model``, or a safetensors file.
            Widths are inferred from the tensors; names must be exactly the released ones.
        text_config: configuration of RoBERTa, if it differs from the base size in more than its widths.

    Raises:
        InputError: not a checkpoint, or entries are missing, unexpected or of another shape.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is not a file: pass MDef-DETR's checkpoint, see `seac weights list`")
    state = load_state(path, inside="model")
    state = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
        if name != IGNORED
    }
    try:
        sizes, text = sizes_in(state), text_config or text_in(state)
    except (KeyError, IndexError, ValueError):
        # An entry is missing: the comparison with the released network reports which.
        sizes, text = Sizes(), text_config or base_text()
    network = _build_on_meta(sizes, text, path)
    check(state, network.state_dict(), path)
    network.load_state_dict(state, assign=True)
    restore_buffers(network.transformer.text_encoder)
    return network


def _build_on_meta(sizes: Sizes, text: RobertaConfig, path: Path) -> MDefDetr:
    """Build the network on the meta device: no memory is allocated and no weights are initialised."""
    try:
        with torch.device("meta"):
            return MDefDetr(text, sizes)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path} has widths that no MDef-DETR has ({error}): pass its checkpoint") from None


def check(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Compare the names and shapes of a state dict with the expected ones.

    Raises:
        InputError: names or shapes differ; the message lists the first entries.
    """
    missing = [name for name in expected if name not in state]
    unexpected = [name for name in state if name not in expected]
    misshapen = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in state and state[name].shape != expected[name].shape
    ]
    faults = [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in (("missing", missing), ("unexpected", unexpected), ("misshapen", misshapen))
        if names
    ]
    if faults:
        raise InputError(f"{path} is not MDef-DETR's checkpoint: {'; '.join(faults)}: pass the released file")


def save(network: MDefDetr, path: str | PathLike[str], dtype: torch.dtype | None = None) -> None:
    """Write a checkpoint that :func:`load` reads, under the released names.

    Args:
        network: network whose weights are written.
        path: ``.safetensors``, or any other suffix for ``torch.save`` with the key ``model``.
        dtype: dtype of the floating-point tensors; None keeps it.
    """
    path = Path(path)
    # Tensors are copied: safetensors rejects shared memory, and the six heads share their weights.
    state = {name: _copy(tensor, dtype) for name, tensor in network.state_dict().items()}
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        if path.suffix == ".safetensors":
            save_file(state, partial)
        else:
            torch.save({"model": state}, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _copy(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    target_dtype = dtype if tensor.is_floating_point() else None
    return tensor.detach().to("cpu", target_dtype, copy=True).contiguous()
