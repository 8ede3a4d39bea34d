"""Compares stages 1-2 of a preset with the reference implementation in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seac.associate.embed import embed_masks
from seac.associate.views import ViewSettings
from seac.core.types import MaskEmbeddings
from seac.profiling.agreement import differing_share, min_cosine, min_overlap, rank_correlation
from seac.profiling.cases import Case
from seac.profiling.reference import reference_embeddings
from seac.profiling.roofline import arithmetic
from seac.profiling.synthetic import Scene
from seac.profiling.timing import Clock, Timing, compare

LAM = 0.6


@dataclass(frozen=True)
class Row:
    """Measurements of one stage: times of each path and fidelity to the reference.

    Attributes:
        stage: name of the stage.
        times: timing by path ("reference", "ours", "fast").
        fidelity: agreement with the reference output, by path and measure.
        operations: floating-point operations of the exact path.
    """

    stage: str
    times: dict[str, Timing]
    fidelity: dict[str, dict[str, float]]
    operations: float

    def ratio(self, name: str) -> float:
        """Return the median time of the reference divided by the median time of path ``name``."""
        return self.times["reference"].median / max(self.times[name].median, 1e-9)

    def as_json(self, rate: float) -> dict[str, Any]:
        """Return the row as JSON-serialisable values.

        Args:
            rate: peak floating-point operations per second of the machine; ``roofline`` is the operations of
                the exact path divided by this rate, in seconds.
        """
        return {
            "stage": self.stage,
            "seconds": {
                name: {f"p{share}": round(timing.percentile(share), 6) for share in (10, 50, 90)}
                for name, timing in self.times.items()
            },
            "ratio": {name: round(self.ratio(name), 3) for name in self.times if name != "reference"},
            "fidelity": self.fidelity,
            "operations": self.operations,
            "roofline": round(self.operations / rate, 6),
        }


@torch.inference_mode()
def run(case: Case, frame: Scene, repeats: int, settings: ViewSettings, clock: Clock = "wall") -> list[Row]:
    """Compare every stage that has a reference implementation; the last row is their sum.

    Args:
        case: the parts.
        frame: image, boxes, and masks for the embeddings.
        repeats: measured rounds.
        settings: view settings of the mask embeddings.
        clock: wall-clock or CPU time.
    """
    rows = []
    if case.sam is not None and case.reference is not None:
        rows += _masks(case, frame, repeats, clock)
    rows.append(_embeddings(case, frame, repeats, settings, clock))
    return [*rows, _sum_rows(rows)]


def _masks(case: Case, frame: Scene, repeats: int, clock: Clock) -> list[Row]:
    ours, reference, fast = case.sam, case.reference, case.fast
    if ours is None or reference is None or fast is None:
        raise ValueError("the case has no promptable segmenter to compare")
    encoding: dict[str, Callable[[], Any]] = {
        "reference": lambda: reference.encode(frame.image),
        "ours": lambda: ours.encode(frame.image),
        "fast": lambda: fast.encode(frame.image),
    }
    encode_times, encoded = compare(encoding, repeats, clock)
    decoding: dict[str, Callable[[], Tensor]] = {
        "reference": lambda: reference.masks(frame.boxes),
        "ours": lambda: ours.masks(encoded["ours"], frame.boxes)[0],
        "fast": lambda: fast.masks(encoded["fast"], frame.boxes)[0],
    }
    decode_times, masks = compare(decoding, repeats, clock)
    fidelity = {
        name: {
            "differing pixels": differing_share(masks[name], masks["reference"]),
            "min IoU": min_overlap(masks[name], masks["reference"]),
        }
        for name in ("ours", "fast")
    }
    return [
        Row("masks: image encoder", encode_times, {}, arithmetic(encoding["ours"])),
        Row("masks: box decoder", decode_times, fidelity, arithmetic(decoding["ours"])),
    ]


def _embeddings(case: Case, frame: Scene, repeats: int, settings: ViewSettings, clock: Clock) -> Row:
    def embed(*, exact: bool) -> MaskEmbeddings:
        return embed_masks(frame.image, frame.masks, frame.boxes, case.encoder, settings, exact=exact)

    runners: dict[str, Callable[[], MaskEmbeddings]] = {
        "reference": lambda: reference_embeddings(
            frame.image, frame.masks, frame.boxes, case.reference_encoder, settings
        ),
        "ours": lambda: embed(exact=True),
        "fast": lambda: embed(exact=False),
    }
    times, outputs = compare(runners, repeats, clock)
    reference = outputs["reference"].mixed(LAM)
    fidelity = {
        name: {
            "min cosine": min_cosine(outputs[name].mixed(LAM), reference),
            "rank correlation": rank_correlation(outputs[name].mixed(LAM), reference),
        }
        for name in ("ours", "fast")
    }
    return Row("mask embeddings", times, fidelity, arithmetic(runners["ours"]))


def _sum_rows(rows: list[Row]) -> Row:
    """Return the sum of the stages, round by round."""
    names = rows[0].times
    sums = {
        name: Timing(tuple(map(sum, zip(*(row.times[name].seconds for row in rows), strict=True))))
        for name in names
    }
    return Row("stages 1-2", sums, {}, sum(row.operations for row in rows))
