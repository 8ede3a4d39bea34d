"""The pixels of what you hear: segment, associate, classify.

``model = seac.load("tiny"); result = model(image, waveform, sample_rate)``
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seac._version import __version__
from seac.core.errors import InputError

if TYPE_CHECKING:
    from seac.core.result import FrameResult
    from seac.pipeline import SeAC
    from seac.presets.load import load
    from seac.presets.spec import ModelSpec
    from seac.presets.table import list_parts, list_presets
    from seac.results.reader import VideoResult, open_result
    from seac.video.predictor import VideoPredictor

# What brings torch with it is imported when it is first used: `import seac` stays quick.
LAZY = {
    "FrameResult": "seac.core.result",
    "ModelSpec": "seac.presets.spec",
    "SeAC": "seac.pipeline",
    "VideoPredictor": "seac.video.predictor",
    "VideoResult": "seac.results.reader",
    "list_parts": "seac.presets.table",
    "list_presets": "seac.presets.table",
    "load": "seac.presets.load",
    "open_result": "seac.results.reader",
}

__all__ = [
    "FrameResult",
    "InputError",
    "ModelSpec",
    "SeAC",
    "VideoPredictor",
    "VideoResult",
    "__version__",
    "list_parts",
    "list_presets",
    "load",
    "open_result",
]


def __getattr__(name: str) -> Any:
    if name in LAZY:
        return getattr(import_module(LAZY[name]), name)
    raise AttributeError(f"module 'seac' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
