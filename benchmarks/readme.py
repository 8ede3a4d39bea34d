"""The tables of README.md: ``python -m benchmarks.readme --write README.md``.

Results are metrics of docs/composite.md; predictions are the output of ``seac segment`` on the demo clip.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.tables import replace_section, table

REPO = Path(__file__).resolve().parents[1]
CLIP = "demo/clip.mp4"
OPTIONS = ("--fps", "2", "--export", "json", "--json")
EXPECTED = (
    (0.5, 3, "dog"),
    (3.5, 5, "sheep"),
    (5.5, 7, "duck"),
    (7.5, 9, "sheep, duck"),
    (9.5, 11.5, "drum kit"),
    (12, 13.5, "drum kit, electric guitar"),
    (14, 16.5, "man"),
    (17.5, 18.5, "cow"),
)
"""Start and end in seconds, and the sounding classes of each part of the clip (demo/make_clip.py)."""
SILENCE = (19.5, 21.5)
METHODS = ("tiny", "zero-shot", "saliency (U2NetP)", "oracle masks")
FIGURES = (
    ("s4", "miou (official)", "S4 mIoU"),
    ("s4", "fscore (official)", "S4 F"),
    ("ms3", "miou (official)", "MS3 mIoU"),
    ("ms3", "fscore (official)", "MS3 F"),
    ("vggss", "ciou (fixed)", "VGG-SS cIoU"),
    ("vggss", "auc (fixed)", "VGG-SS AUC"),
)
"""Section and column of docs/composite.md, and the column of README.md."""


def read_sections(page: str) -> dict[str, dict[str, dict[str, str]]]:
    """Benchmark -> method -> column -> metric, of docs/composite.md."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for section in page.split("\n## ")[1:]:
        rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
        heads, *body = [[cell.strip() for cell in row] for row in rows]
        found[section.split()[0]] = {row[0]: dict(zip(heads, row, strict=True)) for row in body[1:]}
    return found


def format_results(page: str) -> list[str]:
    """The table of results, from the text of docs/composite.md."""
    sections = read_sections(page)
    command = page.split("Written by `")[1].split("`")[0]
    rows = [[method, *(sections[name][method][column] for name, column, _ in FIGURES)] for method in METHODS]
    several = "±" in page
    renderings = "mean ± standard deviation over several renderings" if several else "one rendering"
    return [
        *table(["method", *(head for _, _, head in FIGURES)], rows),
        "",
        f"In percent, {renderings}; written by `{command}`.",
    ]


def count_names(frames: Sequence[Mapping[str, Any]], start: float, stop: float) -> Counter[str]:
    """Frames from ``start`` to ``stop`` seconds by active class; ``frames`` are of result.json."""
    counts = Counter[str]()
    for frame in frames:
        if start <= frame["time"] < stop:
            counts.update({mask["label"] for mask in frame["masks"] if mask["sounding"]})
    return counts


def format_demo(frames: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table of predictions on the demo clip, from the frames of its result.json."""
    rows = []
    for start, stop, name in EXPECTED:
        counts = count_names(frames, start, stop)
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        predicted = ", ".join(f"{label} ({count})" for label, count in ordered) or "nothing"
        number = sum(start <= frame["time"] < stop for frame in frames)
        rows.append(f"| {start:g} to {stop:g} s | {name} | {number} | {predicted} |")
    silent = count_names(frames, *SILENCE).total()
    return [
        "| time | expected | frames | predicted (number of frames) |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"In the silence from {SILENCE[0]:g} to {SILENCE[1]:g} s, {silent} masks are active. The command: "
        f"`seac segment {CLIP} -o out/ {' '.join(OPTIONS)}`; written by "
        "`python -m benchmarks.readme --write README.md`.",
    ]


def segment_demo() -> list[dict[str, Any]]:
    """Frames of result.json of the demo clip, two per second."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "seac", "segment", str(REPO / CLIP), "-o", folder, *OPTIONS]
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        frames: list[dict[str, Any]] = json.loads((Path(folder) / "result.json").read_text("utf-8"))["frames"]
    return frames


def main() -> None:
    """Print the tables; with --write, write them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", type=Path, help="page to update")
    options = parser.parse_args()
    sections = {
        "results": format_results((REPO / "docs/composite.md").read_text("utf-8")),
        "demo": format_demo(segment_demo()),
    }
    for name, lines in sections.items():
        print("\n".join(lines))
        if options.write:
            replace_section(options.write, name, lines)


if __name__ == "__main__":
    main()
