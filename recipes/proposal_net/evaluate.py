"""Quality of the proposals of preset ``tiny`` on photographs with instance masks.

    python -m recipes.proposal_net.evaluate --photos ../shared/data/real/photos/dev --write-json FILE

For every instance, the proposal with the highest IoU is taken among the best 10, 20 and 50. Instances of
crowds and of coarse outlines, and things on white paper, are left out. ``--variant NAME:key=value,...``
measures other settings of the segmenter on the same images, ``weights=FILE`` among them; without it, the
shipped segmenter is measured. Only ``classic=1`` is no setting: it measures the segmenter without a network.
The AUROC of the scores compares masks with IoU of .5 and more with an instance against other masks, in
photographs in which every instance of the vocabulary is outlined. Times are processor times of one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from torch import Tensor

from recipes.common.photographs import FULL, read_rows
from seac.core.types import Proposals
from seac.segment.baselines.classic import Classic
from seac.segment.proposal_net.segmenter import ProposalSegmenter, ProposalSegmenterSettings

JUDGED = ("exact", "good")
COUNTS = (10, 20, 50)
SMALL, MEDIUM = 0.02, 0.1  # shares of the image
CROWDED = 6  # instances in a crowded photograph
MATCHED = 0.5
PERSON = "person"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A photograph with its instances.

    Attributes:
        file: name.
        image: (3, H, W) uint8.
        masks: (K, H, W) bool, no crowds.
        people: (K,) bool.
        complete: every instance of the vocabulary is outlined.
    """

    file: str
    image: Tensor
    masks: NDArray[np.bool_]
    people: NDArray[np.bool_]
    complete: bool


@dataclass(frozen=True)
class Instances:
    """What became of the instances of all photographs.

    Attributes:
        iou: best IoU (K,) by number of proposals.
        share: (K,) area in shares of the image.
        people: (K,) bool.
        crowded: (K,) bool, in a photograph of at least ``CROWDED`` instances.
    """

    iou: dict[int, Floats]
    share: Floats
    people: NDArray[np.bool_]
    crowded: NDArray[np.bool_]


def read_cases(folder: Path, count: int | None, seed: int) -> list[Case]:
    """A random subset of ``count`` judged photographs of a folder, or all, in the order of the index."""
    from PIL import Image

    rows = [row for row in read_rows(folder) if row.get("quality") in JUDGED]
    rows = [row for row in rows if any(i["rle"] and not i["crowd"] for i in row["instances"])]
    if count is not None and count < len(rows):
        kept = np.random.default_rng(seed).permutation(len(rows))[:count]
        rows = [rows[index] for index in sorted(kept)]
    cases = []
    for row in rows:
        real = [i for i in row["instances"] if i["rle"] and not i["crowd"]]
        size = [row["height"], row["width"]]
        masks = coco_mask.decode([{"size": size, "counts": i["rle"]} for i in real]).transpose(2, 0, 1) > 0
        kept = masks.any((1, 2))
        people = np.array([i["class"] == PERSON for i in real])
        with Image.open(folder / row["file"]) as opened:
            image = torch.from_numpy(np.array(opened.convert("RGB"))).permute(2, 0, 1)
        cases.append(Case(row["file"], image, masks[kept], people[kept], row["vocabulary"] in FULL))
    return cases


def pairwise(proposed: NDArray[np.bool_], true: NDArray[np.bool_]) -> Floats:
    """IoU (N, K) of proposals (N, H, W) and instances (K, H, W)."""
    p = proposed.reshape(len(proposed), -1).astype(np.float32)
    t = true.reshape(len(true), -1).astype(np.float32)
    both = p @ t.T
    return np.asarray(both / np.maximum(p.sum(1)[:, None] + t.sum(1)[None] - both, 1), np.float64)


def auroc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve of scores (N,) for labels (N,); ties count a half."""
    order = np.sort(scores[~positive])
    below = np.searchsorted(order, scores[positive], "left") + np.searchsorted(
        order, scores[positive], "right"
    )
    return float(below.mean() / 2 / max(1, len(order)))


def measure(segment: Callable[[Tensor], Proposals], cases: list[Case]) -> dict[str, object]:
    """Run a segmenter on the cases: groups of instances by number of proposals, AUROC, times."""
    best: dict[int, list[Floats]] = {count: [] for count in COUNTS}
    matched, scores, times, counts = [], [], [], []
    for case in cases:
        start = time.process_time()
        found = segment(case.image)
        times.append((time.process_time() - start) * 1000)
        order = torch.argsort(found.scores, descending=True, stable=True).numpy()
        iou = pairwise(found.masks.numpy()[order], case.masks)
        counts.append(len(iou))
        for count in COUNTS:
            best[count].append(iou[:count].max(0))
        if case.complete:
            matched.append(iou[:20].max(1) >= MATCHED)
            scores.append(found.scores.numpy()[order][:20].astype(np.float64))
    instances = Instances(
        {count: np.concatenate(each) for count, each in best.items()},
        np.concatenate([case.masks.mean((1, 2)) for case in cases]),
        np.concatenate([case.people for case in cases]),
        np.concatenate([np.full(len(case.masks), len(case.masks) >= CROWDED) for case in cases]),
    )
    return {
        "photographs": len(cases),
        "groups": {name: _group(instances, rows) for name, rows in groups(instances)},
        "auroc_20": auroc(np.concatenate(scores), np.concatenate(matched)),
        "masks": float(np.mean(counts)),
        "ms_median": float(np.median(times)),
    }


def groups(instances: Instances) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Names and members (K,) of the groups of instances that are reported."""
    share = instances.share
    yield "all", np.ones(len(share), bool)
    yield "under 2 %", share < SMALL
    yield "2 to 10 %", (share >= SMALL) & (share < MEDIUM)
    yield "over 10 %", share >= MEDIUM
    yield "people", instances.people
    yield "crowded", instances.crowded


def _group(instances: Instances, rows: NDArray[np.bool_]) -> dict[str, float]:
    measured: dict[str, float] = {"instances": int(rows.sum())}
    for count in COUNTS:
        iou = instances.iou[count][rows]
        measured[f"iou_{count}"] = float(iou.mean()) if len(iou) else 0.0
        measured[f"recall_{count}"] = float((iou >= MATCHED).mean()) if len(iou) else 0.0
    return measured


def build_segmenter(options: str) -> Callable[[Tensor], Proposals]:
    """The segmenter with the options of a variant, ``key=value,...``, best ``COUNTS[-1]`` masks."""
    given = dict(part.split("=", 1) for part in options.split(",") if part)
    if given.pop("classic", None):
        return Classic()
    types = {field.name: str(field.type) for field in fields(ProposalSegmenterSettings)}
    converters: dict[str, Callable[[str], Any]] = {"int": int, "float": float}
    changed = {key: converters.get(types[key], str)(text) for key, text in given.items()}
    segmenter = ProposalSegmenter(replace(ProposalSegmenterSettings(), **changed))
    return lambda image: segmenter.best(image, COUNTS[-1])


def lines(results: dict[str, dict[str, object]]) -> list[str]:
    """Rows of a Markdown table: IoU / recall of each group by number of proposals."""
    head = [f"{count} masks" for count in COUNTS]
    rows = [f"| segmenter | instances | count | {' | '.join(head)} | AUROC | masks | ms |"]
    rows += ["| --- | --- | ---: |" + " ---: |" * (len(COUNTS) + 3)]
    for name, result in results.items():
        measured = result["groups"]
        assert isinstance(measured, dict)  # as measure returns it
        for group, each in measured.items():
            cells = [f"{each[f'iou_{count}']:.3f} / {each[f'recall_{count}']:.3f}" for count in COUNTS]
            whole = group == "all"
            tail = [f"{result['auroc_20']:.3f}", f"{result['masks']:.1f}", f"{result['ms_median']:.0f}"]
            rows.append(
                f"| {name} | {group} | {each['instances']} | {' | '.join(cells)} | "
                + " | ".join(tail if whole else [""] * 3)
                + " |"
            )
    return rows


def main() -> None:
    """Measure and print from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs with masks")
    parser.add_argument("--count", type=int, help="random subset of the photographs")
    parser.add_argument("--seed", type=int, default=0, help="of the subset")
    parser.add_argument(
        "--variant", action="append", default=[], help="NAME:key=value,... of the segmenter's settings"
    )
    parser.add_argument("--weights", help="weights of the variants that name none")
    parser.add_argument("--write-json", type=Path, help="results of every variant")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cases = read_cases(given.photos, given.count, given.seed)
    results: dict[str, dict[str, object]] = {}
    for variant in given.variant or ["shipped:"]:
        name, _, options = variant.partition(":")
        if given.weights and "weights=" not in options:
            options = f"{options},weights={given.weights}"
        results[name] = measure(build_segmenter(options), cases)
        print("\n".join(lines({name: results[name]})), flush=True)
    if given.write_json:
        given.write_json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
