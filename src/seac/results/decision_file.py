"""``decision.json``: the options of the last decision of a result folder, for later exports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from seac.core.atomic import write_atomic
from seac.core.errors import InputError
from seac.results.decide import DecideOptions
from seac.results.schema import Strict

NAME = "decision.json"
VERSION: Literal[1] = 1


class DecisionRecord(Strict):
    """The content of ``decision.json``; see :class:`seac.results.decide.DecideOptions`."""

    format: Literal["seac decision"] = "seac decision"
    version: Literal[1] = VERSION
    threshold: float | None = None
    mute: tuple[int, ...] = ()
    solo: tuple[int, ...] = ()
    rename: dict[int, str] = Field(default_factory=dict)
    colours: dict[int, tuple[int, int, int]] = Field(default_factory=dict)
    min_duration: float = 0.0
    max_gap: float = 0.1
    vocabulary: tuple[str, ...] | None = None
    find: str | None = None
    add: tuple[int, ...] = ()

    def options(self) -> DecideOptions:
        """The options; without vocabulary and phrase, whose embeddings are not stored.

        Raises:
            InputError: a value is out of range.
        """
        return DecideOptions(
            threshold=self.threshold,
            mute=frozenset(self.mute),
            solo=frozenset(self.solo),
            rename=self.rename,
            colours=self.colours,
            min_duration=self.min_duration,
            max_gap=self.max_gap,
            add=frozenset(self.add),
        )

    def write(self, folder: Path) -> None:
        """Write the file.

        Raises:
            InputError: the folder cannot be written.
        """
        write_atomic(folder / NAME, self.model_dump_json(indent=1) + "\n")


def read_decision(folder: Path) -> DecisionRecord:
    """The last decision of a result folder; the defaults if there is none.

    Raises:
        InputError: the file is damaged or of a newer version.
    """
    path = folder / NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return DecisionRecord()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); decide again") from None
    try:
        json.loads(text)
        return DecisionRecord.model_validate_json(text)
    except (ValidationError, ValueError, RecursionError):
        raise InputError(f"{path}: no decision of this version of seac; run seac decide again") from None
