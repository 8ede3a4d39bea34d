"""Loads CLIP or PE-Core with open_clip from a folder of the hub; shared by image and text encoders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seac.core.errors import InputError
from seac.weights.load import load_state

CONFIG, STATE = "open_clip_config.json", "open_clip_model.safetensors"


def load_clip(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Load CLIP or CustomTextCLIP strictly from ``folder``, on the CPU; return it and its ``preprocess_cfg``.

    Raises:
        InputError: open_clip is not installed, or the folder holds another network.
    """
    try:
        from open_clip.model import CLIP, CustomTextCLIP
    except ImportError as error:
        raise InputError("CLIP needs open_clip: pip install 'seac[paper]'") from error
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        model = dict(config["model_cfg"])
        if model.pop("custom_text", False):
            network = CustomTextCLIP(**model)
        else:
            # All OpenAI weights were trained with QuickGELU, even if the configuration omits it.
            network = CLIP(**{**model, "quick_gelu": True})
        network.load_state_dict(load_state(folder / STATE))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{folder} holds no CLIP of open_clip ({type(error).__name__}): run `seac weights verify`"
        ) from error
    return network.float().eval().requires_grad_(False), dict(config.get("preprocess_cfg", {}))


def width_of(network: Any) -> int:
    """Return the dimension of the embeddings of a network of :func:`load_clip`."""
    return int(getattr(network, "text", network).text_projection.shape[1])
