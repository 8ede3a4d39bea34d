"""Reading the released file, strictly, and writing one like it."""

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
    """The network of a checkpoint, on the CPU, float32, in eval mode.

    Args:
        path: what ``torch.save`` wrote, the state dict under the key ``model``; or a safetensors file. Widths
            are read off the tensors; names are the released ones, no more and no less.
        text_config: RoBERTa's sizes, if they are not the base size's with other widths.

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
        # Something is missing: compare with the released network to say what.
        sizes, text = Sizes(), text_config or base_text()
    network = _without_memory(sizes, text, path)
    check(state, network.state_dict(), path)
    network.load_state_dict(state, assign=True)
    restore_buffers(network.transformer.text_encoder)
    return network


def _without_memory(sizes: Sizes, text: RobertaConfig, path: Path) -> MDefDetr:
    """The network before it has weights: nothing is drawn, nothing is allocated."""
    try:
        with torch.device("meta"):
            return MDefDetr(text, sizes)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path} has widths that no MDef-DETR has ({error}): pass its checkpoint") from None


def check(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path) -> None:
    """Compare names and shapes.

    Raises:
        InputError: they differ; the line names the first entries.
    """
    missing = [name for name in wanted if name not in given]
    unexpected = [name for name in given if name not in wanted]
    reshaped = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted
        if name in given and given[name].shape != wanted[name].shape
    ]
    faults = [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in (("missing", missing), ("unexpected", unexpected), ("misshapen", reshaped))
        if names
    ]
    if faults:
        raise InputError(f"{path} is not MDef-DETR's checkpoint: {'; '.join(faults)}: pass the released file")


def save(network: MDefDetr, path: str | PathLike[str], dtype: torch.dtype | None = None) -> None:
    """Write a checkpoint that :func:`load` reads, under the released names.

    Args:
        network: whose weights.
        path: ``.safetensors``, or anything else for ``torch.save`` with the key ``model``.
        dtype: of the floating-point tensors; None keeps theirs.
    """
    path = Path(path)
    # Copies, because safetensors takes no shared memory, and the six heads are one.
    state = {name: _copied(tensor, dtype) for name, tensor in network.state_dict().items()}
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        if path.suffix == ".safetensors":
            save_file(state, partial)
        else:
            torch.save({"model": state}, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _copied(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    wanted = dtype if tensor.is_floating_point() else None
    return tensor.detach().to("cpu", wanted, copy=True).contiguous()
