"""Ablation of the hand-set rules of ``tiny``: the preset, and the preset without one rule at a time.

    python -m benchmarks.decision_rules --bench B0 B1 B2 [--limit N] [--benchmarks s4,...] [--write FILE]

Each B is a rendering of the composite benchmarks (by ``benchmarks.composite``); metrics are the mean and
standard deviation over renderings, in percent. A rule has no measurable effect if its removal changes no
metric by more than the standard deviation of the differences. Variants share image encodings by segmenter,
and audio encodings by audio encoder and activity rules.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from benchmarks.compare import compare_models
from benchmarks.composite import FOLDERS
from benchmarks.tables import machine, table
from seac.core.atomic import write_atomic
from seac.core.types import EncodedAudio
from seac.pipeline import SeAC
from seac.segment.proposal_net.segmenter import ProposalSegmenter, ProposalSegmenterSettings

FAR = 100.0
"""A margin greater than any difference of two logits."""


class WithoutStationaryNoise(SeAC):
    """Audio encoding without the test for stationary noise."""

    def encode_audio(self, waveform: Any, sample_rate: int, middle: float | None = None) -> EncodedAudio:
        """Encode audio; no audio is classified as noise."""
        found = super().encode_audio(waveform, sample_rate, middle)
        return replace(found, summary=replace(found.summary, noise=False))


@dataclass(frozen=True)
class Rule:
    """One rule and its ablation.

    Attributes:
        name: name of the row.
        variant: function from the model to the model without the rule.
    """

    name: str
    variant: Callable[[SeAC], SeAC]


def with_stages(**changed: Callable[[SeAC], Any]) -> Callable[[SeAC], SeAC]:
    """A variant with some stages replaced."""
    return lambda model: SeAC(
        replace(model.stages, **{name: make(model) for name, make in changed.items()}),
        model.vocabulary,
        model.settings,
    )


def with_settings(**changed: Any) -> Callable[[SeAC], SeAC]:
    """A variant with other settings."""
    return lambda model: SeAC(model.stages, model.vocabulary, replace(model.settings, **changed))


def with_calibration(**changed: float) -> Callable[[SeAC], SeAC]:
    """A variant with another calibration."""
    return with_stages(calibration=lambda model: replace(model.stages.calibration, **changed))


def with_association(**changed: float) -> Callable[[SeAC], SeAC]:
    """A variant with other settings of the association."""

    def make(model: SeAC) -> Any:
        from copy import copy

        other = copy(model.stages.association)
        vars(other)["settings"] = replace(vars(other)["settings"], **changed)
        return other

    return with_stages(association=make)


def without_stationary_noise(model: SeAC) -> SeAC:
    """The model without that test; a different threshold keeps its audio encodings separate in the cache."""
    calibration = replace(model.stages.calibration, floor=model.stages.calibration.floor - 1e-4)
    return WithoutStationaryNoise(
        replace(model.stages, calibration=calibration), model.vocabulary, model.settings
    )


def with_segmenter(**changed: Any) -> Callable[[SeAC], SeAC]:
    """A variant with other settings of the segmenter."""
    return with_stages(
        segmenter=lambda model: ProposalSegmenter(replace(ProposalSegmenterSettings(), **changed))
    )


DECISION = (
    Rule("tiny", lambda model: model),
    Rule("no stationary noise in activity", without_stationary_noise),
    Rule("no margin to the best mask", with_calibration(margin=FAR)),
    Rule("no prior correction", with_association(prior_exponent=0.0)),
    Rule("no text-space share", with_association(zero_shot_weight=0.0)),
    Rule("class heads without class probabilities", with_association(tagger_share=0.0)),
    Rule("no class heads", with_association(class_match_weight=0.0)),
    Rule("no objectness", with_settings(objectness=0.0)),
    Rule("no softmax over masks", with_settings(softmax_temperature=0.0)),
)  # fmt: skip
SEGMENTER = (
    Rule("tiny", lambda model: model),
    Rule("no colour in edge refinement of things", with_segmenter(colour=0.0)),
    Rule("no snapping to superpixels", with_segmenter(superpixel_weight=0.0)),
    Rule("no edge refinement of regions", with_segmenter(region_colour=0.0)),
    Rule("no second NMS", with_segmenter(dedup_iou=1.0)),
    Rule("regions at full score", with_segmenter(discount=1.0)),
    Rule("no superpixel regions", with_segmenter(regions=0)),
)
TABLES: Mapping[str, tuple[Rule, ...]] = {"decision": DECISION, "segmenter": SEGMENTER}


def compare_rules(
    rules: Sequence[Rule], benches: Sequence[Path], name: str, limit: int | None
) -> dict[str, list[dict[str, float]]]:
    """Metrics of every variant on every rendering of one benchmark, by row."""
    found: dict[str, list[dict[str, float]]] = {rule.name: [] for rule in rules}
    for bench in benches:
        runs = compare_models(
            name,
            bench / FOLDERS[name],
            lambda model: {rule.name: [rule.variant(model)] for rule in rules},
            limit,
        )
        for row, values in runs.items():
            found[row] += values
    return found


def difference(runs: Sequence[Mapping[str, float]], base: Sequence[Mapping[str, float]], column: str) -> str:
    """Mean over renderings, and mean and standard deviation of the difference to the preset, in points."""
    deltas = [100 * (run[column] - other[column]) for run, other in zip(runs, base, strict=True)]
    spread = f" ± {stdev(deltas):.1f}" if len(deltas) > 1 else ""
    return f"{100 * mean(run[column] for run in runs):.1f} ({mean(deltas):+.1f}{spread})"


def section(name: str, found: Mapping[str, Sequence[Mapping[str, float]]]) -> list[str]:
    """Markdown: a row per rule."""
    base = found["tiny"]
    columns = list(base[0])
    rows = [[row, *(difference(runs, base, column) for column in columns)] for row, runs in found.items()]
    return [f"## {name}", "", *table(["variant", *columns], rows), ""]


def main() -> None:
    """Evaluate; the page is written after each benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", type=Path, nargs="+", required=True, help="rendered benchmark folders")
    parser.add_argument("--rules", choices=tuple(TABLES), default="decision", help="set of rules")
    parser.add_argument("--limit", type=int, default=None, help="clips of each benchmark")
    parser.add_argument("--benchmarks", default="s4,ms3,vggss,robustness")
    parser.add_argument("--write", type=Path, default=None)
    options = parser.parse_args()
    torch.set_num_threads(1)
    limit = f" --limit {options.limit}" if options.limit else ""
    lines = [
        f"# Rules of the {options.rules}, left out one at a time",
        "",
        f"Written by `python -m benchmarks.decision_rules --rules {options.rules} --bench B0 B1 ...{limit} "
        f"--benchmarks {options.benchmarks}` on {machine()}, {len(options.bench)} renderings of composites "
        "of the dev media: mean in percent and, in brackets, the difference to `tiny` with its standard "
        "deviation over renderings.",
        "",
    ]
    everything = {}
    for name in options.benchmarks.split(","):
        found = compare_rules(TABLES[options.rules], options.bench, name, options.limit)
        everything[name] = found
        rows = section(name, found)
        print("\n".join(rows), flush=True)
        lines += rows
        if options.write:
            write_atomic(options.write, "\n".join(lines))
            write_atomic(options.write.with_suffix(".json"), json.dumps(everything))


if __name__ == "__main__":
    main()
