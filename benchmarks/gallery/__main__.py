"""Gallery of proposals and clips of the preset tiny, in ascending order of IoU.

    python -m benchmarks.gallery --out FOLDER [--photos N] [--scenes N] [--composites FOLDER [--clips N]]

The page shows photographs with human regions and composite scenes with exact masks: true regions beside the
ten best proposals, crops of the worst regions, and tables of missed regions by their features. Truth and
metrics are those of `python -m benchmarks.proposals`. With a folder of rendered benchmarks (by
`python -m benchmarks.composite`), the page also shows clips: audio classes, heatmap and best mask.
gallery.html is self-contained in its folder. The photographs are for research only: do not publish the page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import torch
from rich.console import Console

from benchmarks.gallery.clips import ShownClip, readers, show_clips
from benchmarks.gallery.images import Case, Worst, photo_cases, scene_cases, show_images
from benchmarks.gallery.page import Section, section, write_page
from benchmarks.shared import shared_folder
from recipes.common.options import add_media, open_media
from seac.core.errors import InputError
from seac.core.types import version_of
from seac.export.folder import atomic_folder
from seac.pipeline import SeAC
from seac.presets.load import load

Item = TypeVar("Item")
NOTES = {
    "Photographs": (
        "Human regions, things and stuff, without labels of which are things. No model was trained on them; "
        "some settings were tuned on every other photograph."
    ),
    "Composite scenes": (
        "Composite: cut-outs of the dev media on photographs, not used for training; every region is the "
        "visible part of a thing, with an exact mask."
    ),
}


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the options; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the page")
    parser.add_argument("--photos", type=int, default=None, help="first N photographs (default: all)")
    parser.add_argument("--scenes", type=int, default=60, help="composite scenes")
    add_media(parser)
    parser.add_argument("--composites", type=Path, default=None, help="folder of rendered benchmarks")
    parser.add_argument("--clips", type=int, default=None, help="first N clips of each (default: all)")
    parser.add_argument(
        "--min-share", type=float, default=0.005, help="smallest human region, as a share of the image"
    )
    parser.add_argument("--worst", type=int, default=20, help="number of cropped regions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(arguments)


def report_progress(items: Iterable[Item], name: str, console: Console) -> Iterator[Item]:
    """Iterate over ``items`` and print progress at every tenth item."""
    for number, item in enumerate(items, 1):
        yield item
        if number % 10 == 0:
            console.print(f"{name}: {number}", highlight=False)


def build_image_section(
    title: str, cases: Iterable[Case], model: SeAC, folder: Path, worst: int, console: Console
) -> Section:
    """Segment, measure and draw the images of one section."""
    folder.mkdir()
    worst_regions = Worst(folder, worst)
    segmenter = model.stages.segmenter
    with torch.inference_mode():
        images = list(report_progress(show_images(cases, segmenter, folder, worst_regions), title, console))
    composite = title.startswith("Composite")
    return section(title, NOTES[title], images, worst_regions.regions(), composite=composite)


def main(arguments: list[str] | None = None) -> None:
    """Measure, draw and write; see the module's docstring."""
    given = parse_options(arguments)
    torch.set_num_threads(given.threads)
    console, shared = Console(stderr=True), shared_folder()
    found = {} if given.composites is None else readers(given.composites)
    model = load("tiny")
    sections: list[Section] = []
    clips: list[ShownClip] = []
    with atomic_folder(given.out) as temporary:
        image_sets = {
            "Photographs": (given.photos, photo_cases(shared, given.min_share, given.photos), "photos"),
            "Composite scenes": (
                given.scenes,
                scene_cases(open_media(given.media), given.scenes, given.seed) if given.scenes else (),
                "scenes",
            ),
        }
        for title, (count, cases, name) in image_sets.items():
            if count != 0:
                sections.append(
                    build_image_section(title, cases, model, temporary / name, given.worst, console)
                )
        if found:
            (temporary / "clips").mkdir()
            shown = show_clips(found, model, given.clips, temporary / "clips")
            clips = list(report_progress(shown, "Clips", console))
        about = f"Proposals of the preset tiny ({version_of(model.stages.segmenter)}), at most 50 per image."
        write_page(sections, clips, about, temporary / "gallery.html")
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
