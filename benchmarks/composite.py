"""Evaluate composites of the dev media: `seac evaluate --baselines` on each benchmark, and the page.

    python -m benchmarks.composite --work FOLDER [--media FOLDER] [--seeds 0 1 2] [--benchmarks s4,...]
                                   [--write FILE]

``recipes.common.composites`` renders the public layouts from cut-outs and recordings; no weights of seac were
trained on the default media. Composites are easier than videos in some ways (objects are pasted) and harder
in others (half of the objects are drawings): compare rows with one another, not with published metrics on the
real data. Existing results in FOLDER are reused, so an interrupted run can be resumed. Each seed renders
other scenes of the same media; with several seeds, metrics are the mean and standard deviation.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import tables
from recipes.common.composites.layouts import LAYOUTS
from recipes.common.composites.media import Media
from recipes.common.composites.render import render_composites
from recipes.common.options import add_media, open_media
from seac.core.atomic import write_atomic

Line = Mapping[str, Any]
"""Last line of `seac evaluate --json`, parsed."""

FOLDERS = {
    **{name: layout.folder for name, layout in LAYOUTS.items()},
    "vggss-extended": LAYOUTS["vggss"].folder,
    "robustness": LAYOUTS["vggss"].folder,
}
SHOWN = {
    "s4": (("official", "miou"), ("official", "fscore"), ("dataset", "fscore")),
    "ms3": (("official", "miou"), ("official", "fscore"), ("dataset", "fscore")),
    "avss": (("official", "miou"), ("official", "fscore"), ("dataset", "miou"), ("dataset", "fscore")),
    "vggss": (("fixed", "ciou"), ("fixed", "auc"), ("median", "ciou")),
    "vggss-extended": (("fixed", "ap"), ("fixed", "max_f1"), ("fixed", "loc_acc")),
    "robustness": (
        ("all", "auroc"),
        ("silence", "fpr_frames"),
        ("noise -30 dB", "fpr_frames"),
        ("noise -15 dB", "fpr_frames"),
        ("another class", "fpr_frames"),
        ("another class", "auroc"),
    ),
}
"""Metrics on the page by benchmark; the report of each run has all metrics."""


def render_benchmarks(work: Path, media: Media, seed: int) -> Path:
    """Render the benchmarks of a seed in their layouts, once for the same media."""
    folder = work / f"composite-{media.fingerprint()}-{seed}"
    if not folder.is_dir():
        render_composites(media, folder, seed)
    return folder


def evaluate_benchmark(name: str, bench: Path, out: Path, extra: list[str]) -> Line:
    """Run `seac evaluate --json` on one benchmark and return its line."""
    command = ["-m", "seac", "evaluate", name, str(bench / FOLDERS[name]), "--baselines", "--json"]
    done = subprocess.run(
        [sys.executable, *command, "-o", str(out), *extra],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    line: Line = json.loads(done.stdout.splitlines()[-1])
    return line


def table(name: str, lines: Sequence[Line]) -> list[str]:
    """Markdown of one benchmark, by seed in ``lines``: a row per method, then error attribution."""
    columns = SHOWN[name]
    head = [f"{figure} ({protocol})" for protocol, figure in columns]
    methods = list(lines[0]["methods"])
    table_rows = [
        [
            method,
            *(
                tables.format_spread([line["methods"][method][protocol][figure] for line in lines])
                for protocol, figure in columns
            ),
        ]
        for method in methods
    ]
    attributed = Counter[str]()
    for line in lines:
        attributed.update(line["attribution"])
    total = max(attributed.total(), 1)
    attribution = ", ".join(f"{stage} {100 * count / total:.0f} %" for stage, count in attributed.items())
    return [
        f"## {name} ({sum(line['n'] for line in lines)} clips)",
        "",
        *tables.table(["method", *head], table_rows),
        "",
        f"Clips of “{methods[0]}”: {attribution}.",
        "",
    ]


def page(lines: Mapping[str, Sequence[Line]], seeds: Sequence[int], command: str) -> str:
    """The whole page."""
    settings = next(iter(lines.values()))[0]["settings"]
    weights = ", ".join(f"{part}: {version}" for part, version in settings["weights"].items())
    spread = "; ± is the standard deviation over seeds of the scenes" if len(seeds) > 1 else ""
    head = [
        "# Composite dev benchmarks",
        "",
        f"Written by `{command}` on {platform.machine()}, {os.cpu_count()} cores, torch {settings['torch']}. "
        f"In percent{spread}.",
        "",
        "Composites: cut-outs of the dev media on photographs, with their recordings. No weights were "
        "trained on them, but constants were chosen while looking at them, most on the scenes of seed "
        "0, so these figures flatter. They are not comparable with papers.",
        "",
        f"Weights: {weights}.",
        "",
    ]
    body = [row for name, each in lines.items() for row in table(name, each)]
    return "\n".join([*head, *body])


def main() -> None:
    """Render, evaluate and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    add_media(parser)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the scenes")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--benchmarks", default=",".join(FOLDERS))
    parser.add_argument("--association-method", default=None)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--write", type=Path, default=None)
    options = parser.parse_args()
    media = open_media(options.media)
    options.work.mkdir(parents=True, exist_ok=True)
    benches = {seed: render_benchmarks(options.work, media, seed) for seed in options.seeds}
    extra = [] if options.limit is None else ["--limit", str(options.limit)]
    extra += (
        [] if options.association_method is None else ["--association-method", options.association_method]
    )
    extra += ["--again"] if options.again else []
    lines = {}
    for name in options.benchmarks.split(","):
        lines[name] = [
            evaluate_benchmark(name, bench, options.work / f"run-{seed}" / name, extra)
            for seed, bench in benches.items()
        ]
        print("\n".join(table(name, lines[name])), flush=True)
    if options.write is not None:
        shown_command = (
            f"python -m benchmarks.composite --work FOLDER --seeds {' '.join(map(str, options.seeds))}"
        )
        shown_command += "" if options.limit is None else f" --limit {options.limit}"
        text = page(lines, options.seeds, f"{shown_command} --write {options.write}")
        write_atomic(options.write, text)


if __name__ == "__main__":
    main()
