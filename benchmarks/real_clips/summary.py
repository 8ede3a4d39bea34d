"""Figures over all frames of the real clips, with confidence intervals over clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from benchmarks.real_clips.clips import FrameRecord
from benchmarks.real_clips.errors import FLOOD, report_errors
from benchmarks.real_clips.scores import FITS
from benchmarks.tables import table

FIRST = 5
"""Masks of highest probability among which the one that fits best is looked for."""
AREAS = ((0.0, 0.1), (0.1, 0.25), (0.25, 0.5), (0.5, 1.01))
"""Bins of the share of the frame that sounds."""
Records = Sequence[FrameRecord]
Pick = Callable[[FrameRecord], float]


@dataclass(frozen=True)
class Figure:
    """One figure of the table.

    Attributes:
        name: row of the table.
        value: from the frames; None where no frame counts.
    """

    name: str
    value: Callable[[Records], float | None]


def share(name: str, pick: Pick, of: Callable[[FrameRecord], bool]) -> Figure:
    """The mean of ``pick`` over the frames ``of``."""
    return Figure(name, lambda records: _mean(pick(record) for record in records if of(record)))


def sounds(record: FrameRecord) -> bool:
    """Whether something in the frame sounds."""
    return not record.flags


def rivalled(record: FrameRecord) -> bool:
    """Whether something sounds beside distractors."""
    return sounds(record) and record.distractors > 0


def fitted(record: FrameRecord) -> bool:
    """Whether something sounds and a mask fits it."""
    return sounds(record) and record.blind.fit >= FITS


def flagged(flag: str) -> Callable[[FrameRecord], bool]:
    """Frames with a flag."""
    return lambda record: flag in record.flags


def named_when_active(record: FrameRecord) -> bool:
    """Whether something sounds and a mask is active."""
    return sounds(record) and record.own.active > 0


def other_audio_auc(records: Records) -> float | None:
    """AUC of the highest probability of a mask: own audio against that of other clips."""
    own = [record.own.probability for record in records if record.other_audio]
    others = [score.probability for record in records for score in record.other_audio]
    return auc(own, others)


def auc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Probability that a positive value exceeds a negative one, ties half; None without either."""
    if not positive or not negative:
        return None
    left, right = np.array(positive)[:, None], np.array(negative)[None]
    return float(((left > right) + 0.5 * (left == right)).mean())


FIGURES: tuple[Figure, ...] = (
    share("peak on a sounding thing", lambda r: r.own.peak, sounds),
    share("peak in its smallest box", lambda r: r.own.peak_smallest, sounds),
    share("peak, frames with distractors", lambda r: r.own.peak, rivalled),
    share("peak in its smallest box, frames with distractors", lambda r: r.own.peak_smallest, rivalled),
    share("peak on a distractor, frames with distractors", lambda r: r.own.peak_distractor, rivalled),
    share("no heat while something sounds", lambda r: not r.own.heat, sounds),
    share("active boxes cover what sounds, IoU >= .5", lambda r: r.own.iou_boxes >= FITS, sounds),
    share("active pixels cover its boxes, IoU >= .5", lambda r: r.own.iou_pixels >= FITS, sounds),
    share("mean IoU of active boxes", lambda r: r.own.iou_boxes, sounds),
    share("nothing active while something sounds", lambda r: r.own.active == 0, sounds),
    share(f"more than {FLOOD} active while something sounds", lambda r: r.own.active > FLOOD, sounds),
    share("something active: silent", lambda r: r.own.active > 0, flagged("silent")),
    share("something active: quiet", lambda r: r.own.active > 0, flagged("quiet")),
    share("something active: off-screen", lambda r: r.own.active > 0, flagged("off_screen")),
    share("something active: any frame with silence", lambda r: r.muted > 0, lambda r: True),
    share("something active: any frame with white noise", lambda r: r.noise > 0, lambda r: True),
    share("right name, nothing active is wrong", lambda r: r.own.named, sounds),
    share("right name or parent", lambda r: r.own.named_or_parent, sounds),
    share("right name, where something is active", lambda r: r.own.named, named_when_active),
    share("right name of the mask that fits best", lambda r: r.own.fitting_named, fitted),
    share("the mask that fits best is the likeliest", lambda r: r.own.rank == 0, fitted),
    share(f"it is in the first {FIRST}", lambda r: r.own.rank is not None and r.own.rank < FIRST, fitted),
    share("a mask fits, IoU >= .5", lambda r: r.blind.fit >= FITS, sounds),
    share("guess: centre of the image as peak", lambda r: r.blind.centre, sounds),
    share("guess: centre in the smallest box", lambda r: r.blind.centre_smallest, sounds),
    share("guess: centre, frames with distractors", lambda r: r.blind.centre, rivalled),
    share("guess: mask of highest objectness as peak", lambda r: r.blind.objectness, sounds),
    share("guess: the same in the smallest box", lambda r: r.blind.objectness_smallest, sounds),
    share("guess: its box, IoU >= .5", lambda r: r.blind.objectness_iou >= FITS, sounds),
    share("guess: half of the frame, IoU >= .5", lambda r: r.blind.centre_iou >= FITS, sounds),
    share("best possible with the masks, IoU >= .5", lambda r: r.blind.best_iou >= FITS, sounds),
    share("other audio: peak", lambda r: _mean(s.peak for s in r.other_audio) or 0.0, sounds),
    share(
        "other audio: something active", lambda r: _mean(s.active > 0 for s in r.other_audio) or 0.0, sounds
    ),
    Figure("AUC of the likeliest mask, own against other audio", other_audio_auc),
)
BY_KIND: Mapping[str, Pick] = {
    "peak": lambda r: r.own.peak,
    "smallest": lambda r: r.own.peak_smallest,
    "active": lambda r: r.own.active > 0,
    "IoU >= .5": lambda r: r.own.iou_boxes >= FITS,
    "name": lambda r: r.own.named,
    "fitting mask is likeliest": lambda r: r.own.rank == 0 and r.blind.fit >= FITS,
    "centre": lambda r: r.blind.centre,
    "a mask fits": lambda r: r.blind.fit >= FITS,
}


def summarise(records: Records, draws: int, seed: int) -> dict[str, dict[str, float]]:
    """Value, confidence interval (95 %, bootstrap over clips) and number of clips of every figure.

    Args:
        records: all frames.
        draws: bootstrap samples of the clips.
        seed: of the samples.
    """
    clips: dict[str, list[FrameRecord]] = {}
    for record in records:
        clips.setdefault(record.clip, []).append(record)
    names, generator = sorted(clips), np.random.default_rng(seed)
    samples = [
        [
            record
            for number in generator.integers(len(names), size=len(names))
            for record in clips[names[number]]
        ]
        for _ in range(draws)
    ]
    found = {}
    for figure in FIGURES:
        value = figure.value(records)
        if value is None:
            continue
        spread = [drawn for sample in samples if (drawn := figure.value(sample)) is not None]
        low, high = np.quantile(spread, (0.025, 0.975)) if spread else (value, value)
        found[figure.name] = {"value": value, "low": float(low), "high": float(high)}
    return found


def report(records: Records, summary: Mapping[str, Mapping[str, float]], worst: int) -> list[str]:
    """Lines of Markdown: all figures, by kind, by area, and errors, also of the ``worst`` frames."""
    rows = [
        [name, f"{row['value']:.2f}", f"{row['low']:.2f} to {row['high']:.2f}"]
        for name, row in summary.items()
    ]
    audible = [record for record in records if sounds(record)]
    clips = len({record.clip for record in records})
    categories = sorted({record.kind for record in audible})
    return [
        f"{clips} clips, {len(records)} frames, something sounds in {len(audible)}.",
        "",
        *table(["figure", "value", "95 % interval over clips"], rows),
        "",
        *table(
            ["kind", "frames", *BY_KIND], [_row(k, [r for r in audible if r.kind == k]) for k in categories]
        ),
        "",
        *table(
            ["area of what sounds", "frames", *BY_KIND],
            [
                _row(f"{a:g} to {min(b, 1):g}", [r for r in audible if a <= r.blind.area < b])
                for a, b in AREAS
            ],
        ),
        "",
        *report_errors(records, worst),
    ]


def _row(name: str, records: Records) -> list[object]:
    values = [_mean(pick(record) for record in records) for pick in BY_KIND.values()]
    return [name, len(records), *("" if value is None else f"{value:.2f}" for value in values)]


def _mean(values: Iterable[float]) -> float | None:
    found = [float(value) for value in values]
    return mean(found) if found else None
