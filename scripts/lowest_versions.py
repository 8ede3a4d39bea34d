"""Run tests with the lowest versions that pyproject.toml allows: ``make test-lowest``.

    python3.11 scripts/lowest_versions.py [--venv .venv-lowest] [--print] [--with torch==2.4.1] [TEST ...]

The lower bound of each dependency becomes a constraint ``name==bound``, in a virtual environment of its own;
what the dependencies need in turn is as new as they allow. Without TEST the tests of ``FAST`` run. The script
imports the standard library only; its Python must be the lowest that ``requires-python`` allows.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
EXTRAS = ("baselines", "paper", "train", "detections")
"""Extras whose lower bounds are tested too; ray and distil take gigabytes, and few tests need them."""
TOOLS = ("pytest", "hypothesis", "segment-anything")
"""What the tests need, at any version."""
FAST = (
    "tests/associate", "tests/classify", "tests/core", "tests/decision", "tests/encoders", "tests/export",
    "tests/features", "tests/media", "tests/metrics", "tests/presets", "tests/segment", "tests/video",
    "tests/weights", "tests/cli/test_doctor.py", "tests/test_pipeline.py",
)  # fmt: skip
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[[\w,-]+\])?\s*(?P<rule>>=|==)\s*(?P<version>[\w.]+)\s*(;.*)?")


def lowest(requirement: str) -> str:
    """The constraint ``name==version`` of a requirement with a lower bound or a pin.

    Raises:
        ValueError: neither is there, so that the lowest version is not known.
    """
    found = REQUIREMENT.fullmatch(requirement)
    if found is None:
        raise ValueError(f"{requirement!r} has no single lower bound: write name>=version")
    return f"{found['name']}=={found['version']}"


def constraints(project: dict[str, Any], extras: tuple[str, ...] = EXTRAS) -> list[str]:
    """The lowest versions of the core and of some extras.

    Args:
        project: the table ``project`` of pyproject.toml.
        extras: names of extras.
    """
    optional = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for extra in extras for line in optional[extra])]
    return [lowest(line) for line in lines]


def lowest_python(project: dict[str, Any]) -> tuple[int, int]:
    """The Python of ``requires-python``, as (3, 11)."""
    major, minor = project["requires-python"].split(",")[0].removeprefix(">=").split(".")[:2]
    return int(major), int(minor)


def replaced(lines: list[str], others: list[str]) -> list[str]:
    """Constraints with some of them exchanged for ``others``, by name."""
    names = {line.split("==")[0] for line in others}
    return [*(line for line in lines if line.split("==")[0] not in names), *others]


def install(folder: Path, lines: list[str]) -> Path:
    """Install seac in an environment of its own with these versions; give its Python.

    Raises:
        subprocess.CalledProcessError: pip cannot install them together.
    """
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "lowest.txt"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        what = ["-e", f"{REPO}[{','.join(EXTRAS)}]", *TOOLS]
        subprocess.run(
            [python, "-m", "pip", "install", "--progress-bar=off", "-c", file, *what],
            check=True,
        )
    return python


def main() -> int:
    """Install and test; the exit status of pytest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tests", nargs="*", default=list(FAST), help="what pytest runs")
    parser.add_argument("--venv", type=Path, default=REPO / ".venv-lowest", help="where it is installed")
    parser.add_argument("--print", action="store_true", help="only print the constraints")
    parser.add_argument("--with", dest="others", action="append", default=[], help="another name==version")
    asked = parser.parse_args()
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = replaced(constraints(project), asked.others)
    if asked.print:
        print("\n".join(lines))
        return 0
    if sys.version_info[:2] != lowest_python(project):
        wanted = ".".join(map(str, lowest_python(project)))
        print(f"the lowest Python allowed is {wanted}: run this script with it", file=sys.stderr)
        return 2
    python = install(asked.venv, lines)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([python, "-m", "pytest", "-q", *asked.tests], cwd=REPO, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
