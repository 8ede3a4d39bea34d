"""Loads checkpoints that hold tensors only; no code is executed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from seac.core.errors import InputError


def load_state(path: Path, inside: str = "") -> dict[str, Tensor]:
    """Load the state dict in ``path`` on the CPU.

    safetensors cannot hold code; other files are read by torch's restricted unpickler (``weights_only``).

    Args:
        path: a ``.safetensors`` file, or one written by ``torch.save``.
        inside: key of the state dict, if the file is a dict that holds it.

    Raises:
        InputError: not a checkpoint, or one that holds other objects than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            tensors: dict[str, Tensor] = load_file(path)
            return tensors
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # The unpickler raises arbitrary exceptions on bytes that are not a pickle.
        raise InputError(
            f"{path} is not a checkpoint of tensors ({type(error).__name__}): run `seac weights verify`"
        ) from error
    if inside:
        content = content.get(inside) if isinstance(content, dict) else None
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        where = f" under {inside!r}" if inside else ""
        raise InputError(f"{path} holds no state dict{where}: pass the published checkpoint")
    return content


def load_network(network_class: Any, folder: Path, **options: Any) -> Any:
    """Load a transformers network strictly from ``config.json`` and ``model.safetensors`` in ``folder``.

    Args:
        network_class: class of the network.
        folder: local folder; nothing is downloaded.
        options: passed on to ``from_pretrained``.

    Raises:
        InputError: the folder holds another network, or lacks tensors of this one.
    """
    try:
        with _quiet():
            network, report = network_class.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True, **options
            )
    except Exception as error:  # transformers raises arbitrary exceptions on wrong files
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{folder} holds no {network_class.__name__} ({reason:.160}): run `seac weights verify`"
        ) from error
    missing = [*report["missing_keys"], *report["mismatched_keys"]]
    if missing:
        raise InputError(
            f"{folder} lacks {len(missing)} tensors of {network_class.__name__}: run `seac weights verify`"
        )
    return network


def library_class(name: str) -> Any:
    """Return a class of transformers by name.

    Raises:
        InputError: the installed version is older than the class.
    """
    import transformers

    try:
        return getattr(transformers, name)
    except AttributeError as error:
        raise InputError(
            f"transformers {transformers.__version__} has no {name}: pip install -U transformers"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress transformers' progress bars and warnings on standard error; errors are still raised."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def load_tokenizer(folder: Path) -> Any:
    """Load the transformers tokenizer in a folder; nothing is downloaded.

    Raises:
        InputError: the folder holds no tokenizer.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)  # nosec B615
    except Exception as error:
        raise InputError(
            f"{folder} holds no tokenizer ({type(error).__name__}): run `seac weights verify`"
        ) from error


def load_image_processor(kind: str, folder: Path) -> Any:
    """The image processor of transformers' in a folder; nothing is fetched.

    Without torchvision, transformers resizes with Pillow, which gives other pixels. Boxes may not depend on
    what is installed, so torchvision is required.

    Args:
        kind: the processor's class in transformers, by name.
        folder: holds ``preprocessor_config.json``.

    Raises:
        InputError: torchvision is not installed, or the folder holds no such processor.
    """
    if find_spec("torchvision") is None:
        raise InputError(f"{kind} needs torchvision: pip install 'seac[paper]'")
    processor = library_class(kind)
    try:
        return processor.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers answers to wrong files with any exception at all
        raise InputError(
            f"{folder} holds no {kind} ({type(error).__name__}): run `seac weights verify`"
        ) from error


def fingerprint(network: nn.Module) -> str:
    """Return twelve hexadecimal digits that identify the weights without hashing all of them.

    The digest covers the names and shapes of all tensors, and the first and last 8 values of each as float32.
    """
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        flat = value.detach().flatten()
        ends = torch.cat([flat[:8], flat[-8:]]).float().cpu()
        digest.update(f"{name} {tuple(value.shape)}".encode())
        digest.update(ends.numpy().tobytes())
    return digest.hexdigest()[:12]
