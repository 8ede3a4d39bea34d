"""Runners that end badly; they import nothing, so that their processes start at once."""

from __future__ import annotations

import os
import time
from typing import Any

DYING = f"{__name__}:DyingRunner"
DEAF = f"{__name__}:DeafRunner"


class DyingRunner:
    """The process dies with every video."""

    def __init__(self, model: Any) -> None: ...

    def segment(self, *given: Any) -> None:
        os._exit(7)


class DeafRunner:
    """Never says anything, and never ends."""

    def __init__(self, model: Any) -> None: ...

    def segment(self, *given: Any) -> None:
        time.sleep(1000)
