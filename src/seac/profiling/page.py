"""Writes the result of a comparison as a docs page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HEAD, BY, EARLIER = "# Speed of ", "Written by `seac profile ", "Written by `seac benchmark "
SHARES = ("p10", "p50", "p90")


def is_card(path: Path) -> bool:
    """Return whether a file is a page written by :func:`speed_page`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return False
    return (
        lines[:1] != []
        and lines[0].startswith(HEAD)
        and any(line.startswith((BY, EARLIER)) for line in lines[1:4])
    )


def table(stages: list[dict[str, Any]]) -> str:
    """Return a Markdown table with one line per stage and path.

    Args:
        stages: results of :meth:`seac.profiling.compare.Row.as_json`.
    """
    lines = ["| stage | path | p10 s | p50 s | p90 s | ratio | fidelity |", "| --- " * 7 + "|"]
    for stage in stages:
        for name, seconds in stage["seconds"].items():
            times = " | ".join(f"{seconds[share]:.3f}" for share in SHARES)
            measures = stage["fidelity"].get(name, {}).items()
            fidelity = ", ".join(f"{measure} {value:.4g}" for measure, value in measures)
            ratio = stage["ratio"].get(name, 1.0)
            lines.append(f"| {stage['stage']} | {name} | {times} | {ratio:.2f} | {fidelity} |")
        potential = stage["seconds"]["reference"]["p50"] / max(stage["roofline"], 1e-9)
        work = f"{stage['operations'] / 1e9:.0f} GFLOP"
        lines.append(
            f"| {stage['stage']} | roofline | | {stage['roofline']:.3f} | | {potential:.2f} | {work} |"
        )
    return "\n".join(lines) + "\n"


def speed_page(answer: dict[str, Any]) -> str:
    """Return the docs page: command, table of results, and limits of the measurement."""
    settings = answer["settings"]
    options = " ".join(
        f"--{name} {value}" for name, value in settings.items() if name != "random_weights" and value
    )
    random = " --random-weights" if settings.get("random_weights") else ""
    page = [
        f"{HEAD}`{settings['preset']}` against the reference implementation",
        "",
        f"{BY}{options}{random} --card`.",
        f"Same weights, one run, paths interleaved; peak memory of all {answer['peak_bytes'] / 1e9:.2f} GB.",
        "",
        table(answer["stages"]),
        "The roofline is the arithmetic of the exact path (matrix products, convolutions, attention) at the",
        f"peak float32 rate measured on this machine, {answer['rate'] / 1e9:.0f} GFLOP/s: the lower bound of",
        "the time, and its ratio the upper bound of the speed-up, of an exact implementation.",
        "",
    ]
    if random:
        page += [
            "With random weights SAM's logits are noise around zero, so the overlap of the fast mode's masks",
            "with the reference is not meaningful; that of the exact path is: it computes the same numbers.",
            "Run the command with trained weights to measure the fidelity of the fast mode.",
            "",
        ]
    return "\n".join(page)
