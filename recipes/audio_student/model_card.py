"""Model card of the audio encoder: data, training and limits; the metrics are added by ``evaluate``."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from recipes.audio_student.evaluate import MARK, MODEL_CARD
from recipes.audio_student.mixtures import CLEAR, LOST
from recipes.audio_student.train import Schedule
from recipes.common.model_card import pairs, section, table
from seac.core.atomic import write_atomic
from seac.encoders.audio.mobilenet_student import CLASSES, DIM, WINDOW, MobileNetStudentNetwork
from seac.encoders.audio.preemphasis_log_mel import RATE

COMMAND = (
    "python -m recipes.audio_student --recordings RECORDINGS/train --dev RECORDINGS/dev --media MEDIA/train "
    "--models TEACHERS --work FOLDER"
)
TEACHERS = (
    (
        "EfficientAT mn04 (MobileNetV3, width .4)",
        "MIT",
        "mean of logits with YAMNet; initial weights",
    ),
    ("YAMNet", "Apache-2.0", "mean of logits with mn04"),
)
LIMITS = (
    ("the classes are AudioSet's 521", "other classes are not recognised"),
    (
        "recordings of known classes raise their accepted classes",
        "specific names come before general ones such as Animal; probabilities are not those of the teachers",
    ),
    ("few recordings of some classes (cat, lion, truck, bus)", "weaker than the teachers there"),
    (
        "silence, noise and wind of the training are synthetic, made as those of the metrics",
        "recorded hum, rooms and machines may still be taken for a thing",
    ),
    ("most dev recordings are of the collections of the training", "other recordings: fewer hits"),
    ("mixtures are sums of recordings", "no recorded scenes in training"),
    ("chosen on the dev recordings", "the metrics below favour the chosen average"),
)


def credit_rows(sources: Path) -> list[tuple[str, str, int]]:
    """Repository, licence and number of the training recordings, from ``SOURCES.csv``."""
    with sources.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith("train/")]
    counts = Counter((row["source"], row["licence"]) for row in rows)
    return [(source, licence, count) for (source, licence), count in sorted(counts.items())]


def group_rows(index: dict[str, list[str]]) -> list[tuple[str, int]]:
    """Sources of the segments and their numbers: recordings, media, and each Debian package."""
    names = [name if name.startswith("packages/") else name.split("/")[0] for name in index["groups"]]
    return Counter(names).most_common()


def write_card(recordings: Path, segments: Path, log: Path, schedule: Schedule, strength: float) -> None:
    """Write the card beside the weights; metrics already in it are kept.

    Args:
        recordings: the training recordings, with ``SOURCES.csv`` beside the folder.
        segments: folder of the labelled segments.
        log: ``log.jsonl`` of the training.
        schedule: of the training.
        strength: weight of the recordings' classes.
    """
    index = json.loads((segments / "index.json").read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    weights = sum(value.numel() for value in MobileNetStudentNetwork().parameters())
    summary = {
        "network": f"MobileNetV3 of width .4 on log-mel frames, {weights:,} parameters, float16",
        "input": f"{WINDOW:,} samples at {RATE:,} Hz; other lengths are possible",
        "output": f"embedding of {DIM} values, probabilities of {CLASSES} AudioSet classes",
        "labels of segments": "mean of the teachers' logits, of the segment and of the whole recording",
        "labels of mixtures": "maximum over the parts; parts "
        f"{CLEAR:g} to {LOST:g} dB below the loudest fade out",
        "known classes": f"accepted AudioSet classes raised with strength {strength}",
        "recipe": f"`{COMMAND}`",
        "files": f"{index['files']:,}, hash of names and contents {index['hash']}",
        "segments": f"{len(index['groups']):,}, at most 2 s each",
        "licence of the weights": "Apache-2.0; derived from mn04, MIT (NOTICE)",
        "licences of the media": "GPL, MIT, CC0, CC BY, CC BY-SA, ODbL, public domain; not distributed",
    }
    header = list(lines[0])
    text = "\n".join(
        [
            "# Model card: audio student",
            "",
            "The audio encoder of the preset `tiny`: EfficientAT's mn04, further trained on the mean of two",
            "teachers, on real recordings and mixtures of them.",
            "",
            table(["item", "value"], pairs(summary)),
            "",
            section("Teachers", ["teacher", "licence", "use"], TEACHERS),
            section("Segments by source", ["source", "segments"], group_rows(index)),
            section(
                "Recordings by repository and licence",
                ["repository", "licence", "recordings"],
                credit_rows(recordings.parent / "SOURCES.csv"),
                "Thanks to their authors; `SOURCES.csv` of the recordings names the origin of each file.",
            ),
            section("Training", ["setting", "value"], pairs(asdict(schedule))),
            section(
                "Averages of the weights on the dev recordings",
                header,
                [[line[name] for name in header] for line in lines],
                "The one with the highest score was exported: the mean of the hits at 1 and 5, of whole "
                "recordings and of two seconds.",
            ),
            section("Limits", ["limit", "consequence"], LIMITS),
        ]
    )
    metrics = ""
    if MODEL_CARD.exists():
        metrics = MODEL_CARD.read_text(encoding="utf-8").partition(MARK)[2]
    write_atomic(MODEL_CARD, f"{text}\n{MARK}{metrics or chr(10)}")
