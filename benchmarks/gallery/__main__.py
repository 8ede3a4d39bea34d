"""A page to look at: what the preset tiny finds and misses, the worst first.

    python -m benchmarks.gallery --out FOLDER [--photos N] [--scenes N] [--composites FOLDER [--clips N]]

Photographs with human regions and composite scenes with exact masks: the true regions beside the ten best
proposals, the worst regions closely, and on top what the misses have in common, in figures. Truth is read
and measured as `python -m benchmarks.proposals` does it. With a folder of rendered benchmarks (as
`python -m benchmarks.composite` renders them), also clips: what was heard, lit and picked. gallery.html needs
nothing but its folder. The photographs are for research: keep the page to yourself.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import torch
from rich.console import Console

from benchmarks.gallery.clips import ShownClip, readers, shown_clips
from benchmarks.gallery.images import Case, Worst, photo_cases, scene_cases, shown_pictures
from benchmarks.gallery.page import Section, section, write_page
from benchmarks.shared import shared_folder
from seac.core.errors import InputError
from seac.export.folder import whole_folder
from seac.pipeline import SeAC, version_of
from seac.presets.load import load

Item = TypeVar("Item")
NOTES = {
    "Photographs": (
        "Human regions, things and stuff alike; which of them are things nobody has annotated. Nothing was "
        "fitted to them; some settings were chosen while looking at every other photograph."
    ),
    "Composite scenes": (
        "Composite: cut-outs of the dev media on photographs, which no weights were trained on; every region "
        "is a thing, its visible part, and its mask is exact."
    ),
}


def asked(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the page")
    parser.add_argument("--photos", type=int, default=None, help="first N photographs (default: all)")
    parser.add_argument("--scenes", type=int, default=60, help="composite scenes")
    parser.add_argument("--composites", type=Path, default=None, help="folder of rendered benchmarks")
    parser.add_argument("--clips", type=int, default=None, help="first N clips of each (default: all)")
    parser.add_argument("--least", type=float, default=0.005, help="smallest human region, share of picture")
    parser.add_argument("--worst", type=int, default=20, help="regions that are shown closely")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(arguments)


def counted(items: Iterable[Item], name: str, console: Console) -> Iterator[Item]:
    """``items`` with a line of progress at every tenth."""
    for number, item in enumerate(items, 1):
        yield item
        if number % 10 == 0:
            console.print(f"{name}: {number}", highlight=False)


def pictures_section(
    title: str, cases: Iterable[Case], model: SeAC, folder: Path, worst: int, console: Console
) -> Section:
    """Segment, draw and measure one kind of picture."""
    folder.mkdir()
    held = Worst(folder, worst)
    segmenter = model.stages.segmenter
    with torch.inference_mode():
        pictures = list(counted(shown_pictures(cases, segmenter, folder, held), title, console))
    composite = title.startswith("Composite")
    return section(title, NOTES[title], pictures, held.regions(), composite=composite)


def main(arguments: list[str] | None = None) -> None:
    """Measure, draw and write; see the module's docstring."""
    given = asked(arguments)
    torch.set_num_threads(given.threads)
    console, shared = Console(stderr=True), shared_folder()
    found = {} if given.composites is None else readers(given.composites)
    model = load("tiny")
    sections: list[Section] = []
    clips: list[ShownClip] = []
    with whole_folder(given.out) as draft:
        kinds = {
            "Photographs": (given.photos, photo_cases(shared, given.least, given.photos), "photos"),
            "Composite scenes": (given.scenes, scene_cases(shared, given.scenes, given.seed), "scenes"),
        }
        for title, (count, cases, name) in kinds.items():
            if count != 0:
                sections.append(pictures_section(title, cases, model, draft / name, given.worst, console))
        if found:
            (draft / "clips").mkdir()
            shown = shown_clips(found, model, given.clips, draft / "clips")
            clips = list(counted(shown, "Clips", console))
        about = f"Proposals of the preset tiny ({version_of(model.stages.segmenter)}), at most 50 a picture."
        write_page(sections, clips, about, draft / "gallery.html")
    for part in sections:
        every = part.every
        print(
            f"{part.title}: {every.regions} regions, {every.iou:.3f} mean best IoU, {every.recall:.3f} recall"
        )
    print(f"{given.out / 'gallery.html'}")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
