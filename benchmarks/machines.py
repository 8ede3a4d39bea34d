"""Run the installed command as it is met on other machines.

    python -m benchmarks.machines [--only NAME] [--write docs/robustness.md]

The wheel, and one made from the sdist, are installed into bare virtual environments outside the repository,
which find the dependencies of this environment by a ``.pth`` file, and are run from another folder. A case
changes one thing of the machine. All segment one still with one second of a tone, and must write a result.
Cases that change mounts need Linux and root; where they cannot be made, the table says so.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.command import publish
from benchmarks.tables import rows_of_section, table

REPO = Path(__file__).parents[1]
GIB = 1 << 30
PRIVATE = ("unshare", "-m", "sh", "-c")
"""Runs a shell in a mount namespace of its own."""
NAME = "still.png"


@dataclass(frozen=True)
class Case:
    """A machine.

    Attributes:
        title: what differs.
        environment: variables that are set; None removes one.
        prefix: words before the command.
        memory: greatest private memory in bytes; 0 for no limit.
        image: name of the still.
    """

    title: str
    environment: Mapping[str, str | None] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    memory: int = 0
    image: str = NAME


def mounted(commands: str) -> tuple[str, ...]:
    """Words that run commands of the shell with mounts of their own, then the command."""
    return (*PRIVATE, f'{commands} && exec "$@"', "sh")


CASES: dict[str, Case] = {
    "wheel": Case("wheel in a bare environment, from another folder"),
    "sdist": Case("sdist, built and installed likewise"),
    "home": Case("no HOME", {"HOME": None, "XDG_CACHE_HOME": None}),
    "read-only-home": Case(
        "HOME without write access",
        {"HOME": "/mnt", "XDG_CACHE_HOME": None},
        mounted("mount -t tmpfs -o ro none /mnt"),
    ),
    "read-only-package": Case(
        "package without write access",
        {},
        mounted("mount --bind {site} {site} && mount -o remount,ro,bind {site}"),
    ),
    "shm": Case("no /dev/shm", {}, mounted("umount /dev/shm")),
    "network": Case("no network", {}, ("unshare", "-n")),
    "one-core": Case("one core", {}, ("taskset", "-c", "0")),
    "memory": Case("2 GiB of private memory", {}, (), 2 * GIB),
    "locale": Case(
        "LANG=C without UTF-8, accents in the name",
        {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        image="été 夏.png",
    ),
    "fonts": Case(
        "no fonts, no font configuration",
        {"FONTCONFIG_FILE": "/dev/null"},
        mounted("mkdir -p /usr/share/fonts && mount -t tmpfs none /usr/share/fonts"),
    ),
    "path": Case("no ffmpeg or other program in PATH", {"PATH": "/nowhere"}),
}


@dataclass(frozen=True)
class Outcome:
    """What a case gave."""

    done: bool
    says: str
    seconds: float


def run(words: Sequence[str | Path], **options: object) -> subprocess.CompletedProcess[str]:
    """Run a program and capture its output."""
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [str(word) for word in words], capture_output=True, text=True, errors="replace", **options
    )


def build(scratch: Path) -> dict[str, Path]:
    """The wheel of the repository, and that of its sdist, by name of the case.

    Raises:
        RuntimeError: a build fails.
    """
    wheels = {}
    for name, source in (("wheel", REPO), ("sdist", None)):
        if source is None:
            sdist = scratch / "sdist"
            backend = "import hatchling.build, sys; hatchling.build.build_sdist(sys.argv[1])"
            tools = scratch / "tools"
            run([sys.executable, "-m", "pip", "install", "-q", "--target", tools, "hatchling"])
            environment = {**os.environ, "PYTHONPATH": str(tools)}
            run([sys.executable, "-c", backend, sdist], cwd=REPO, env=environment)
            source = next(sdist.glob("*.tar.gz"), sdist)
        out = scratch / f"{name}-wheel"
        found = run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", out, source], cwd=scratch)
        wheel = next(out.glob("*.whl"), None)
        if wheel is None:
            raise RuntimeError(f"{name}: {found.stderr.splitlines()[-1:]}")
        wheels[name] = wheel
    return wheels


def install(wheel: Path, folder: Path) -> Path:
    """A bare environment with the wheel; its site-packages. Dependencies are those of this environment."""
    run([sys.executable, "-m", "venv", "--without-pip", folder])
    site = next((folder / "lib").glob("python*/site-packages"))
    run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", site, wheel])
    scripts = site / "bin"
    if scripts.is_dir():
        shutil.rmtree(scripts)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return site


def inputs(folder: Path, name: str) -> tuple[Path, Path]:
    """A still with coloured squares, and a second of a tone."""
    import wave

    import numpy as np
    from PIL import Image

    image, audio = folder / name, folder / "tone.wav"
    pixels = np.full((96, 160, 3), 90, np.uint8)
    pixels[30:60, 20:60], pixels[30:60, 90:130] = (230, 60, 60), (60, 60, 230)
    Image.fromarray(pixels).save(image)
    with wave.open(str(audio), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((8000 * np.sin(np.arange(16_000) / 8)).astype("<i2").tobytes())
    return image, audio


def attempt(case: Case, site: Path, scratch: Path) -> Outcome:
    """Run a case in an environment."""
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        folder = Path(place)
        image, audio = inputs(folder, case.image)
        changed = {"OMP_NUM_THREADS": "1", "PYTHONPATH": None, "VIRTUAL_ENV": None, **case.environment}
        environment = {name: value for name, value in {**os.environ, **changed}.items() if value is not None}
        python = site.parents[2] / "bin/python"
        prefix = [word.replace("{site}", str(site)) for word in case.prefix]
        command: list[str | Path] = [
            *prefix,
            python,
            "-m",
            "seac",
            "segment",
            image,
            "--audio",
            audio,
            "-o",
            folder / "out",
        ]
        command += ["--export", "overlay,json,timeline,sheet"]

        def limit() -> None:
            if case.memory:
                resource.setrlimit(resource.RLIMIT_DATA, (case.memory, case.memory))

        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = run(command, cwd=folder, env=environment, preexec_fn=limit, timeout=1200)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
        done = found.returncode == 0 and (folder / "out/store/manifest.json").is_file()
        lines = [line for line in found.stderr.splitlines() if line.strip()]
        last = lines[-1].split(":")[0] if lines else ""
        if not done and last in ("unshare", "mount", "umount", "taskset", "sh"):
            return Outcome(False, "not possible here", seconds)
        return Outcome(done, "" if done else " ".join(lines[-1:])[:160], seconds)


def main() -> None:
    """Build, install, run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=tuple(CASES), action="append")
    parser.add_argument("--write", type=Path, help="page whose section machines is replaced")
    options = parser.parse_args()
    rows: dict[str, Sequence[object]] = dict(rows_of_section(options.write, "machines"))
    with tempfile.TemporaryDirectory() as place:
        scratch = Path(place)
        sites = {name: install(wheel, scratch / name) for name, wheel in build(scratch).items()}
        for name in options.only or CASES:
            outcome = attempt(CASES[name], sites.get(name, sites["wheel"]), scratch)
            print(name, outcome, file=sys.stderr, flush=True)
            says = "done" if outcome.done else outcome.says
            rows[CASES[name].title] = (CASES[name].title, says, f"{outcome.seconds:.0f}")
            publish(table(("machine", "result", "CPU s"), list(rows.values())), options.write, "machines")
    sys.exit(any(row[1] not in ("done", "not possible here") for row in rows.values()))


if __name__ == "__main__":
    main()
