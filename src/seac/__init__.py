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
    from seac.video.predictor import VideoPredictor

# Names that bring torch with them are imported when they are first used: `import seac` stays quick.
LAZY = {
    "load": "seac.presets.load",
    "SeAC": "seac.pipeline",
    "FrameResult": "seac.core.result",
    "VideoPredictor": "seac.video.predictor",
}

__all__ = ["FrameResult", "InputError", "SeAC", "VideoPredictor", "__version__", "load"]


def __getattr__(name: str) -> Any:
    if name in LAZY:
        return getattr(import_module(LAZY[name]), name)
    raise AttributeError(f"module 'seac' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
