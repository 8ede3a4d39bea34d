"""Labelled segments of recordings: the training material, kept in one folder as arrays.

A recording is cut into segments of at most two seconds. The target of a segment is the mean of the teachers'
logits for the segment and for the whole recording. Where the class of the file is known, the classes that are
accepted for it are raised (:func:`raise_accepted`), because a teacher often ranks a general class first.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recipes.audio_student.teacher import Teacher, low_rate_of
from recipes.common.recordings import PACKAGES, SUFFIXES
from seac.core.errors import InputError
from seac.encoders.audio.preemphasis_log_mel import RATE
from seac.encoders.labels.descriptions import audioset_names
from seac.media.decode import load_waveform

LENGTH = 2 * RATE
SECONDS = 12.0
"""Maximum seconds of a recording that are used."""
MIN_PEAK = 1e-3
PER_PACKAGE = 150
"""Maximum recordings of a Debian package."""
PEAK = 30_000
"""Peak of a stored recording."""


@dataclass(frozen=True)
class Recording:
    """A file for training.

    Attributes:
        path: the file.
        group: sampling group: the source folder and the class, or the name of the package.
        known: row of ``classes.csv``; "" if the class is unknown.
    """

    path: Path
    group: str
    known: str


@dataclass(frozen=True)
class Segments:
    """n labelled segments.

    Attributes:
        samples: int16 samples of all segments at 32 kHz, one after the other.
        bounds: (n + 1,) start of each segment in ``samples``.
        logits: (n, 521) float16, see the module.
        groups: sampling group of each segment.
        known: class of ``classes.csv`` of each segment, or "".
    """

    samples: NDArray[np.int16]
    bounds: NDArray[np.int64]
    logits: NDArray[np.float16]
    groups: tuple[str, ...]
    known: tuple[str, ...]

    def waveform(self, index: int) -> NDArray[np.int16]:
        """Samples of a segment: at most 64,000."""
        return self.samples[self.bounds[index] : self.bounds[index + 1]]


@dataclass(frozen=True)
class Accepted:
    """The AudioSet classes that fit a class of recordings.

    Attributes:
        name: index of the class that fits best.
        all: indices of all that are accepted as a hit, ``name`` among them.
    """

    name: int
    all: tuple[int, ...]


def read_accepted(table: Path) -> dict[str, Accepted]:
    """Read ``classes.csv``: class to its AudioSet classes; names that the student lacks are left out."""
    names = {name: index for index, name in enumerate(audioset_names())}
    with table.open(encoding="utf-8", newline="") as file:
        return {
            row["class"]: Accepted(
                names[row["audioset"]],
                tuple(sorted(names[name] for name in row["accepted"].split("|") if name in names)),
            )
            for row in csv.DictReader(file)
        }


def list_recordings(
    recordings: Path, media: Path, packages: Path, classes: Mapping[str, Accepted], seed: int
) -> list[Recording]:
    """The files for training in a fixed order.

    Args:
        recordings: folder of folders ``<class>`` with recordings.
        media: folder with ``sounds/<class>``.
        packages: folder filled by :func:`recipes.common.recordings.fetch`; may be empty.
        classes: see :func:`read_accepted`.
        seed: seed of the choice among the recordings of a package.
    """
    listed = [
        Recording(path, f"{kind}/{folder.name}", folder.name if folder.name in classes else "")
        for kind, root in (("recordings", recordings), ("media", media / "sounds"))
        for folder in sorted(root.iterdir())
        for path in sorted(folder.glob("*.ogg"))
    ]
    random = np.random.default_rng(seed)
    for name in PACKAGES:
        paths = sorted(path for path in (packages / name).rglob("*") if path.suffix in SUFFIXES)
        chosen = sorted(random.permutation(len(paths))[:PER_PACKAGE])
        listed += [Recording(paths[index], f"packages/{name}", "") for index in chosen]
    return listed


def files_hash(recordings: Iterable[Recording]) -> str:
    """Hash of the names and contents of the files, in order: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for recording in recordings:
        digest.update(f"{recording.group}/{recording.path.name}\0".encode())
        digest.update(hashlib.sha256(recording.path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def label_recording(waveform: Tensor, teacher: Teacher) -> Iterator[tuple[NDArray[np.int16], Tensor]]:
    """The segments of a waveform (S,) at 32 kHz and their logits (521,)."""
    waveform = waveform[: len(waveform) // 2 * 2]
    low = low_rate_of(waveform)
    scaled = (waveform * (PEAK / float(waveform.abs().max()))).round().to(torch.int16).numpy()
    if len(waveform) <= LENGTH:
        yield scaled, teacher(waveform, low)
        return
    whole = teacher(waveform, low)
    count = round(len(waveform) / LENGTH)
    starts = np.linspace(0, len(waveform) - LENGTH, max(2, count)).astype(int) // 2 * 2
    for start in starts:
        piece = waveform[start : start + LENGTH]
        if float(piece.abs().max()) > 0.05 * float(waveform.abs().max()):
            logits = teacher(piece, low[start // 2 : (start + LENGTH) // 2])
            yield scaled[start : start + LENGTH], (logits + whole) / 2


def label_recordings(recordings: Sequence[Recording], teacher: Teacher, folder: Path) -> None:
    """Label all recordings and write the segments into ``folder``, unless they are there.

    Files that cannot be decoded, and silent ones, are left out.
    """
    if (folder / "index.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    pieces, rows, groups, known = [], [], [], []
    for recording in recordings:
        try:
            waveform = load_waveform(recording.path, RATE, SECONDS)
        except InputError:
            continue
        if len(waveform) < RATE // 20 or float(waveform.abs().max()) < MIN_PEAK:
            continue
        for piece, logits in label_recording(waveform, teacher):
            pieces.append(piece)
            rows.append(logits.numpy().astype(np.float16))
            groups.append(recording.group)
            known.append(recording.known)
    np.save(folder / "samples.npy", np.concatenate(pieces))
    np.save(folder / "bounds.npy", np.cumsum([0, *(len(piece) for piece in pieces)]))
    np.save(folder / "logits.npy", np.stack(rows))
    index = {"groups": groups, "known": known, "files": len(recordings), "hash": files_hash(recordings)}
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")


def read_segments(folder: Path) -> Segments:
    """Open the segments that :func:`label_recordings` wrote."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return Segments(
        np.load(folder / "samples.npy", mmap_mode="r"),
        np.load(folder / "bounds.npy"),
        np.load(folder / "logits.npy"),
        tuple(index["groups"]),
        tuple(index["known"]),
    )


def raise_accepted(
    probabilities: NDArray[np.float32], accepted: Accepted, strength: float
) -> NDArray[np.float32]:
    """Raise the accepted classes of a known class in the teachers' probabilities.

    The likeliest accepted class (the best name counts double) is raised to ``strength`` of the way from its
    probability to .9, the best name to the same of the way to .8; no other class keeps more than
    ``1 - strength / 2`` of what it has above the raised one.

    Args:
        probabilities: (521,) of the teachers.
        accepted: classes of the recording.
        strength: 0 keeps the teachers' labels.
    """
    raised = probabilities.copy()
    columns = np.array(accepted.all)
    weights = probabilities[columns] * np.where(columns == accepted.name, 2, 1)
    best = columns[int(weights.argmax())]
    for column, goal in ((accepted.name, 0.8), (best, 0.9)):
        raised[column] += strength * max(0.0, goal - raised[column])
    others = np.setdiff1d(np.flatnonzero(raised > raised[best]), columns)
    raised[others] = raised[best] + (1 - strength / 2) * (raised[others] - raised[best])
    return raised
