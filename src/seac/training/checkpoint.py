"""Checkpoints of a run; a resumed run gives the same result as an uninterrupted one.

The random choices of a step (order, frames, mixtures, dropout) depend on a seed that is computed from the
run's seed and the step's number, so a checkpoint stores no random state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from seac.core.atomic import replace_durably
from seac.core.errors import InputError
from seac.training.config import TrainingConfig, differing
from seac.training.history import History

FILE = "checkpoint.pt"


@dataclass
class Position:
    """State of a run.

    Attributes:
        epoch: index of the current epoch, from 0.
        step: finished batches of the current epoch.
        module: state of the module.
        optimiser: state of the optimiser.
        history: rows so far.
        best: state of the module after the best epoch so far, if metrics are computed.
    """

    epoch: int = 0
    step: int = 0
    module: Mapping[str, Any] = field(default_factory=dict)
    optimiser: Mapping[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=History)
    best: Mapping[str, Any] = field(default_factory=dict)


def origin(config: TrainingConfig, clips: int, provenance: Mapping[str, str]) -> dict[str, Any]:
    """Settings that a resumed run must share: the config, the store's size and its provenance.

    Those of the sounding head are left out: its phase has them as ``lr``, ``epochs`` and ``batch``.
    """
    return {
        **{name: value for name, value in asdict(config).items() if not name.startswith("sounding_")},
        "clips in the store": clips,
        **{f"store's {k}": v for k, v in provenance.items()},
    }


def save(folder: Path, position: Position, begun: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically.

    Args:
        folder: of the run.
        position: state of the run.
        begun: see :func:`origin`.
    """
    temporary = folder / (FILE + ".tmp")
    torch.save({**position.__dict__, "history": asdict(position.history), "begun": dict(begun)}, temporary)
    replace_durably(temporary, folder / FILE)


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint of ``seac train``, of any run."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception:  # The unpickler may raise any exception for invalid bytes.
        return False
    return isinstance(content, dict) and content.keys() >= {"epoch", "step", "module", "history", "begun"}


def load(folder: Path, begun: Mapping[str, Any]) -> Position | None:
    """State of the run in ``folder``; None if there is no checkpoint.

    Raises:
        InputError: the run has other settings, or its checkpoint is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        history, then = History(**content.pop("history")), content.pop("begun")
        position = Position(history=history, **content)
    except Exception as error:  # The unpickler may raise any exception for invalid bytes.
        raise InputError(
            f"{path} is damaged ({type(error).__name__}): delete it to start again, or give another --out"
        ) from None
    if different := differing(begun, then):
        raise InputError(
            f"{folder} has a run with other settings ({different}): give another --out, or the same settings"
        )
    return position
