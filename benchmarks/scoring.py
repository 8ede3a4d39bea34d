"""Correctness and speed of scoring: golden metrics, and histograms against 255 comparisons per frame.

    python -m benchmarks.scoring [--json] [--write docs/scoring.md]

Times are medians of ``--repeats`` runs on ``--threads`` threads at 224 x 224, input in memory, checks of the
input included. The reference implementation makes one binary image per threshold.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.shared import shared_folder
from seac.core.atomic import write_atomic
from seac.metrics.functional import avsbench, avsbench_semantic, extended_vggss, robustness, vggss
from seac.metrics.functional.curves import FrameCounts, count_pixels, thresholds
from seac.metrics.functional.extended_vggss import precision_at

SHARED = shared_folder()
SIZE = 224


@dataclass(frozen=True)
class Golden:
    """One metric of the golden vectors."""

    name: str
    ours: float
    reference: float
    tolerance: float

    @property
    def difference(self) -> float:
        """Difference of seac and the reference."""
        return self.ours - self.reference


@dataclass(frozen=True)
class Speed:
    """Speed of histograms against comparisons."""

    frames: int
    reference_ms_per_frame: float
    histogram_ms_per_frame: float
    ratio: float
    equal: bool


@dataclass(frozen=True)
class Report:
    """All results that are printed."""

    machine: str
    threads: int
    speed: Speed
    seconds_per_1000: dict[str, float]
    golden: tuple[Golden, ...]


def reference_counts(values: Tensor, masks: Tensor) -> FrameCounts:
    """Reference of :func:`count_pixels`, 255 images per frame: (F, H, W) in [0, 1] and (F, H, W) bool."""
    predicted, hit = [], []
    for value, true in zip(values, masks.to(values.dtype), strict=True):
        for threshold in thresholds().to(values):
            image = (value >= threshold).to(values.dtype)
            predicted.append(image.sum())
            hit.append((image * true).sum())
    shape = (len(values), -1)
    return FrameCounts(
        torch.stack(predicted).long().view(shape), torch.stack(hit).long().view(shape), masks.sum((1, 2))
    )


def golden(shared: Path) -> tuple[Golden, ...]:
    """Compute every metric of ``metrics.json`` with seac."""
    reference = json.loads((shared / "golden" / "metrics.json").read_text(encoding="utf-8"))
    with np.load(shared / "golden" / "metrics.npz") as arrays:
        given = {name: torch.from_numpy(arrays[name]) for name in arrays}
    ours = {**_avs(given), **_avss(given), **_vggss(given)}
    exact = ("vggss_", "ext_")
    return tuple(
        Golden(name, ours[name], value, 1e-6 if name.startswith(exact) else 1e-5)
        for name, value in reference.items()
    )


def _avs(given: dict[str, Tensor]) -> dict[str, float]:
    logits, masks = given["avs_logits"], _unpack(given["avs_gt"])
    ours = {}
    for clips in (1, 2, 4):
        scores = avsbench(logits, masks, clips_per_batch=clips)
        ours[f"avs_miou_batch{clips}"], ours[f"avs_fscore_batch{clips}"] = scores["miou"], scores["fscore"]
    hard = (logits > 0).float()
    hard[4] = 0
    ours["avs_fscore_batch4_hard01"] = avsbench(hard, masks)["fscore"]
    return ours


def _avss(given: dict[str, Tensor]) -> dict[str, float]:
    scores = given["avss_scores"]
    found = avsbench_semantic(scores, given["avss_labels"], num_classes=scores.shape[1])
    return {"avss_miou": float(found["miou"]), "avss_fscore": float(found["fscore"])}


def _vggss(given: dict[str, Tensor]) -> dict[str, float]:
    truth, boxes, confidence = (
        _unpack(given["vggss_gt"]),
        given["vggss_num_boxes"],
        given["vggss_confidence"],
    )
    ours: dict[str, float] = {}
    for name in ("fixed50", "median"):
        found = vggss(given["vggss_heatmaps"], truth, threshold=0.5 if name == "fixed50" else "median")
        ciou = torch.as_tensor(found["per_clip"])
        pairs = extended_vggss(ciou, boxes, confidence)
        ours |= {
            f"vggss_ciou_{name}": float(found["ciou"]),
            f"vggss_auc_{name}": float(found["auc"]),
            f"ext_ap_{name}": pairs["ap"],
            f"ext_maxf1_{name}": pairs["max_f1"],
            f"ext_precision_all_{name}": precision_at(ciou, boxes, confidence),
        }
    return ours


def _unpack(bits: Tensor) -> Tensor:
    return torch.from_numpy(np.unpackbits(bits.numpy(), axis=-1)).bool()


def blobs(frames: int, seed: int) -> tuple[Tensor, Tensor]:
    """(F, 224, 224) smooth logits, some saturated, and partly matching masks; frame 0 is empty."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.randn(frames, 2, 7, 7, generator=rng) * 8
    fine = torch.nn.functional.interpolate(coarse, size=(SIZE, SIZE), mode="bicubic")
    masks = fine.sum(1) > 4
    masks[0] = False
    return fine[:, 0].contiguous(), masks


def compare(frames: int, repeats: int, seed: int) -> Speed:
    """Time both ways of counting and compare all counts."""
    logits, masks = blobs(frames, seed)
    values = logits.sigmoid()
    values[:, 0, :] = thresholds()[torch.arange(SIZE) % 255]  # values equal to thresholds, to test ties
    fast, slow = count_pixels(values, masks), reference_counts(values, masks)
    equal = all(
        torch.equal(getattr(fast, name), getattr(slow, name)) for name in ("predicted", "hit", "true")
    )
    # Both times include the sigmoid.
    slow_s = _median_seconds(lambda: reference_counts(logits.sigmoid(), masks), max(1, repeats // 2))
    fast_s = _median_seconds(lambda: count_pixels(logits.sigmoid(), masks), repeats)
    return Speed(frames, slow_s / frames * 1000, fast_s / frames * 1000, slow_s / fast_s, equal)


def per_1000(frames: int, repeats: int, seed: int) -> dict[str, float]:
    """Seconds of each protocol per 1,000 frames."""
    logits, masks = blobs(frames, seed)
    heatmaps, labels = logits.sigmoid(), masks.long() * 70
    confidence, sounding = heatmaps.mean((1, 2)), masks.any(2).any(1)
    pairs = 10_316  # Extended VGG-SS
    rng = torch.Generator().manual_seed(seed)
    ciou, level = torch.rand(2, pairs, generator=rng)
    boxes = torch.randint(0, 3, (pairs,), generator=rng)
    runs: dict[str, tuple[int, Callable[[], object]]] = {
        "avsbench, batches of 4 clips": (frames, lambda: avsbench(logits, masks)),
        "avsbench, data set": (frames, lambda: avsbench(logits, masks, clips_per_batch=None)),
        "avsbench_semantic, 71 classes, labels": (
            frames,
            lambda: avsbench_semantic(labels, labels, num_classes=71),
        ),
        "vggss, threshold .5": (frames, lambda: vggss(heatmaps, masks)),
        "vggss, median": (frames, lambda: vggss(heatmaps, masks, threshold="median")),
        "extended_vggss": (pairs, lambda: extended_vggss(ciou, boxes, level)),
        "robustness": (frames, lambda: robustness(heatmaps, confidence, torch.zeros_like(sounding), 0.5)),
    }
    return {name: _median_seconds(run, repeats) / count * 1000 for name, (count, run) in runs.items()}


def _median_seconds(run: Callable[[], object], repeats: int) -> float:
    run()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def machine() -> str:
    """The name of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()}, {os.cpu_count()} cores"
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def page(report: Report, command: str) -> str:
    """The report in markdown."""
    speed = report.speed
    lines = [
        "# Scoring: agreement and speed",
        "",
        f"Written by `{command}` on {report.machine}; {report.threads} thread(s).",
        "",
        "## Golden figures",
        "",
    ]
    if report.golden:
        lines += [
            "Results of the public evaluators on fixed inputs, and ours on the same.",
            "",
            "| figure | ours | reference | difference | tolerance |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        lines += [
            f"| {g.name} | {g.ours:.8f} | {g.reference:.8f} | {g.difference:+.1e} | {g.tolerance:.0e} |"
            for g in report.golden
        ]
    else:
        lines += ["The folder with the golden vectors was not there."]
    lines += [
        "",
        "## The F curve",
        "",
        f"255 thresholds at {SIZE} x {SIZE}, {speed.frames} frames, sigmoid included: "
        f"{speed.reference_ms_per_frame:.2f} ms a frame by 255 comparisons, "
        f"{speed.histogram_ms_per_frame:.3f} ms by histograms, {speed.ratio:.0f} times faster; "
        f"all counts equal: {'yes' if speed.equal else 'NO'}.",
        "",
        "## Time of scoring",
        "",
        "| protocol | seconds per 1,000 frames or pairs |",
        "| --- | ---: |",
    ]
    lines += [f"| {name} | {seconds:.3f} |" for name, seconds in report.seconds_per_1000.items()]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Measure and print; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with golden/")
    parser.add_argument("--frames", type=int, default=40, help="frames to time, a multiple of 10")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", type=Path, help="markdown page to write")
    parser.add_argument("--json", action="store_true", help="end standard output with one line of JSON")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    report = Report(
        machine(),
        given.threads,
        compare(given.frames, given.repeats, given.seed),
        per_1000(given.frames, given.repeats, given.seed),
        golden(given.shared) if (given.shared / "golden" / "metrics.json").is_file() else (),
    )
    text = page(report, " ".join(["python -m benchmarks.scoring", *(arguments or sys.argv[1:])]))
    print(text)
    if given.write:
        write_atomic(given.write, text)
    if given.json:
        row = asdict(report)
        for line, entry in zip(row["golden"], report.golden, strict=True):
            line["difference"] = entry.difference
        print(json.dumps(row))


if __name__ == "__main__":
    main()
