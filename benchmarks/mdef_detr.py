"""MDef-DETR: time by part against a reference implementation, and differences from reference outputs.

    python -m benchmarks.mdef_detr [--size 800x1066] [--threads N] [--rounds N] [--json] [--model-card PAGE]
    python -m benchmarks.mdef_detr --golden SHARED [--model-card PAGE]

The reference ("usual") has transformers' PyTorch function for deformable attention (one ``grid_sample`` per
level), all queries at once, frozen batch norm after each convolution, and channels first. "ours" is the
implementation of seac with the same weights. The implementations alternate in each round of one run, and
their outputs are compared. Times are CPU time of the process, which is less affected by other processes than
wall time; on one thread of an idle machine both are equal. ``bf16`` is "ours" under bfloat16 autocast: faster
on CPUs with bfloat16, and not exact.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.models.deformable_detr.modeling_deformable_detr import MultiScaleDeformableAttention

from benchmarks.tables import machine, replace_section
from seac.segment.detectors.mdef_detr import MDefDetr, Predictions, backbone, deformable, encoder
from seac.segment.detectors.mdef_detr.boxes import objectness
from seac.segment.detectors.mdef_detr.position import Shapes, extents
from seac.segment.detectors.mdef_detr.sentences import tokens_of

IMPLEMENTATIONS = ("usual", "ours", "bf16")
PARTS = ("backbone", "projection", "encoder", "decoder", "text", "fusion", "whole")


@dataclass(frozen=True)
class Timing:
    """CPU time of one part in milliseconds, and the speed-up.

    Attributes:
        part: part of the network.
        usual_ms: (median, 90th percentile) of the reference.
        ours_ms: (median, 90th percentile) of seac.
        bf16_ms: (median, 90th percentile) of seac under bfloat16 autocast.
        ratio: reference over seac, per round: (10th, 50th, 90th percentile).
    """

    part: str
    usual_ms: tuple[float, float]
    ours_ms: tuple[float, float]
    bf16_ms: tuple[float, float]
    ratio: tuple[float, float, float]


class Theirs:
    """Adapter of transformers' deformable attention to the protocol of seac."""

    def __init__(self, value: Tensor, shapes: Shapes, points: int = deformable.POINTS) -> None:
        self._value, self._shapes, self._points = value.float(), shapes, points
        self._core = MultiScaleDeformableAttention()

    def sample(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """See :class:`seac.segment.detectors.mdef_detr.deformable.Values`."""
        sample_points = torch.stack((x, y), -1).unflatten(3, (len(self._shapes), self._points))  # type: ignore[no-untyped-call]
        locations = (sample_points + 0.5) / extents(self._shapes, x.device)[:, None]
        shapes = torch.tensor(self._shapes)
        share = weights.unflatten(3, sample_points.shape[3:5])  # type: ignore[no-untyped-call]
        answer: Tensor = self._core(self._value, shapes, list(self._shapes), None, locations, share, 64)
        return answer


def usual_convolution(x: Tensor, convolution: nn.Conv2d, norm: backbone.FrozenNorm) -> Tensor:
    """Convolution followed by frozen batch norm."""
    scale, shift = norm.affine()
    x = F.conv2d(x, convolution.weight, None, convolution.stride, convolution.padding)
    return x * scale[:, None, None] + shift[:, None, None]


@contextmanager
def usual() -> Iterator[None]:
    """Use the reference implementation within the context."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(deformable, "values", Theirs))
        stack.enter_context(patch.object(encoder, "CHUNK", 1 << 40))
        stack.enter_context(patch.object(backbone, "convolve", usual_convolution))
        stack.enter_context(
            patch.object(backbone.Backbone, "forward", lambda self, pixels: self.body(pixels))
        )
        yield


@contextmanager
def timed(network: MDefDetr, spent: dict[str, float]) -> Iterator[None]:
    """Add the CPU time of each part to ``spent`` within the context."""
    transformer = network.transformer
    parts: list[tuple[str, nn.Module]] = [("projection", layer) for layer in network.input_proj]
    parts += [("backbone", network.backbone[0]), ("encoder", transformer.encoder)]
    parts += [("decoder", transformer.decoder), ("text", transformer.text_encoder)]
    parts += [("fusion", transformer.img_text_attn)]
    handles = []
    for name, module in parts:
        handles.append(module.register_forward_pre_hook(_clock(spent, name, -1)))
        handles.append(module.register_forward_hook(_clock(spent, name, 1)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _clock(spent: dict[str, float], name: str, sign: int) -> Callable[..., None]:
    def hook(*_: Any) -> None:
        spent[name] = spent.get(name, 0.0) + sign * time.process_time()

    return hook


@torch.inference_mode()
def once(network: MDefDetr, pixels: Tensor, implementation: str) -> tuple[dict[str, float], Predictions]:
    """Run one image and one sentence: CPU seconds by part, and the outputs."""
    ids, mask = tokens_of(("all objects",))
    spent: dict[str, float] = {}
    half = torch.autocast("cpu", torch.bfloat16) if implementation == "bf16" else nullcontext()
    with usual() if implementation == "usual" else nullcontext(), half, timed(network, spent):
        began = time.process_time()
        found = network(pixels, ids, None, mask)
        spent["whole"] = time.process_time() - began
    return spent, found


def compare_implementations(
    network: MDefDetr, pixels: Tensor, rounds: int
) -> tuple[list[Timing], dict[str, float]]:
    """Alternate all implementations; timings, and differences of the outputs."""
    laps: dict[str, list[dict[str, float]]] = {implementation: [] for implementation in IMPLEMENTATIONS}
    answers: dict[str, Predictions] = {}
    for lap in range(rounds + 1):
        for implementation in IMPLEMENTATIONS:
            spent, answers[implementation] = once(network, pixels, implementation)
            if lap:  # the first round warms up
                laps[implementation].append(spent)
    rows = []
    for part in PARTS:
        ms = {
            implementation: np.array([lap[part] for lap in laps[implementation]]) * 1000
            for implementation in IMPLEMENTATIONS
        }
        middle = {
            implementation: (
                float(np.median(ms[implementation])),
                float(np.percentile(ms[implementation], 90)),
            )
            for implementation in IMPLEMENTATIONS
        }
        ratio = [float(np.percentile(ms["usual"] / ms["ours"], share)) for share in (10, 50, 90)]
        rows.append(
            Timing(part, middle["usual"], middle["ours"], middle["bf16"], (ratio[0], ratio[1], ratio[2]))
        )
    largest_gaps = {
        implementation: _largest_differences(answers["usual"], answers[implementation])
        for implementation in ("ours", "bf16")
    }
    return rows, {
        f"{implementation} {name}": gap
        for implementation, gaps in largest_gaps.items()
        for name, gap in gaps.items()
    }


def _largest_differences(a: Predictions, b: Predictions) -> dict[str, float]:
    return {
        "boxes": float((a.boxes - b.boxes).abs().max()),
        "objectness": float((objectness(a.logits) - objectness(b.logits)).abs().max()),
    }


def speed_table(rows: list[Timing], largest_gaps: dict[str, float], about: str) -> list[str]:
    """Markdown lines."""
    lines = [
        about,
        "",
        "| part | usual, ms (p90) | ours, ms (p90) | usual / ours (p10 to p90) | bf16, ms (p90) |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.part} | {row.usual_ms[0]:.0f} ({row.usual_ms[1]:.0f}) | {row.ours_ms[0]:.0f} "
        f"({row.ours_ms[1]:.0f}) | {row.ratio[1]:.2f} ({row.ratio[0]:.2f} to {row.ratio[2]:.2f}) "
        f"| {row.bf16_ms[0]:.0f} ({row.bf16_ms[1]:.0f}) |"
        for row in rows
    ]
    gaps = ", ".join(f"{name} {gap:.1e}" for name, gap in largest_gaps.items())
    return [*lines, "", f"Largest difference from the usual implementation (boxes in 0..1): {gaps}."]


def golden_table(shared: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Markdown lines of the largest difference in each group of reference arrays, and all of them."""
    from tests.segment.detectors.mdef_detr import golden
    from tests.segment.detectors.mdef_detr.weights import build_reference, with_two_text_layers

    full = build_reference()
    rows = list(golden.differences(full, with_two_text_layers(full), golden.load(shared)))
    groups: dict[tuple[str, str], list[golden.Difference]] = {}
    for row in rows:
        head, _, tail = row.name.partition("_")
        stem = tail.removesuffix("_meanstd").rstrip("0123456789") if head in ("a", "b", "ab", "a12") else ""
        groups.setdefault((stem or row.name, row.kind), []).append(row)
    lines = ["| arrays | how many | largest difference | kind | in |", "| --- | ---: | ---: | --- | --- |"]
    for (stem, kind), members in groups.items():
        worst = max(members, key=lambda row: row.largest)
        lines.append(f"| {stem} | {len(members)} | {worst.largest:.1e} | {kind} | {worst.name} |")
    return lines, [asdict(row) for row in rows]


def main(arguments: list[str] | None = None) -> None:
    """Measure and print; see the module's docstring."""
    given = _arguments(arguments)
    torch.set_num_threads(given.threads)
    options = [
        part
        for part in (arguments or sys.argv[1:])
        if part != str(given.model_card) and part != "--model-card"
    ]
    if given.golden:
        lines, record = golden_table(given.golden)
        which, command = "golden", "python -m benchmarks.mdef_detr --golden SHARED"
    else:
        from tests.segment.detectors.mdef_detr.weights import build_reference

        height, width = (int(side) for side in given.size.split("x"))
        pixels = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
        rows, largest_gaps = compare_implementations(build_reference(), pixels, given.rounds)
        about = (
            f"{height} x {width} px, one sentence, {given.threads} thread(s), {given.rounds} rounds, "
            "CPU time; "
            f"{machine()}, torch {torch.__version__}."
        )
        lines, record = speed_table(rows, largest_gaps, about), [*(asdict(row) for row in rows), largest_gaps]
        which, command = "speed", " ".join(["python -m benchmarks.mdef_detr", *options])
    print("\n".join(lines))
    if given.model_card:
        replace_section(given.model_card, which, ["", f"Written by `{command}`.", "", *lines, ""])
    if given.json:
        print(json.dumps(record))


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="800x1066", help="height x width in pixels")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5, help="rounds after a warm-up round")
    parser.add_argument("--golden", type=Path, help="folder of golden/mdef_detr.npz")
    parser.add_argument("--model-card", type=Path, help="page whose table is updated")
    parser.add_argument("--json", action="store_true", help="end standard output with one line of JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
