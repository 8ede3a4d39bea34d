"""Ablation of the hand-set rules of ``tiny``: the preset, and the preset without one rule at a time.

    python -m benchmarks.decision_rules measure OUT.json --bench B0 B1 B2 [--rules decision] [--limit N]
    python -m benchmarks.decision_rules page BEFORE.json [AFTER.json] --write docs/decision_rules.md

Each B is a rendering of the composite benchmarks (``benchmarks.composite`` makes them). The page has the mean
over renderings in percent and, in brackets, the difference to the preset with its standard deviation. A rule
whose absence changes no figure by more than that spread earns nothing. AFTER.json measures a later preset on
the same renderings. What variants share is evaluated once: image encoding by segmenter, audio encoding by
audio encoder and activity.
"""

from __future__ import annotations

import argparse
import json
import subprocess
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


def without_prior_correction(model: SeAC) -> Any:
    """The association whose class probabilities are not divided by their prior."""
    from copy import copy, deepcopy

    other = copy(model.stages.association)
    module = deepcopy(vars(other)["module"])
    projection = module.input_projection
    projection.config = replace(projection.config, prior_exponent=0.0)
    vars(other)["module"] = module
    return other


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
    Rule("no prior correction", with_stages(association=without_prior_correction)),
    Rule("no text-space share", with_association(zero_shot_weight=0.0)),
    Rule("class heads without class probabilities", with_association(tagger_share=0.0)),
    Rule("no class heads", with_association(class_match_weight=0.0)),
    Rule("no objectness", with_settings(objectness=0.0)),
    Rule("no softmax over masks", with_settings(softmax_temperature=0.0)),
)  # fmt: skip
SEGMENTER = (
    Rule("tiny", lambda model: model),
    Rule("no background", with_segmenter(min_background=2.0)),
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
    return [f"### {name}", "", *table(["variant", *columns], rows), ""]


DELETED = (
    ("harmonic/percussive split of the audio", "no harmonic/percussive split", "21, 22, 37"),
    ("class Silence of the audio encoder in activity", "no class Silence in activity", "24"),
    ("noise classes of the audio encoder in activity", "no noise classes in activity", "25"),
    ("three of four trained modules", "one trained module of four", "34"),
    ("log-sum-exp over windows; the mean instead", "mean over windows", "35"),
)
"""Rule that is gone, the row that measured its absence, and its number in the review of the code."""
KEPT = (
    ("stationary noise in activity", "noise at -15 dB makes every frame active without it"),
    ("margin to the best mask", "a constant of the calibration; heatmaps do not depend on it"),
    ("prior correction", "AUROC against audio of another class falls by more than the spread"),
    ("text-space share", "within the spread here; it is the only evidence for classes of no training set"),
    ("class probabilities beside class heads", "S4 and VGG-SS fall without them"),
    ("class heads, objectness, softmax over masks", "figures fall by more than the spread"),
)
"""Rule that stays, and why."""


def page(before: Mapping[str, Any], after: Mapping[str, Any] | None) -> str:
    """Markdown of a measurement, and of a later preset beside it."""
    figures = before["figures"]
    lines = [
        "# Rules of the decision",
        "",
        f"Measured by `{before['command']}` on {before['machine']}, seac at {before['commit']}: "
        f"{before['renderings']} renderings of composites of the dev media, {before['limit'] or 'all'} clips "
        "each. In brackets: difference to `tiny` in points, with its standard deviation over renderings.",
        "",
        "## Deleted: without it no figure falls by more than its spread, or by more than 0.2 points",
        "",
    ]
    columns = [(name, column) for name in figures for column in figures[name]["tiny"][0]]
    shown = [(name, column) for name, column in columns if name != "robustness" or "auroc" in column]
    head = ["rule", "number", *(f"{name} {column}" for name, column in shown)]
    rows = [
        [rule, number, *(difference(figures[n][row], figures[n]["tiny"], c) for n, c in shown)]
        for rule, row, number in DELETED
        if row in figures["s4"]
    ]
    lines += [*table(head, rows), "", "## Kept", "", *table(["rule", "why"], [list(row) for row in KEPT]), ""]
    if after is not None:
        lines += [
            "## All deletions together",
            "",
            f"`tiny` before and after (seac at {after['commit']}, calibrated anew), on the same renderings.",
            "",
            *table(
                ["figure", "before", "after (difference)"],
                [
                    [
                        f"{name} {column}",
                        f"{100 * mean(run[column] for run in figures[name]['tiny']):.1f}",
                        difference(after["figures"][name]["tiny"], figures[name]["tiny"], column),
                    ]
                    for name, column in columns
                    if name in after["figures"]
                ],
            ),
            "",
        ]
    lines += ["## Every variant", ""]
    for name, found in figures.items():
        lines += section(name, found)
    return "\n".join(lines)


def commit() -> str:
    """The commit of the checkout, in short."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def measure(options: argparse.Namespace) -> None:
    """Evaluate; write after each benchmark."""
    torch.set_num_threads(1)
    rules = TABLES[options.rules][: 1 if options.tiny_only else None]
    limit = f" --limit {options.limit}" if options.limit else ""
    found: dict[str, Any] = {
        "command": f"python -m benchmarks.decision_rules measure OUT.json --rules {options.rules} "
        f"--bench B0 B1 ...{limit} --benchmarks {options.benchmarks}",
        "machine": machine(),
        "commit": commit(),
        "renderings": len(options.bench),
        "limit": options.limit,
        "figures": {},
    }
    for name in options.benchmarks.split(","):
        found["figures"][name] = compare_rules(rules, options.bench, name, options.limit)
        print("\n".join(section(name, found["figures"][name])), flush=True)
        write_atomic(options.out, json.dumps(found))


def main() -> None:
    """Measure, or write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    each = commands.add_parser("measure")
    each.add_argument("out", type=Path, help="the measurement")
    each.add_argument("--bench", type=Path, nargs="+", required=True, help="rendered benchmark folders")
    each.add_argument("--rules", choices=tuple(TABLES), default="decision", help="which rules")
    each.add_argument("--tiny-only", action="store_true", help="the preset alone")
    each.add_argument("--limit", type=int, default=None, help="clips of each benchmark")
    each.add_argument("--benchmarks", default="s4,ms3,vggss,robustness")
    each = commands.add_parser("page")
    each.add_argument("before", type=Path)
    each.add_argument("after", type=Path, nargs="?")
    each.add_argument("--write", type=Path, required=True)
    options = parser.parse_args()
    if options.command == "measure":
        measure(options)
        return
    before = json.loads(options.before.read_text(encoding="utf-8"))
    after = json.loads(options.after.read_text(encoding="utf-8")) if options.after else None
    write_atomic(options.write, page(before, after))


if __name__ == "__main__":
    main()
