"""Published metrics on the real data, for comparison; results of seac do not belong here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A row of a paper's table, in percent.

    Attributes:
        name: of the method.
        figures: by benchmark of the command line, then by name, e.g. ``{"s4": {"miou": 65.31}}``.
    """

    name: str
    figures: Mapping[str, Mapping[str, float]]


def _table_1(name: str, *values: float) -> Published:
    """S4, MS3: mIoU and F; VGG-SS: cIoU and AUC; extended VGG-SS: AP and max-F1; in this order."""
    s4_miou, s4_f, ms3_miou, ms3_f, ciou, auc, ap, max_f1 = values
    return Published(
        name,
        {
            "s4": {"miou": s4_miou, "fscore": s4_f},
            "ms3": {"miou": ms3_miou, "fscore": ms3_f},
            "vggss": {"ciou": ciou, "auc": auc},
            "vggss-extended": {"ap": ap, "max_f1": max_f1},
        },
    )


PUBLISHED: tuple[Published, ...] = (
    _table_1("SeAC (paper)", 65.31, 81.52, 47.39, 65.47, 48.58, 48.68, 40.54, 49.96),
    Published("SeAC (paper), RN50", {"avss": {"miou": 20.60, "fscore": 23.56}}),
    Published("SeAC (paper), ViT-B/16", {"avss": {"miou": 25.52, "fscore": 29.59}}),
    _table_1("ACL-SSL", 59.76, 69.03, 41.08, 46.67, 49.46, 46.32, 40.79, 49.10),
    _table_1("EZ-VSL", 26.43, 29.20, 21.36, 22.50, 35.96, 38.20, 24.55, 30.90),
)


def published_rows(benchmark: str) -> tuple[tuple[str, Mapping[str, float]], ...]:
    """(method, figures in percent) that papers report on a benchmark."""
    return tuple((row.name, row.figures[benchmark]) for row in PUBLISHED if benchmark in row.figures)
