"""OpenAI's CLIP through open_clip, from a folder of the hub's: what its vision and its text encoder share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seac.core.errors import InputError
from seac.weights.load import load_state

CONFIG, STATE = "open_clip_config.json", "open_clip_model.safetensors"


def load_clip(folder: Path) -> tuple[Any, dict[str, Any]]:
    """open_clip's CLIP with the weights in ``folder``, strictly, on the CPU, and its ``preprocess_cfg``.

    Raises:
        InputError: open_clip is not installed, or the folder holds something else.
    """
    try:
        from open_clip.model import CLIP
    except ImportError as error:
        raise InputError("CLIP needs open_clip: pip install 'seac[paper]'") from error
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        # All of OpenAI's weights were trained with QuickGELU, whether the file says so or not.
        network = CLIP(**{**config["model_cfg"], "quick_gelu": True})
        network.load_state_dict(load_state(folder / STATE))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{folder} holds no CLIP of open_clip ({type(error).__name__}): run `seac weights verify`"
        ) from error
    return network.float().eval().requires_grad_(False), dict(config.get("preprocess_cfg", {}))
