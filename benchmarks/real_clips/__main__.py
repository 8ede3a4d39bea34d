"""Real clips and photographs with real audio: what the preset finds, beside guesses without audio.

    python -m benchmarks.real_clips --videos FOLDER [--write FILE.md] [--json FILE] [--sheet FILE.png]
    python -m benchmarks.real_clips --pairs FOLDER [--preset tiny] [--json FILE]
    python -m benchmarks.real_clips --videos FOLDER --players [--write FILE.md]

``--videos`` scores the frames that are annotated in ``benchmarks/data/real_clips.json``; clips of the folder
``demo`` beside it are found as well. ``--pairs`` puts two photographs of different classes side by side with
a recording of one of them, from ``photos/dev`` and ``recordings/dev``. The media are for measuring only and
are not part of the repository.
``--players`` measures how many instruments are found, in the clips and in the photographs ``photos/dev``
beside them, with and without the sounding head that joins players. ``--cache`` keeps encoded images for runs
after a change of the decision.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from benchmarks.real_clips.annotation import load_annotation
from benchmarks.real_clips.clips import find_cases, run
from benchmarks.real_clips.encoded import EncodedImages
from benchmarks.real_clips.pairs import report_pairs, run_pairs, summarise_pairs
from benchmarks.real_clips.players import HEADS, report_players, run_players
from benchmarks.real_clips.players import PAGE as PLAYERS_PAGE
from benchmarks.real_clips.sheet import Sheet
from benchmarks.real_clips.summary import report, summarise
from recipes.common.options import errors_in_one_line
from seac.core.atomic import write_atomic
from seac.pipeline import SeAC
from seac.presets.load import load

BOOTSTRAP = 500
PAGE = """# Real clips and photographs

Development set: {clips} real clips, annotated by us (`benchmarks/data/real_clips.json`; the media are not
part of the repository). Written by `python -m benchmarks.real_clips`. Silent and off-screen frames are few.
The audio of a frame is the two seconds around it; the tenths of a second at the frame decide on silence. The
training settings of the sounding head were compared on these clips, so the figures flatter.
"""


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the options; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--videos", type=Path, help="folder of the annotated clips")
    source.add_argument("--pairs", type=Path, help="folder with photos/dev and recordings/dev")
    parser.add_argument("--players", action="store_true", help="instruments only, with and without players")
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--calibration", type=Path, help="calibration in place of the preset's")
    parser.add_argument("--association-weights", type=Path, help="association in place of the preset's")
    parser.add_argument("--weights-dir", type=Path, help="folder of weights")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="first N annotated clips, or N pairs of photographs")
    parser.add_argument("--others", type=int, default=2, help="audios of other clips for each frame")
    parser.add_argument("--cache", type=Path, help="folder where encoded images are kept between runs")
    parser.add_argument("--json", type=Path, help="file for all scores")
    parser.add_argument("--sheet", type=Path, help="PNG file of the worst frames")
    parser.add_argument("--worst", type=int, default=50, help="number of frames on the sheet")
    parser.add_argument("--write", type=Path, help="Markdown page of the annotated clips")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, print, and write the files asked for."""
    options = parse_options()
    torch.set_num_threads(options.threads)
    with errors_in_one_line():
        measured = measure(options)
    if options.json is not None:
        write_atomic(options.json, json.dumps(measured, indent=1) + "\n")


def measure(options: argparse.Namespace) -> Mapping[str, Any]:
    """Run one of the two measurements, print its tables, and return all its scores."""
    chosen = {
        name: value
        for name in ("calibration", "association_weights", "weights_dir")
        if (value := getattr(options, name)) is not None
    }
    model = load(options.preset, **chosen)
    images = EncodedImages(model, options.cache)
    head = {"preset": options.preset, "weights": model.stages.versions(), "seed": options.seed}
    if options.players:
        return head | measure_players(options, model, images)
    return head | (measure_clips if options.pairs is None else measure_pairs)(options, model, images)


def measure_clips(options: argparse.Namespace, model: SeAC, images: EncodedImages) -> dict[str, Any]:
    """Score the annotated clips."""
    folders = [options.videos, options.videos.parent / "demo"]
    cases = find_cases(load_annotation()[: options.limit], folders)
    sheet = None if options.sheet is None else Sheet()
    draw = None if sheet is None else sheet.add
    records = []
    with Console(stderr=True).status("") as status:
        for record in run(model, images, cases, options.others, options.seed, draw):
            records.append(record)
            status.update(f"frame {len(records)} of {len(cases)}")
    summary = summarise(records, BOOTSTRAP, options.seed)
    lines = report(records, summary, options.worst)
    print("\n".join(lines))
    if options.write is not None:
        head = PAGE.format(clips=len({case.clip.file for case in cases}))
        write_atomic(options.write, "\n".join([head, *lines]) + "\n")
    if sheet is not None:
        sheet.save(options.sheet, records, options.worst)
    return {"summary": summary, "frames": [asdict(record) for record in records]}


def measure_players(options: argparse.Namespace, model: SeAC, images: EncodedImages) -> dict[str, Any]:
    """Score instruments with and without players."""
    folders = [options.videos, options.videos.parent / "demo"]
    cases = find_cases(load_annotation()[: options.limit], folders)
    models = dict(zip(HEADS, (model, load(options.preset, with_players=True)), strict=True))
    found = list(run_players(models, images, cases, options.videos.parent, options.seed))
    lines = report_players(found)
    print("\n".join(lines))
    if options.write is not None:
        write_atomic(options.write, "\n".join([PLAYERS_PAGE, *lines]) + "\n")
    return {"frames": [asdict(each) for each in found]}


def measure_pairs(options: argparse.Namespace, model: SeAC, images: EncodedImages) -> dict[str, Any]:
    """Score photographs side by side."""
    trials = []
    with Console(stderr=True).status("") as status:
        for trial in run_pairs(model, images, options.pairs, options.limit, options.seed):
            trials.append(trial)
            status.update(f"pair {len(trials)}")
    summary = summarise_pairs(trials, BOOTSTRAP, options.seed)
    print("\n".join(report_pairs(trials, summary)))
    return {"summary": summary, "trials": [asdict(trial) for trial in trials]}


if __name__ == "__main__":
    main()
