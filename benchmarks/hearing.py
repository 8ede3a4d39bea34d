"""Our audio network against its teacher, on recordings that neither training nor choosing has seen.

    python -m benchmarks.hearing [--media FOLDER] [--json] [--card]

Windows are cut as seac cuts them (15,600 samples, half overlapping). Top-1 and top-5 count the windows in
which the teacher is sure (its best score over .3); the embedding's cosine counts all; mean average precision
ranks all windows by our score for every tag that the teacher gives over .3 at least once. Two sounds at once:
windows of two classes, equally loud, that the teacher alone calls by different tags; how often both tags are
among the five likeliest, for the teacher and for us. All of it for the network as it ships, and as it hears
sounds as a whole, without their components.
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

import seac.associate.audio.hearing as hearing
from benchmarks.shared import shared_folder
from seac.associate.audio.hearing import Hearing
from seac.associate.audio.listening import windows_of
from seac.video.decode import SAMPLE_RATE, read_sound
from training.hearing.teacher import Teacher

SURE = 0.3
PAIRS = 400
"""Mixtures of two windows."""
CARD = Path(hearing.__file__).parents[2] / "assets/hearing.md"
MARK = "<!-- written by python -m benchmarks.hearing --card -->"


def average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    """Mean precision at the rank of every positive: scores (n,), truth (n,) bool."""
    order = truth[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(order) / np.arange(1, len(order) + 1))[order].mean())


@dataclass(frozen=True)
class Answers:
    """What both networks say of n windows.

    Attributes:
        windows: (n, 15600).
        ours: (n, 521) our tags.
        mine: (n, 1024) our embeddings.
        theirs: (n, 521) the teacher's tags.
        taught: (n, 1024) the teacher's embeddings.
    """

    windows: np.ndarray
    ours: np.ndarray
    mine: np.ndarray
    theirs: np.ndarray
    taught: np.ndarray


def cut(media: Path) -> tuple[np.ndarray, list[str]]:
    """All windows of the recordings, (n, 15600), and the class folder of each."""
    windows, classes = [], []
    for path in sorted((media / "sounds").rglob("*.ogg")):
        windows.append(windows_of(read_sound(path), hearing.WINDOW, hearing.HOP).numpy())
        classes += [path.parent.name] * len(windows[-1])
    return np.concatenate(windows), classes


def answered(windows: np.ndarray, teacher: Teacher, student: Hearing) -> Answers:
    """Both networks on the same windows."""
    said = listen_to(windows, student)
    told = [teacher(window) for window in windows]
    theirs = np.stack([scores.copy() for scores, _ in told])
    return Answers(windows, *said, theirs, np.stack([embedding.copy() for _, embedding in told]))


def listen_to(windows: np.ndarray, student: Hearing) -> tuple[np.ndarray, np.ndarray]:
    """Our tags and embeddings of windows."""
    parts = [student(part) for part in torch.split(torch.from_numpy(windows), 64)]
    tags = [part.tags.numpy() for part in parts if part.tags is not None]
    return np.concatenate(tags), np.concatenate([part.embeddings.numpy() for part in parts])


def two_at_once(
    alone: Answers, classes: list[str], teacher: Teacher, student: Hearing, seed: int = 0
) -> dict[str, float]:
    """How often both of two mixed sounds are among the five likeliest tags."""
    random = np.random.default_rng(seed)
    best, sure = alone.theirs.argmax(1), np.flatnonzero(alone.theirs.max(1) > SURE)
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
    answers, tags = answered(np.stack(mixed), teacher, student), np.array(wanted)

    def found(scores: np.ndarray) -> float:
        top = np.argsort(-scores, 1)[:, :5]
        return float((top[:, :, None] == tags[:, None]).any(1).all(1).mean())

    return {"two_teacher": found(answers.theirs), "two_ours": found(answers.ours)}


def real_time(student: Hearing, seconds: float = 60.0) -> float:
    """Seconds of noise heard per second on one core, log-mel included; both components of it are heard."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    waveform = 0.1 * torch.randn(round(seconds * SAMPLE_RATE), generator=torch.Generator().manual_seed(0))
    student(windows_of(waveform, student.window, student.hop)[:8])
    began = time.perf_counter()
    student(windows_of(waveform, student.window, student.hop))
    spent = time.perf_counter() - began
    torch.set_num_threads(threads)
    return seconds / spent


def figures(media: Path, student: Hearing) -> dict[str, Any]:
    """All figures of a student."""
    teacher = Teacher(shared_folder() / "models/yamnet.tflite")
    windows, classes = cut(media)
    answers = answered(windows, teacher, student)
    ours, theirs = answers.ours, answers.theirs
    sure = theirs.max(1) > SURE
    best = theirs.argmax(1)
    first = ours.argmax(1) == best
    fifth = (np.argsort(-ours, 1)[:, :5] == best[:, None]).any(1)
    cosine = functional.cosine_similarity(
        torch.from_numpy(answers.mine), torch.from_numpy(answers.taught)
    ).numpy()
    present = np.flatnonzero((theirs > SURE).any(0))
    precision = [average_precision(ours[:, tag], theirs[:, tag] > SURE) for tag in present]
    per_class: dict[str, list[tuple[bool, bool, bool, float]]] = defaultdict(list)
    for row, name in enumerate(classes):
        per_class[name].append((bool(sure[row]), bool(first[row]), bool(fifth[row]), float(cosine[row])))
    return {
        "windows": len(ours),
        "sure": int(sure.sum()),
        "top1": float(first[sure].mean()),
        "top5": float(fifth[sure].mean()),
        "cosine": float(cosine.mean()),
        "map": float(np.mean(precision)),
        "tags": len(present),
        **two_at_once(answers, classes, teacher, student),
        "times_real_time": real_time(student),
        "megabytes": Path(hearing.__file__).parents[2].joinpath(hearing.WEIGHTS).stat().st_size / 1e6,
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
    """Share of hits; None of nothing."""
    return sum(hits) / len(hits) if hits else None


MEASURES = (
    ("top-1 tag is the teacher's", "top1", ".3f"),
    ("teacher's top tag in our top 5", "top5", ".3f"),
    ("cosine of embeddings", "cosine", ".3f"),
    ("mean average precision over the tags there are", "map", ".3f"),
    ("both of two sounds in our top 5", "two_ours", ".3f"),
    ("both of two sounds in the teacher's top 5", "two_teacher", ".3f"),
    ("times real time", "times_real_time", ".0f"),
    ("megabytes", "megabytes", ".2f"),
)
"""Rows of the table: what it is, its figure, and how it is written."""


def markdown(table: dict[str, Any], whole: dict[str, Any]) -> str:
    """The tables for people: of what ships, beside sounds as a whole; and of what ships, by class."""
    machine = f"{platform.machine()}, one core, torch {torch.__version__}"
    lines = [
        f"Dev recordings, never trained on; {table['windows']} windows, {table['sure']} in which the teacher "
        f"is sure (best score over {SURE}); {table['tags']} tags. Speed on {machine}.",
        "",
        "| measure | with components (ships) | as a whole |",
        "| --- | --- | --- |",
        *(f"| {name} | {table[key]:{form}} | {whole[key]:{form}} |" for name, key, form in MEASURES),
        "",
        "| class | windows | sure | top-1 | top-5 | cosine |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in table["classes"].items():
        cells = ["-" if row[key] is None else f"{row[key]:.2f}" for key in ("top1", "top5", "cosine")]
        lines.append(f"| {name} | {row['windows']} | {row['sure']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table; with --card, put it into the model card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, default=shared_folder() / "data/media/dev")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--card", action="store_true")
    options = parser.parse_args()
    table, whole = (figures(options.media, Hearing.load(whole=whole)) for whole in (False, True))
    if options.card:
        head = CARD.read_text(encoding="utf-8").split(MARK)[0]
        CARD.write_text(f"{head}{MARK}\n\n{markdown(table, whole)}", encoding="utf-8")
    print(json.dumps({"ships": table, "whole": whole}) if options.json else markdown(table, whole))


if __name__ == "__main__":
    main()
