"""What this machine can run: packages, devices, memory, and the weights of every preset."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from seac._version import __version__
from seac.presets.table import PRESETS
from seac.weights.cache import Weights, cache_folder, offline
from seac.weights.listing import Line, lines
from seac.weights.record import ByHand, OwnTraining
from seac.weights.table import records_for

# distribution -> what is lost without it.
PACKAGES = {
    "torch": "everything",
    "torchvision": "everything",
    "transformers": "everything",
    "av": "reading and writing videos",
    "open_clip_torch": "preset paper: pip install 'seac[paper]'",
    "segment-anything": "only `seac profile --preset paper` compares with it",
    "supervision": "result.to_detections(): pip install 'seac[detections]'",
    "lightning-fabric": "seac train: pip install 'seac[train]'",
    "ray": "seac extract --ray: pip install 'seac[ray]'",
}
NEEDED = {"paper": ("open_clip_torch",), "paper-fast": ("open_clip_torch",)}


@dataclass(frozen=True)
class Device:
    """Something to compute on; memory in bytes."""

    name: str
    kind: str
    free: int
    total: int


@dataclass(frozen=True)
class Readiness:
    """Whether a preset runs here.

    Attributes:
        preset: its name.
        ready: whether all its packages and weights are here.
        packages: distributions that are not installed.
        missing: weights that are not here.
        to_fetch: bytes of these that a command fetches.
        by_hand: of these, the ones that only a person can fetch or train.
        steps: what to run, in order.
    """

    preset: str
    ready: bool
    packages: tuple[str, ...]
    missing: tuple[str, ...]
    to_fetch: int
    by_hand: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Diagnosis:
    """All that ``seac doctor`` says."""

    seac: str
    python: str
    system: str
    cores: int
    cache: str
    cache_free: int
    offline: bool
    packages: dict[str, str]
    devices: tuple[Device, ...]
    presets: tuple[Readiness, ...]

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return asdict(self)


def diagnose(weights_dir: Path | None = None) -> Diagnosis:
    """Look around; reads no weights and fetches nothing."""
    weights = Weights(weights_dir, fetch=False)
    packages = {name: installed(name) for name in PACKAGES}
    return Diagnosis(
        seac=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        cache=str(cache_folder()),
        cache_free=_free_disk(cache_folder()),
        offline=offline(),
        packages=packages,
        devices=devices(),
        presets=tuple(readiness(name, weights, packages) for name in PRESETS),
    )


def readiness(preset: str, weights: Weights, packages: dict[str, str]) -> Readiness:
    """Whether the default parts of a preset are all here, and what to do if not."""
    found = lines(records_for(preset), weights)
    lacking = [line for line in found if line.state in ("missing", "damaged")]
    absent = tuple(name for name in NEEDED.get(preset, ()) if not packages.get(name))
    by_hand = tuple(line for line in lacking if isinstance(line.record.source, ByHand | OwnTraining))
    fetched = [line for line in lacking if line not in by_hand]
    steps = ["pip install 'seac[paper]'"] if absent else []
    steps += [f"seac weights get {' '.join(line.record.name for line in fetched)}"] if fetched else []
    steps += [_by_hand(line) for line in by_hand]
    return Readiness(
        preset=preset,
        ready=not lacking and not absent,
        packages=absent,
        missing=tuple(line.record.name for line in lacking),
        to_fetch=sum(line.record.size for line in lacking),
        by_hand=tuple(line.record.name for line in by_hand),
        steps=tuple(steps),
    )


def installed(distribution: str) -> str:
    """The version of a distribution, or nothing."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def devices() -> tuple[Device, ...]:
    """What torch can compute on here."""
    found = [Device("cpu", platform.processor() or platform.machine(), *_memory())]
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        found.append(Device(f"cuda:{index}", torch.cuda.get_device_name(index), free, total))
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple", *_memory()))
    return tuple(found)


def _by_hand(line: Line) -> str:
    row = line.record
    if isinstance(row.source, OwnTraining):
        return f"{row.source.page}, then seac weights import RUN --name {row.name}"
    file = row.files[0].name
    return f"fetch {file} from {row.source.page}, then seac weights import PATH --name {row.name}"


def _memory() -> tuple[int, int]:
    """Free and total bytes of main memory; zeros where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        return 1024 * kilobytes["MemAvailable"], 1024 * kilobytes["MemTotal"]
    except (OSError, KeyError, ValueError, IndexError):
        pass  # not Linux
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        return os.sysconf("SC_AVPHYS_PAGES") * page, os.sysconf("SC_PHYS_PAGES") * page
    except (ValueError, OSError, AttributeError):
        return 0, 0


def _free_disk(folder: Path) -> int:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
