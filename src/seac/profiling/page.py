"""The answer of a race as a page of the docs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HEAD, BY = "# Speed of ", "Written by `seac profile "
SHARES = ("p10", "p50", "p90")


def is_card(path: Path) -> bool:
    """Whether a file is a page that :func:`speed_page` made."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return False
    return lines[:1] != [] and lines[0].startswith(HEAD) and any(line.startswith(BY) for line in lines[1:4])


def table(stages: list[dict[str, Any]]) -> str:
    """Markdown, one line for every stage and way.

    Args:
        stages: as :meth:`seac.profiling.compare.Row.as_json` gives them.
    """
    lines = ["| stage | path | p10 s | p50 s | p90 s | ratio | fidelity |", "| --- " * 7 + "|"]
    for stage in stages:
        for name, seconds in stage["seconds"].items():
            times = " | ".join(f"{seconds[share]:.3f}" for share in SHARES)
            found = stage["fidelity"].get(name, {}).items()
            fidelity = ", ".join(f"{what} {value:.4g}" for what, value in found)
            ratio = stage["ratio"].get(name, 1.0)
            lines.append(f"| {stage['stage']} | {name} | {times} | {ratio:.2f} | {fidelity} |")
        potential = stage["seconds"]["reference"]["p50"] / max(stage["roofline"], 1e-9)
        done = f"{stage['operations'] / 1e9:.0f} GFLOP"
        lines.append(
            f"| {stage['stage']} | roofline | | {stage['roofline']:.3f} | | {potential:.2f} | {done} |"
        )
    return "\n".join(lines) + "\n"


def speed_page(answer: dict[str, Any]) -> str:
    """A page: what was raced, the table, and what it does not say."""
    given = answer["settings"]
    options = " ".join(
        f"--{name} {value}" for name, value in given.items() if name != "random_weights" and value
    )
    random = " --random-weights" if given.get("random_weights") else ""
    page = [
        f"{HEAD}`{given['preset']}`, ours and the plain way",
        "",
        f"{BY}{options}{random} --card`.",
        f"Same weights, one run, turn by turn; peak memory of all paths {answer['peak_bytes'] / 1e9:.2f} GB.",
        "",
        table(answer["stages"]),
        "The floor is the arithmetic of the exact path (matrix products, convolutions, attention) at the",
        f"best rate that this machine showed in float32, {answer['rate'] / 1e9:.0f} GFLOP/s: nothing that",
        "computes the same numbers is faster, and its ratio is the most that could be had.",
        "",
    ]
    if random:
        page += [
            "With random weights SAM's logits are noise around zero: how far masks of the fast mode overlap",
            "the plain ones says nothing here. That the exact path's do says all, as it computes the same",
            "numbers. Run it with trained weights for the fidelity of the fast mode.",
            "",
        ]
    return "\n".join(page)
