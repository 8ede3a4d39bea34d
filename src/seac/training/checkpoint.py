"""Where a run stands: enough to go on as if it had never been interrupted.

Whatever is random in a step (order, frames, mixtures, dropout) comes from a seed that is computed from the
run's seed and the step's number, so the position is all that needs to be kept of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from seac.core.errors import InputError
from seac.training.config import TrainingConfig, differing
from seac.training.history import History

FILE = "checkpoint.pt"


@dataclass
class Position:
    """How far a run has come.

    Attributes:
        epoch: the one to go on in, from 0.
        step: batches of it that are learnt already.
        module: state of the module.
        optimiser: state of the optimiser.
        history: rows so far.
        best: state of the module after the best epoch so far, where something was measured.
    """

    epoch: int = 0
    step: int = 0
    module: Mapping[str, Any] = field(default_factory=dict)
    optimiser: Mapping[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=History)
    best: Mapping[str, Any] = field(default_factory=dict)


def origin(config: TrainingConfig, clips: int, provenance: Mapping[str, str]) -> dict[str, Any]:
    """What must be the same for a run to go on: every number, the store's size and what made it."""
    return {
        **asdict(config),
        "clips in the store": clips,
        **{f"store's {k}": v for k, v in provenance.items()},
    }


def save(folder: Path, position: Position, begun: Mapping[str, Any]) -> None:
    """Write a position, whole or not at all.

    Args:
        folder: of the run.
        position: where it stands.
        begun: see :func:`origin`.
    """
    temporary = folder / (FILE + ".tmp")
    torch.save({**position.__dict__, "history": asdict(position.history), "begun": dict(begun)}, temporary)
    temporary.replace(folder / FILE)


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint of ours, of any run."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception:  # The unpickler's answer to bytes that are no pickle is any exception at all.
        return False
    return isinstance(content, dict) and content.keys() >= {"epoch", "step", "module", "history", "begun"}


def load(folder: Path, begun: Mapping[str, Any]) -> Position | None:
    """The position of the run in ``folder``; None if there is none yet.

    Raises:
        InputError: the run was begun otherwise, or its checkpoint is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        history, then = History(**content.pop("history")), content.pop("begun")
        position = Position(history=history, **content)
    except Exception as error:  # The unpickler's answer to bytes that are no pickle is any exception at all.
        raise InputError(
            f"{path} is damaged ({type(error).__name__}): delete it to begin again, or take another --out"
        ) from None
    if different := differing(begun, then):
        raise InputError(
            f"{folder} was begun otherwise ({different}): take another --out, or the same settings"
        )
    return position
