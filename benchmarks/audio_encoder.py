"""The audio encoder against its teacher, on recordings not used for training or model selection.

    python -m benchmarks.audio_encoder [--media FOLDER] [--json] [--model-card]

Windows are those of seac (15,600 samples, half overlapping). Top-1 and top-5 are over windows with a teacher
score above .3; the cosine of embeddings is over all windows. Mean average precision ranks all windows by the
student's score of each class, over classes with a teacher score above .3 in any window. Mixtures are two
windows of different classes and top-1 predictions, with equal RMS; the metric is the share of mixtures with
both classes in the top 5, of the teacher and of the student.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

import seac.encoders.audio.yamnet_student as yamnet_student
from benchmarks.shared import shared_folder
from recipes.audio_student.teacher import Teacher
from recipes.common.options import add_media, open_media
from seac.core.atomic import write_atomic
from seac.encoders.audio.windows import windows_of
from seac.encoders.audio.yamnet_student import YamnetStudent
from seac.media.decode import SAMPLE_RATE, load_waveform

SURE = 0.3
PAIRS = 400
"""Number of mixtures of two windows."""
MODEL_CARD = Path(yamnet_student.__file__).parents[2] / "assets/audio_student.md"
MARK = "<!-- written by python -m benchmarks.audio_encoder --model-card -->"


def average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    """Mean precision at the rank of every positive: scores (n,), truth (n,) bool."""
    order = truth[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(order) / np.arange(1, len(order) + 1))[order].mean())


@dataclass(frozen=True)
class TeacherOutputs:
    """Outputs of the teacher for n windows.

    Attributes:
        windows: (n, 15600).
        class_probabilities: (n, 521).
        embeddings: (n, 1024).
    """

    windows: np.ndarray
    class_probabilities: np.ndarray
    embeddings: np.ndarray


@dataclass(frozen=True)
class EvaluationData:
    """Evaluation data of every student.

    Attributes:
        alone: windows of all recordings.
        classes: class folders of the n windows.
        mixed: mixtures of two windows.
        wanted: (m, 2) top-1 classes of the teacher for both windows of a mixture.
    """

    alone: TeacherOutputs
    classes: list[str]
    mixed: TeacherOutputs
    wanted: np.ndarray


def evaluation_data(media: Path, teacher: Teacher) -> EvaluationData:
    """Run the teacher once on all windows and mixtures."""
    windows, classes = load_windows(media)
    alone = run_teacher(windows, teacher)
    mixed, wanted = mix_windows(alone, classes)
    return EvaluationData(alone, classes, run_teacher(mixed, teacher), wanted)


def load_windows(media: Path) -> tuple[np.ndarray, list[str]]:
    """Load all windows of the recordings, (n, 15600), and the class folder of each."""
    windows, classes = [], []
    for path in sorted((media / "sounds").rglob("*.ogg")):
        windows.append(windows_of(load_waveform(path), yamnet_student.WINDOW, yamnet_student.HOP).numpy())
        classes += [path.parent.name] * len(windows[-1])
    return np.concatenate(windows), classes


def run_teacher(windows: np.ndarray, teacher: Teacher) -> TeacherOutputs:
    """Run the teacher on windows (n, 15600)."""
    outputs = [teacher(window) for window in windows]
    return TeacherOutputs(
        windows, *(np.stack([output[part].copy() for output in outputs]) for part in (0, 1))
    )


def run_student(windows: np.ndarray, student: YamnetStudent) -> tuple[np.ndarray, np.ndarray]:
    """Class probabilities (n, 521) and embeddings (n, 1024) of the student for windows."""
    parts = [student(part) for part in torch.split(torch.from_numpy(windows), 64)]
    class_probabilities = [
        part.class_probabilities.numpy() for part in parts if part.class_probabilities is not None
    ]
    return np.concatenate(class_probabilities), np.concatenate([part.embeddings.numpy() for part in parts])


def mix_windows(alone: TeacherOutputs, classes: list[str], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mixtures (m, 15600) of two windows of equal RMS, and the teacher's class of each (m, 2)."""
    random = np.random.default_rng(seed)
    best, sure = alone.class_probabilities.argmax(1), np.flatnonzero(alone.class_probabilities.max(1) > SURE)
    mixed: list[np.ndarray] = []
    wanted: list[tuple[int, int]] = []
    while len(mixed) < PAIRS:
        one, other = random.choice(sure, 2, replace=False)
        if best[one] == best[other] or classes[one] == classes[other]:
            continue
        both = sum(
            alone.windows[row] / np.sqrt(np.mean(alone.windows[row] ** 2) + 1e-9) for row in (one, other)
        )
        mixed.append((both * (0.5 / np.abs(both).max())).astype(np.float32))
        wanted.append((int(best[one]), int(best[other])))
    return np.stack(mixed), np.array(wanted)


def both_found(class_probabilities: np.ndarray, wanted: np.ndarray) -> float:
    """Share of rows whose two ``wanted`` (m, 2) are in the top five of ``class_probabilities`` (m, 521)."""
    top = np.argsort(-class_probabilities, 1)[:, :5]
    return float((top[:, :, None] == wanted[:, None]).any(1).all(1).mean())


def real_time(student: YamnetStudent, seconds: float = 60.0) -> float:
    """Seconds of audio encoded per second on one core, including log-mel."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    waveform = 0.1 * torch.randn(round(seconds * SAMPLE_RATE), generator=torch.Generator().manual_seed(0))
    student(windows_of(waveform, student.window, student.hop)[:8])
    began = time.perf_counter()
    student(windows_of(waveform, student.window, student.hop))
    spent = time.perf_counter() - began
    torch.set_num_threads(threads)
    return seconds / spent


def figures(data: EvaluationData, student: YamnetStudent) -> dict[str, Any]:
    """All metrics of a student."""
    alone, theirs = data.alone, data.alone.class_probabilities
    ours, mine = run_student(alone.windows, student)
    sure = theirs.max(1) > SURE
    best = theirs.argmax(1)
    first = ours.argmax(1) == best
    fifth = (np.argsort(-ours, 1)[:, :5] == best[:, None]).any(1)
    cosine = functional.cosine_similarity(torch.from_numpy(mine), torch.from_numpy(alone.embeddings)).numpy()
    present = np.flatnonzero((theirs > SURE).any(0))
    precision = [
        average_precision(ours[:, class_index], theirs[:, class_index] > SURE) for class_index in present
    ]
    per_class: dict[str, list[tuple[bool, bool, bool, float]]] = defaultdict(list)
    for row, name in enumerate(data.classes):
        per_class[name].append((bool(sure[row]), bool(first[row]), bool(fifth[row]), float(cosine[row])))
    return {
        "windows": len(ours),
        "sure": int(sure.sum()),
        "top1": float(first[sure].mean()),
        "top5": float(fifth[sure].mean()),
        "cosine": float(cosine.mean()),
        "map": float(np.mean(precision)),
        "tags": len(present),
        "two_teacher": both_found(data.mixed.class_probabilities, data.wanted),
        "two_ours": both_found(run_student(data.mixed.windows, student)[0], data.wanted),
        "times_real_time": real_time(student),
        "megabytes": Path(yamnet_student.__file__).parents[2].joinpath(yamnet_student.WEIGHTS).stat().st_size
        / 1e6,
        "classes": {
            name: {
                "windows": len(rows),
                "sure": sum(row[0] for row in rows),
                "top1": share([row[1] for row in rows if row[0]]),
                "top5": share([row[2] for row in rows if row[0]]),
                "cosine": float(np.mean([row[3] for row in rows])),
            }
            for name, rows in sorted(per_class.items())
        },
    }


def share(hits: list[bool]) -> float | None:
    """Share of hits; None for empty input."""
    return sum(hits) / len(hits) if hits else None


MEASURES = (
    ("top-1 class equals the teacher's", "top1", ".3f"),
    ("teacher's top class in the student's top 5", "top5", ".3f"),
    ("cosine of embeddings", "cosine", ".3f"),
    ("mean average precision over the classes that occur", "map", ".3f"),
    ("both of two sounds in the student's top 5", "two_ours", ".3f"),
    ("both of two sounds in the teacher's top 5", "two_teacher", ".3f"),
    ("times real time", "times_real_time", ".0f"),
    ("megabytes", "megabytes", ".2f"),
)
"""Rows of the table: label, key of the metric, and format."""


def markdown(table: dict[str, Any]) -> str:
    """The tables of the model card: all metrics, then by class."""
    machine = f"{platform.machine()}, one core, torch {torch.__version__}"
    lines = [
        f"Dev recordings, never trained on; {table['windows']} windows, {table['sure']} in which the teacher "
        f"is sure (best score over {SURE}); {table['tags']} classes. Speed on {machine}.",
        "",
        "| metric | value |",
        "| --- | ---: |",
        *(f"| {name} | {table[key]:{form}} |" for name, key, form in MEASURES),
        "",
        "| class | windows | sure | top-1 | top-5 | cosine |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in table["classes"].items():
        cells = ["-" if row[key] is None else f"{row[key]:.2f}" for key in ("top1", "top5", "cosine")]
        lines.append(f"| {name} | {row['windows']} | {row['sure']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table; with --model-card, write it into the model card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_media(parser)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--model-card", action="store_true")
    options = parser.parse_args()
    teacher = Teacher(shared_folder() / "models/yamnet.tflite")
    data = evaluation_data(open_media(options.media).folder, teacher)
    table = figures(data, YamnetStudent.load())
    if options.model_card:
        head = MODEL_CARD.read_text(encoding="utf-8").split(MARK)[0]
        write_atomic(MODEL_CARD, f"{head}{MARK}\n\n{markdown(table)}")
    print(json.dumps(table) if options.json else markdown(table))


if __name__ == "__main__":
    main()
