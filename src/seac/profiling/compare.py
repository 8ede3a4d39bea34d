"""The race: stages 1-2 of a preset, ours and the plain way, in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seac.associate.embed import embed_masks
from seac.associate.views import ViewSettings
from seac.core.types import MaskEmbeddings
from seac.profiling.agreement import differing, least_cosine, least_overlap, rank_correlation
from seac.profiling.cases import Subject
from seac.profiling.reference import plain_embeddings
from seac.profiling.roofline import arithmetic
from seac.profiling.synthetic import Scene
from seac.profiling.timing import Clock, Timing, race

LAM = 0.6


@dataclass(frozen=True)
class Row:
    """One stage: times by way of doing it, and how well each agrees with the plain answer.

    Attributes:
        stage: what is done.
        times: by way of doing it.
        agreement: with the plain answer, by way and measure.
        operations: floating point operations of the exact way.
    """

    stage: str
    times: dict[str, Timing]
    agreement: dict[str, dict[str, float]]
    operations: float

    def ratio(self, name: str) -> float:
        """How many times faster than the plain way, by medians."""
        return self.times["plain"].median / max(self.times[name].median, 1e-9)

    def as_json(self, rate: float) -> dict[str, Any]:
        """The same for machines.

        Args:
            rate: operations a second that the machine does at best, for ``floor``: the least seconds in which
                the exact way's arithmetic could be done.
        """
        return {
            "stage": self.stage,
            "seconds": {
                name: {f"p{share}": round(timing.percentile(share), 6) for share in (10, 50, 90)}
                for name, timing in self.times.items()
            },
            "ratio": {name: round(self.ratio(name), 3) for name in self.times if name != "plain"},
            "agreement": self.agreement,
            "operations": self.operations,
            "floor": round(self.operations / rate, 6),
        }


@torch.inference_mode()
def run(
    subject: Subject, frame: Scene, repeats: int, settings: ViewSettings, clock: Clock = "wall"
) -> list[Row]:
    """Race every stage that has a plain counterpart, and all of them together.

    Args:
        subject: the parts.
        frame: the picture, its boxes, and masks for embeddings.
        repeats: rounds that are counted.
        settings: how views are made.
        clock: which seconds.
    """
    rows = []
    if subject.sam is not None and subject.plain is not None:
        rows += _masks(subject, frame, repeats, clock)
    rows.append(_embeddings(subject, frame, repeats, settings, clock))
    return [*rows, _together(rows)]


def _masks(subject: Subject, frame: Scene, repeats: int, clock: Clock) -> list[Row]:
    ours, plain, fast = subject.sam, subject.plain, subject.fast
    if ours is None or plain is None or fast is None:
        raise ValueError("no promptable segmenter to race")
    encoding: dict[str, Callable[[], Any]] = {
        "plain": lambda: plain.encode(frame.image),
        "ours": lambda: ours.encode(frame.image),
        "fast": lambda: fast.encode(frame.image),
    }
    encoded_in, encoded = race(encoding, repeats, clock)
    drawing: dict[str, Callable[[], Tensor]] = {
        "plain": lambda: plain.masks(frame.boxes),
        "ours": lambda: ours.masks(encoded["ours"], frame.boxes)[0],
        "fast": lambda: fast.masks(encoded["fast"], frame.boxes)[0],
    }
    drawn_in, masks = race(drawing, repeats, clock)
    agreement = {
        name: {
            "pixels that differ": differing(masks[name], masks["plain"]),
            "least IoU": least_overlap(masks[name], masks["plain"]),
        }
        for name in ("ours", "fast")
    }
    return [
        Row("masks: the picture", encoded_in, {}, arithmetic(encoding["ours"])),
        Row("masks: the boxes", drawn_in, agreement, arithmetic(drawing["ours"])),
    ]


def _embeddings(subject: Subject, frame: Scene, repeats: int, settings: ViewSettings, clock: Clock) -> Row:
    def embed(*, exact: bool) -> MaskEmbeddings:
        return embed_masks(frame.image, frame.masks, frame.boxes, subject.encoder, settings, exact=exact)

    runners: dict[str, Callable[[], MaskEmbeddings]] = {
        "plain": lambda: plain_embeddings(
            frame.image, frame.masks, frame.boxes, subject.plain_encoder, settings
        ),
        "ours": lambda: embed(exact=True),
        "fast": lambda: embed(exact=False),
    }
    times, answers = race(runners, repeats, clock)
    plain = answers["plain"].mixed(LAM)
    agreement = {
        name: {
            "least cosine": least_cosine(answers[name].mixed(LAM), plain),
            "rank correlation": rank_correlation(answers[name].mixed(LAM), plain),
        }
        for name in ("ours", "fast")
    }
    return Row("embeddings: the views", times, agreement, arithmetic(runners["ours"]))


def _together(rows: list[Row]) -> Row:
    """Sums of the stages, round by round."""
    names = rows[0].times
    sums = {
        name: Timing(tuple(map(sum, zip(*(row.times[name].seconds for row in rows), strict=True))))
        for name in names
    }
    return Row("stages 1-2", sums, {}, sum(row.operations for row in rows))
