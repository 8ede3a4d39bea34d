"""The pixels of what you hear: segment, associate, classify."""

from __future__ import annotations

from seac._version import __version__

__all__ = ["__version__"]
