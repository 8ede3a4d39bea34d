"""``seac profile``: speed by stage against a plain implementation, same weights, same run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from seac.core.errors import InputError


def profile(
    preset: Annotated[str, typer.Option(help="tiny or paper.")] = "tiny",
    random_weights: Annotated[
        bool,
        typer.Option(
            "--random-weights", help="Of paper: random ones of the published sizes; nothing is fetched."
        ),
    ] = False,
    segmenter: Annotated[
        str | None, typer.Option(help="Of paper: sam-vit-h, sam-vit-l or sam-vit-b.")
    ] = None,
    vision: Annotated[str | None, typer.Option(help="Swap the vision encoder.")] = None,
    weights_dir: Annotated[Path | None, typer.Option(help="A folder of weights of your own.")] = None,
    masks: Annotated[int, typer.Option(help="Masks in the frame.")] = 50,
    size: Annotated[str, typer.Option(help="Of the frame, as WIDTHxHEIGHT.")] = "1024x768",
    repeats: Annotated[int, typer.Option(help="Rounds.")] = 5,
    threads: Annotated[int, typer.Option(help="0 for all cores.")] = 0,
    clock: Annotated[
        str, typer.Option(help="wall, or cpu: what was computed, whoever else is at work.")
    ] = "wall",
    docs_page: Annotated[Path | None, typer.Option("-o", "--card", help="Write a page of the docs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End standard output with a line of JSON.")] = False,
) -> None:
    """Speed by stage against a plain implementation (PIL crops in a loop, one forward pass each)."""
    import torch

    from seac.core.atomic import ensure_writable, write_atomic
    from seac.presets.table import choose
    from seac.profiling import page
    from seac.profiling.cases import build_case
    from seac.profiling.compare import run
    from seac.profiling.roofline import best_rate
    from seac.profiling.synthetic import scene
    from seac.profiling.timing import Clock

    width, height = parse_size(size)
    if masks < 2 or repeats < 1:
        raise InputError(f"--masks {masks} --repeats {repeats}: give at least 2 masks and 1 round")
    if clock not in ("wall", "cpu"):
        raise InputError(f"--clock {clock!r}: give wall or cpu")
    if not 0 <= threads <= 1024:
        raise InputError(f"--threads is {threads}: give 0 for all cores, or a number from 1 to 1024")
    if docs_page is not None:
        ensure_writable(docs_page, page.is_card)
    if threads:
        torch.set_num_threads(threads)
    parts = build_case(preset, segmenter, vision, weights_dir, random=random_weights)
    frame = scene(height, width, masks)
    by: Clock = "cpu" if clock == "cpu" else "wall"
    rate = best_rate(by)
    rows = run(parts, frame, repeats, choose(preset).views, by)
    given = {
        "preset": preset,
        "segmenter": segmenter,
        "vision": vision,
        "masks": masks,
        "size": size,
        "repeats": repeats,
        "threads": torch.get_num_threads(),
        "clock": clock,
        "random_weights": random_weights,
    }
    answer: dict[str, Any] = {
        "stages": [row.as_json(rate) for row in rows],
        "rate": rate,
        "peak_bytes": peak_memory(),
        "settings": given,
    }
    sys.stdout.write(page.table(answer["stages"]))
    sys.stdout.write(f"peak memory {peak_memory() / 1e9:.2f} GB, {given['threads']} threads, {clock} clock\n")
    if docs_page is not None:
        write_atomic(docs_page, page.speed_page(answer))
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")


def parse_size(size: str) -> tuple[int, int]:
    """``1024x768`` as two numbers.

    Raises:
        InputError: it is not like that.
    """
    sides = size.lower().split("x")
    if len(sides) != 2 or not all(word.isdigit() and 16 <= int(word) <= 8192 for word in sides):
        raise InputError(f"--size {size!r}: give WIDTHxHEIGHT in pixels from 16 to 8192, such as 1024x768")
    return int(sides[0]), int(sides[1])


def peak_memory() -> int:
    """The most memory that this process has held, in bytes; 0 where the system does not say."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.is_file() else []
    for line in lines:  # ru_maxrss begins with what the process that started this one held
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
