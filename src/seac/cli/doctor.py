"""``seac doctor``: runnable presets and missing requirements of this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from seac.jobs.doctor import Diagnosis, Extra, Readiness


def doctor(
    weights_dir: Annotated[Path | None, typer.Option(help="Folder of local weights.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON instead.")] = False,
) -> None:
    """Report installed packages, runnable presets, and missing packages and weights with their sizes."""
    from seac.jobs.doctor import diagnose

    found = diagnose(weights_dir)
    sys.stdout.write(json.dumps(found.as_json()) + "\n" if as_json else describe(found))


def describe(found: Diagnosis) -> str:
    """The diagnosis as text."""
    lines = [f"seac {found.seac}, Python {found.python}, {found.system}, {found.cores} cores"]
    lines += [
        f"device {each.name}: {each.kind}, {_gigabytes(each.free)} of {_gigabytes(each.total)} free"
        for each in found.devices
    ]
    fetching = "nothing is fetched (SEAC_OFFLINE)" if found.offline else "weights are fetched on first use"
    lines.append(f"cache {found.cache}: {_gigabytes(found.cache_free)} free; {fetching}")
    if found.unused_cuda:
        lines.append(
            f"torch is a CUDA build and no GPU is here: its CPU build saves {_gigabytes(found.unused_cuda)}; "
            "PyTorch's own installation page has the command for it (docs/installation.md)"
        )
    lines += ["", "packages"]
    lines += [f"  {name:21} {version}" for name, version in found.packages.items() if version]
    lines += ["", "extras"]
    lines += [_extra(each) for each in found.extras]
    lines += ["", "presets"]
    for preset in found.presets:
        lines += _preset(preset)
    return "\n".join(lines) + "\n"


def _extra(extra: Extra) -> str:
    if not extra.missing:
        return f"  {extra.name:10} installed"
    lacks = f"lacks {', '.join(extra.missing)}"
    return f"  {extra.name:10} {lacks}; for {extra.purpose}: pip install 'seac[{extra.name}]'"


def _preset(preset: Readiness) -> list[str]:
    if preset.ready:
        return [f"  {preset.preset:8} ready"]
    absent = [f"packages {', '.join(preset.packages)}"] if preset.packages else []
    if preset.missing:
        absent.append(f"weights {', '.join(preset.missing)} ({_gigabytes(preset.to_fetch)})")
    return [f"  {preset.preset:8} lacks {' and '.join(absent)}", *(f"    {step}" for step in preset.steps)]


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
