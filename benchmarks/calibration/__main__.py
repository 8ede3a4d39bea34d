"""Calibration of the probability that a mask sounds, on photographs, composites and real clips.

    python -m benchmarks.calibration --data DATA/real --media DATA/media --videos DATA/real/videos --work W \
        --write docs/calibration.md

``--data``, ``--media`` and ``--work`` are those of ``python -m recipes.sounding``, whose encoded frames and
clips of the dev side are used. ``--videos`` and ``--cache`` are those of ``python -m benchmarks.real_clips``.
The reliability diagrams are written beside the page.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from benchmarks.calibration.clips import measure_clips
from benchmarks.calibration.figure import draw
from benchmarks.calibration.prepared import measure_pairs
from benchmarks.calibration.reliability import (
    COUNT,
    MIDDLE,
    PROBABILITY,
    SOUNDS,
    MaskSet,
    Reliability,
    fitted_curve,
    measure,
    share,
)
from benchmarks.real_clips.encoded import EncodedImages
from benchmarks.tables import table
from recipes.common.options import errors_in_one_line
from recipes.sounding.evaluate import BINS
from seac.core.atomic import write_atomic
from seac.decision.calibration import Calibration
from seac.pipeline import SeAC
from seac.presets.load import load

DRAWS = 1000
FRAMES = ("photographs", "composites")
"""Frames of the recipe that are measured."""
TEXT = """# Calibration

Whether the probability that a mask sounds means the same everywhere. Written by
`python -m benchmarks.calibration` for the preset `tiny` ({head}; slope {slope:g}, offset {offset:g},
threshold {threshold:g}).

- Photographs and composites: dev side, each under a recording of something in it and under a recording of
  something that is not in it. A mask sounds if its IoU with a sounding instance is at least .5. Unmarked
  things count as silent.
- Real clips: annotated frames under their own audio. A mask sounds if its box fits a box of a sounding
  thing, IoU at least .5. Masks that only fit a thing that may sound are left out. Settings of the head were
  compared on these clips, so their figures flatter.
- The probability is that of the network. After the rule of covering masks, a mask that covers a likelier
  mask has the lowest probability.
- Calibration error: expected calibration error over {bins} bins. Intervals are 95 % by bootstrap over clips
  or frames. Fitted slope and offset: those of the logistic curve that fits the set best.

![Reliability diagrams](calibration.png)"""


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the options; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with photos/ and recordings/")
    parser.add_argument("--media", type=Path, required=True, help="folder with train/ and dev/")
    parser.add_argument("--videos", type=Path, required=True, help="folder of the annotated clips")
    parser.add_argument("--work", type=Path, required=True, help="folder of recipes.sounding")
    parser.add_argument("--cache", type=Path, help="folder of encoded images of benchmarks.real_clips")
    parser.add_argument("--count", type=int, default=1000, help="frames, each under two recordings")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, required=True, help="Markdown file")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, and write the page and its figure."""
    options = parse_options()
    torch.set_num_threads(1)
    with errors_in_one_line():
        model = load("tiny")
        sets = list(mask_sets(options, model))
    measured = [(masks, measure(masks, DRAWS, options.seed)) for masks in sets]
    draw(measured[: len(FRAMES) + 1], options.write.with_suffix(".png"))
    likeliest = [measure(masks.likeliest(), DRAWS, options.seed) for masks in sets]
    head = model.stages.versions()["sounding_head"]
    write_atomic(options.write, "\n".join(page(measured, likeliest, model.stages.calibration, head)) + "\n")


def mask_sets(options: argparse.Namespace, model: SeAC) -> Iterator[MaskSet]:
    """The sets of masks, in the order of the page."""
    for kind in FRAMES:
        yield measure_pairs(options, model, kind)
    yield from measure_clips(model, EncodedImages(model, options.cache), options.videos)


def page(
    measured: Sequence[tuple[MaskSet, Reliability]],
    likeliest: Sequence[Reliability],
    calibration: Calibration,
    head: str,
) -> list[str]:
    """Lines of the page."""
    text = TEXT.format(
        head=head,
        slope=calibration.slope,
        offset=calibration.offset,
        threshold=calibration.threshold,
        bins=BINS,
    )
    low, high = MIDDLE
    heads = (
        *("set", "clips", "masks", "sounding", "mean probability", "calibration error"),
        *("error, likeliest masks", f"sounding of {low:g} to {high:g}", "fitted slope", "fitted offset"),
    )
    rows = [
        (
            *(*_counts(masks, found), found.error, first.error, found.middle),
            *(f"{value:.2f}" for value in fitted_curve(masks, calibration)),
        )
        for (masks, found), first in zip(measured, likeliest, strict=True)
    ]
    lines = [text, "", *table(heads, rows)]
    for masks, found in measured:
        lines += ["", f"## {masks.name.capitalize()}", "", *table(BIN_HEADS, list(bin_rows(found)))]
    return lines


BIN_HEADS = ("probability", "masks", "mean probability", "share that sounds", "95 % interval")


def bin_rows(found: Reliability) -> Iterator[tuple[str, ...]]:
    """A row of the table for each bin with masks."""
    for number, (values, (low, high)) in enumerate(zip(found.bins, found.shares, strict=True)):
        if values[COUNT]:
            mean, right = (share(values[column], values[COUNT]) for column in (PROBABILITY, SOUNDS))
            edges = f"{number / BINS:.1f} to {(number + 1) / BINS:.1f}"
            yield edges, f"{values[COUNT]:.0f}", f"{mean:.3f}", f"{right:.3f}", f"{low:.3f} to {high:.3f}"


def _counts(masks: MaskSet, found: Reliability) -> tuple[object, ...]:
    total = found.bins.sum(0)
    clips = len(set(masks.clips.tolist()))
    return (
        *(masks.name, clips, f"{total[COUNT]:.0f}"),
        *(f"{total[column] / total[COUNT]:.3f}" for column in (SOUNDS, PROBABILITY)),
    )


if __name__ == "__main__":
    main()
