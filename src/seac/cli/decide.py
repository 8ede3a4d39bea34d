"""``seac decide``: another decision about a segmented video, without running its networks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options
from seac.cli.export import Source
from seac.cli.segment import Find, check_find
from seac.core.errors import InputError
from seac.presets.spec import ModelSpec


@options.command("vocabulary", "threshold", "weights_dir")
def decide(
    folder: Annotated[Path, typer.Argument(help="Folder from seac segment.", metavar="FOLDER")],
    model: ModelSpec,
    mute: Annotated[str, options.DecisionOption(help="Tracks that are not shown, such as 3,5.")] = "",
    solo: Annotated[str, options.DecisionOption(help="Tracks that alone are shown, such as 1,2.")] = "",
    add: Annotated[
        str, options.DecisionOption(help="Tracks that sound whenever the audio is active, such as 4.")
    ] = "",
    rename: Annotated[
        list[str] | None,
        options.DecisionOption(help="New name of a track, such as 2=kettle.", metavar="ID=NAME"),
    ] = None,
    min_duration: Annotated[float, options.DecisionOption(help="Minimum seconds of a span.")] = 0.0,
    max_gap: Annotated[float, options.DecisionOption(help="Seconds of a gap that is closed.")] = 0.1,
    find: Find = None,
    source: Source = None,
    export: Annotated[
        str, options.OutputOption(help="Exports, comma-separated, added to those that the folder has.")
    ] = "",
) -> options.Work:
    """Write overlay, timeline and exports of a segmented video again with other options; no network runs.

    Words that are not in the vocabulary of the result are encoded by its text encoder.
    """
    from seac.export.table import parse_names
    from seac.jobs.decide import DecideJob, decide_folder
    from seac.results.decision_file import DecisionRecord

    decision = DecisionRecord(
        threshold=model.threshold,
        mute=parse_tracks("--mute", mute),
        solo=parse_tracks("--solo", solo),
        add=parse_tracks("--add", add),
        rename=parse_renames(rename or []),
        min_duration=check_seconds("--min-duration", min_duration),
        max_gap=check_seconds("--max-gap", max_gap),
        find=check_find(find),
    )
    exports = parse_names(export) if export else ()
    job = DecideJob(folder, decision, model.vocabulary, exports, source, model.weights_dir)
    return partial(decide_folder, job)


def parse_tracks(option: str, given: str) -> tuple[int, ...]:
    """Numbers of tracks from ``"1,2"``, each once, in order.

    Raises:
        InputError: a part is no number.
    """
    parts = [part.strip() for part in given.split(",") if part.strip()]
    for part in parts:
        if not (part.isascii() and part.isdigit()) or len(part) > 18:
            raise InputError(f"{option} {given}: {part!r} is no number of a track; give some, such as 1,2")
    return tuple(sorted({int(part) for part in parts}))


def parse_renames(given: list[str]) -> dict[int, str]:
    """Names of tracks from ``["2=tea kettle"]``.

    Raises:
        InputError: a part is no number of a track and its name, or a track is named twice.
    """
    found: dict[int, str] = {}
    for part in given:
        number, equals, name = part.partition("=")
        name = " ".join(name.split())
        if not equals or not name or not name.isprintable() or not number.strip().isdigit():
            raise InputError(f"--rename {part}: give a track and its name, such as 2=kettle")
        (track,) = parse_tracks("--rename", number)
        if track in found:
            raise InputError(f"--rename names track {track} twice: give one name")
        found[track] = name
    return found


def check_seconds(option: str, seconds: float) -> float:
    """Check a duration.

    Raises:
        InputError: it is negative, longer than an hour, or NaN.
    """
    if not 0 <= seconds <= 3600:
        raise InputError(f"{option} is {seconds:g}: give seconds from 0 to 3600")
    return seconds
