"""The example of docs/why_numbers_differ.md: the same predictions under every protocol of AVSBench.

python -m benchmarks.copies --write docs/why_numbers_differ.md
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.tables import replace_section, table
from seac.metrics.functional import avsbench
from seac.metrics.functional.avsbench import avsbench_fixed
from seac.metrics.functional.avsbench_copies import COPIES, MIN_HEAT, avsbench_copy

SIDE, CLIPS, FRAMES = 56, 40, 5
CENTRE = (SIDE - 1) / 2


def discs(generator: torch.Generator, offset: float) -> tuple[Tensor, Tensor]:
    """Distances to the centre of a disc over its radius, with and without an offset of the centre.

    Args:
        generator: of centres, radii and directions.
        offset: of the second centre, in radii.

    Returns:
        two tensors (F, SIDE, SIDE), for the truth and for a prediction.
    """
    frames = CLIPS * FRAMES
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    radius = SIDE * (0.08 + 0.22 * torch.rand(frames, generator=generator))[:, None, None]
    centre = CENTRE + (torch.rand(2, frames, 1, 1, generator=generator) - 0.5) * SIDE * 0.6
    angle = 2 * torch.pi * torch.rand(frames, 1, 1, generator=generator)
    moved = centre + offset * radius * torch.stack([angle.sin(), angle.cos()])
    return tuple(((y - c[0]).square() + (x - c[1]).square()).sqrt() / radius for c in (centre, moved))  # type: ignore[return-value]


def predictions() -> tuple[Mapping[str, Tensor], Tensor]:
    """Heatmaps (F, SIDE, SIDE) in [0, 1] by name, and the truth; every tenth frame has an empty truth."""
    true, near = discs(torch.Generator().manual_seed(0), 0.4)
    masks = true < 1
    masks[::10] = False
    soft = torch.sigmoid(4 * (1 - near))
    return {
        "soft heatmap": soft,
        "its mask": (soft > 0.5).float(),
        "half as confident": soft / 2,
        "nothing": torch.zeros_like(soft),
        "whole image": torch.ones_like(soft),
    }, masks


def protocols(heatmaps: Tensor, masks: Tensor) -> Iterator[tuple[str, dict[str, float]]]:
    """Name and figures under each protocol."""
    logits = torch.logit(heatmaps, eps=MIN_HEAT)
    yield "official, 4 clips a batch", avsbench(logits, masks)
    yield "official, 1 clip a batch", avsbench(logits, masks, clips_per_batch=1)
    yield "official script given probabilities", avsbench(heatmaps, masks)
    yield "dataset", avsbench(logits, masks, clips_per_batch=None)
    yield "fixed .5", avsbench_fixed(heatmaps, masks)
    yield "fixed .4", avsbench_fixed(heatmaps, masks, threshold=0.4)
    for name in COPIES:
        yield f"as {name}", avsbench_copy(heatmaps, masks, name)


def example() -> list[str]:
    """Markdown: a row per protocol, mIoU / F of each prediction in percent; then what the copies do."""
    heatmaps, masks = predictions()
    found = {name: dict(protocols(each, masks)) for name, each in heatmaps.items()}
    rows = [
        [
            protocol,
            *(
                f"{100 * by[protocol]['miou']:.1f} / {100 * by[protocol]['fscore']:.1f}"
                for by in found.values()
            ),
        ]
        for protocol in next(iter(found.values()))
    ]
    copies = [[f"`{name}`", copy.papers, copy.differs] for name, copy in COPIES.items()]
    return [
        f"mIoU / F in percent of {CLIPS} synthetic clips of {FRAMES} frames: discs, each prediction off by "
        "0.4 radii; every tenth frame has an empty truth. Written by `python -m benchmarks.copies`.",
        "",
        *table(["protocol", *found], rows),
        "",
        *(line.replace("---:", "---") for line in table(["`--as`", "repositories", "difference"], copies)),
    ]


def main() -> None:
    """Print the example, or write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.write is None:
        print("\n".join(example()))
    else:
        replace_section(options.write, "example", example())


if __name__ == "__main__":
    main()
