"""Options that several commands have: each is said once, so that it means the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from seac.core.errors import InputError

Preset = Annotated[str, typer.Option(help="Which networks: see seac.presets.table.")]
TopN = Annotated[int | None, typer.Option(help="Masks per frame.")]
Window = Annotated[float | None, typer.Option(help="Seconds of sound heard around each frame.")]
Exact = Annotated[bool, typer.Option("--exact", help="Eq. 1-3 to the letter; slower.")]
Segmenter = Annotated[str | None, typer.Option(help="Swap the segmenter.")]
Detector = Annotated[str | None, typer.Option(help="Swap what finds boxes.")]
Vision = Annotated[str | None, typer.Option(help="Swap the vision encoder.")]
AudioEncoder = Annotated[str | None, typer.Option(help="Swap the audio encoder.")]
Text = Annotated[str | None, typer.Option(help="Swap the text encoder.")]
Associate = Annotated[str | None, typer.Option(help="Swap the association.")]
Classifier = Annotated[
    str | None, typer.Option(help="Swap what names masks that sound: words is by looks alone.")
]
Association = Annotated[Path | None, typer.Option(help="What `seac train` wrote.")]
Calibration = Annotated[
    Path | None, typer.Option(help="What `seac calibrate` wrote; found beside --association.")
]
WeightsDir = Annotated[Path | None, typer.Option(help="A folder of weights of your own.")]
Device = Annotated[str, typer.Option(help="cpu, cuda or mps.")]
Store = Annotated[Path, typer.Argument(help="A feature store that seac extract wrote.")]
Numbers = Annotated[
    list[str] | None, typer.Option("--set", help="Any number of the run, as lr=3e-4.", metavar="NAME=VALUE")
]
StoreSegmenter = Annotated[str | None, typer.Option(help="The one swapped in for the store.")]
StoreVision = Annotated[str | None, typer.Option(help="Likewise.")]
StoreAudioEncoder = Annotated[str | None, typer.Option(help="Likewise; it hears the mixtures.")]
AsJson = Annotated[bool, typer.Option("--json", help="End standard output with a line of JSON.")]


def check_window(window: float | None) -> None:
    """Refuse a window that no sound has.

    Raises:
        InputError: it is shorter than a tenth of a second, or longer than a minute.
    """
    if window is not None and not 0.1 <= window <= 60:
        raise InputError(f"--window is {window:g}: give seconds from 0.1 to 60")


def check_counts(counts: Mapping[str, int | None]) -> None:
    """Refuse numbers of things, by the option that gives them, of which there must be one.

    Raises:
        InputError: one is below 1; None was not given.
    """
    for option, count in counts.items():
        if count is not None and count < 1:
            raise InputError(f"{option} is {count}: give at least 1")


def given(**values: Any) -> dict[str, Any]:
    """Those of the options that were given: neither None nor False."""
    return {name: value for name, value in values.items() if value is not None and value is not False}
