"""Quality of proposals, on composites of unseen media and on photographs with human regions.

    python -m benchmarks.proposals --segmenter classic --segmenter tiny

For every true mask, the proposal with the highest IoU is taken. Reported: mean of that IoU, recall at IoU
.5 with all proposals and with the ten and twenty best, boundary F of the matched proposals at 3 px (Martin
et al., PAMI 2004, without bipartite matching: a boundary pixel matches if the other boundary has a pixel
within 3 px), number of masks and time per image on the given number of threads. Composites: visible parts of
at least 60 px. Photographs: human regions, things and stuff, of at least ``--min-share`` of the image (some
annotated regions have a few pixels). No model was trained on the photographs. Settings were tuned on every
other photograph; the two halves are reported separately.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks import tables
from benchmarks.shared import shared_folder
from recipes.common.composites.media import Media
from recipes.common.composites.scene import render_scene
from recipes.common.options import add_media, open_media
from seac.segment.base import Segmenter

ImageArray = NDArray[np.uint8]
Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class Row:
    """One row of the table: a segmenter on one set of images."""

    segmenter: str
    image_set: str
    images: int
    regions: int
    mean_best_iou: float
    recall_50: float
    recall_50_top10: float
    mean_best_iou_top20: float
    recall_50_top20: float
    boundary_f3: float
    masks: float
    ms_median: float
    ms_p90: float


def composites(media: Media, count: int, seed: int) -> Iterator[tuple[ImageArray, Masks]]:
    """Render ``count`` composite frames (224 px) with the exact visible masks of all cut-outs."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        (scene,) = render_scene(rng, media, [media.classes[index % len(media.classes)]], index % 3)
        masks = scene.masks()
        yield scene.image, masks[masks.sum((1, 2)) >= 60]


def photographs(
    shared: Path, min_share: float, count: int | None = None, first: int = 0, step: int = 1
) -> Iterator[tuple[ImageArray, Masks]]:
    """Read photographs with their human regions of at least ``min_share`` of the image.

    Of the first ``count`` photographs, every ``step``-th from index ``first``.
    """
    folder = shared / "data" / "photos"
    for path in sorted((folder / "images").glob("*.jpg"))[:count][first::step]:
        regions = np.asarray(Image.open(folder / "regions" / f"{path.stem}.png"))
        ids, areas = np.unique(regions, return_counts=True)
        kept = ids[areas >= min_share * regions.size]
        yield np.asarray(Image.open(path).convert("RGB")), regions[None] == kept[:, None, None]


def best_iou(proposed: Masks, true: Masks) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Best IoU for each true mask, and the index of the proposal; 0 and -1 without proposals."""
    if len(proposed) == 0:
        return np.zeros(len(true)), np.full(len(true), -1)
    p = proposed.reshape(len(proposed), -1).astype(np.float32)
    t = true.reshape(len(true), -1).astype(np.float32)
    both = t @ p.T
    iou = both / np.maximum(t.sum(1)[:, None] + p.sum(1)[None] - both, 1)
    return iou.max(1), iou.argmax(1)


def boundary_f(mask: NDArray[np.bool_], true: NDArray[np.bool_], tolerance: float = 3.0) -> float:
    """F measure of the boundaries of two masks; the image border is no boundary."""
    a, b = _boundary(mask), _boundary(true)
    if not a.any() or not b.any():
        return float(a.any() == b.any())
    precision = float((ndimage.distance_transform_edt(~b)[a] <= tolerance).mean())
    recall = float((ndimage.distance_transform_edt(~a)[b] <= tolerance).mean())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def measure(
    name: str,
    segmenter: Segmenter,
    image_set: str,
    cases: Iterator[tuple[ImageArray, Masks]],
    boundary: bool = True,
) -> Row:
    """Run ``segmenter`` on ``cases`` and compute the metrics."""
    best: list[NDArray[np.float64]] = []
    top10: list[NDArray[np.float64]] = []
    top20: list[NDArray[np.float64]] = []
    edges: list[float] = []
    counts: list[int] = []
    times: list[float] = []
    for frame_image, true in cases:
        image = torch.from_numpy(frame_image.copy()).permute(2, 0, 1)
        start = time.perf_counter()
        proposals = segmenter(image)
        times.append((time.perf_counter() - start) * 1000)
        masks = proposals.masks.numpy()
        counts.append(len(masks))
        iou, which = best_iou(masks, true)
        best.append(iou)
        top10.append(best_iou(masks[:10], true)[0])
        top20.append(best_iou(masks[:20], true)[0])
        if boundary and len(masks):
            edges += [boundary_f(masks[k], t) for k, t in zip(which, true, strict=True)]
    every, ten, twenty = (np.concatenate(each) for each in (best, top10, top20))
    return Row(
        name,
        image_set,
        len(counts),
        len(every),
        float(every.mean()),
        float((every >= 0.5).mean()),
        float((ten >= 0.5).mean()),
        float(twenty.mean()),
        float((twenty >= 0.5).mean()),
        float(np.mean(edges)) if edges else 0.0,
        float(np.mean(counts)),
        float(np.median(times)),
        float(np.percentile(times, 90)),
    )


def _boundary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    edge = np.zeros_like(mask)
    edge[:-1] |= mask[:-1] != mask[1:]
    edge[:, :-1] |= mask[:, :-1] != mask[:, 1:]
    return edge


def _print(rows: list[Row]) -> None:
    heads = (
        "segmenter",
        "image set",
        "images",
        "regions",
        "mean best IoU",
        "recall@.5",
        "top 10",
        "IoU, 20",
        "top 20",
        "F@3px",
        "masks",
    )
    print(("{:<14}{:<14}{:>7}{:>9}{:>15}{:>11}{:>8}{:>9}{:>8}{:>8}{:>7}{:>12}").format(*heads, "ms (p90)"))
    for r in rows:
        print(
            f"{r.segmenter:<14}{r.image_set:<14}{r.images:>7}{r.regions:>9}{r.mean_best_iou:>15.3f}"
            f"{r.recall_50:>11.3f}{r.recall_50_top10:>8.3f}"
            f"{r.mean_best_iou_top20:>9.3f}{r.recall_50_top20:>8.3f}{r.boundary_f3:>8.3f}{r.masks:>7.1f}"
            f"{r.ms_median:>6.0f} ({r.ms_p90:.0f})"
        )


def write_model_card(model_card: Path, rows: list[Row], command: str) -> None:
    """Replace the table in ``model_card``; other text is unchanged.

    Raises:
        ValueError: the card has no section for the table.
    """
    lines = [
        f"Written by `{command}`.",
        "",
        "| segmenter | image set | images | regions | mean best IoU | recall@.5 | recall@.5, top 10 "
        "| top 20: IoU | top 20: recall | F@3px "
        "| masks | ms, median (p90) |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {r.segmenter} | {r.image_set} | {r.images} | {r.regions} "
        f"| {r.mean_best_iou:.3f} | {r.recall_50:.3f} | {r.recall_50_top10:.3f} "
        f"| {r.mean_best_iou_top20:.3f} | {r.recall_50_top20:.3f} "
        f"| {r.boundary_f3:.3f} | {r.masks:.1f} | {r.ms_median:.0f} ({r.ms_p90:.0f}) |"
        for r in rows
    ]
    tables.replace_section(model_card, "measured", lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print; see the module's docstring."""
    from seac.presets.load import Assembly
    from seac.presets.spec import ModelSpec

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--segmenter", action="append", help="row of the table of segmenters (default: tiny)")
    parser.add_argument("--shared", type=Path, default=shared_folder(), help="folder with data/photos")
    add_media(parser)
    parser.add_argument("--composites", type=int, default=120, help="composite frames of the dev media")
    parser.add_argument("--photos", type=int, default=None, help="first N photographs (default: all)")
    parser.add_argument(
        "--min-share", type=float, default=0.005, help="smallest human region, as a share of the image"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model-card", type=Path, help="model card whose table is updated")
    parser.add_argument("--json", action="store_true", help="end standard output with one line of JSON")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    rows: list[Row] = []
    for name in given.segmenter or ["tiny"]:
        segmenter = Assembly(ModelSpec(parts={"segmenter": name})).segmenter()
        if given.composites:
            cases = composites(open_media(given.media), given.composites, given.seed)
            rows.append(measure(name, segmenter, "composite dev", cases))
        if given.photos != 0:
            for image_set, first in (("photos, tuned", 0), ("photos, other", 1)):
                cases = photographs(given.shared, given.min_share, given.photos, first, 2)
                rows.append(measure(name, segmenter, image_set, cases))
    _print(rows)
    if given.model_card:
        write_model_card(
            given.model_card, rows, " ".join(["python -m benchmarks.proposals", *(arguments or sys.argv[1:])])
        )
    if given.json:
        sys.stdout.write(json.dumps([asdict(r) for r in rows]) + "\n")


if __name__ == "__main__":
    main()
