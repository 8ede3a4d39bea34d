"""Evaluate the audio encoder and its teachers: ``python -m recipes.audio_student.evaluate --recordings DIR``.

A recording is a hit at k if one of the AudioSet classes accepted for its class (``classes.csv``) is among
the k likeliest classes of its mean output over windows. ``two seconds`` is the same for the loudest two
seconds of each recording, which is what the pipeline encodes around a frame. ``two at once`` are sums of two
recordings, the second 0 to 6 dB below. ``nothing`` is the AUROC of the likeliest class with a visible source,
of recordings against silence, noise and wind. ``--model-card`` writes the tables into the model card.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recipes.audio_student.metrics import (
    CLIP,
    Classifier,
    auroc,
    choose_subset,
    class_hits,
    classify_all,
    encoder_classifier,
    mix_pairs,
    nothing_clips,
    pair_hits,
    read_labelled,
    short_clip,
    thing_score,
)
from recipes.audio_student.segments import read_accepted
from recipes.audio_student.teacher import MeanTeacher, open_teachers
from recipes.common.model_card import table
from seac.core.atomic import write_atomic
from seac.encoders.audio import mobilenet_student
from seac.encoders.audio.windows import windows_of
from seac.encoders.base import AudioEncoder
from seac.presets.table import part_class

PAIRS, NOTHING = 400, 40
"""Numbers of pairs of recordings, and of clips of each kind of nothing."""
MEAN = "mean of the teachers' logits"
MODEL_CARD = Path(mobilenet_student.__file__).parents[2] / Path(mobilenet_student.WEIGHTS).with_suffix(".md")
MARK = "<!-- written by python -m recipes.audio_student.evaluate --model-card -->"


def milliseconds(encoder: AudioEncoder, repetitions: int = 40) -> float:
    """Median time of encoding two seconds in its windows on one core, log-mel included."""
    waveform = 0.1 * torch.randn(
        round(CLIP * encoder.sample_rate), generator=torch.Generator().manual_seed(0)
    )
    spent = []
    for _ in range(repetitions):
        began = time.process_time()
        encoder(windows_of(waveform, encoder.window, encoder.hop))
        spent.append(1000 * (time.process_time() - began))
    return float(np.median(spent))


def evaluate(
    classifiers: Mapping[str, Classifier], recordings: Path, count: int | None, seed: int
) -> dict[str, Any]:
    """All metrics of classifiers on ``recordings/<class>``; ``classes.csv`` lies beside the folder."""
    classes = read_accepted(recordings.parent / "classes.csv")
    labelled = read_labelled(recordings, classes)
    if count is not None:
        labelled = choose_subset(labelled, count, seed)
    clips = [short_clip(recording.waveform) for recording in labelled]
    pairs = mix_pairs(labelled, classes, PAIRS, seed)
    nothing = nothing_clips(NOTHING, seed)
    results: dict[str, Any] = {"recordings": len(labelled)}
    for name, classifier in classifiers.items():
        logits = classify_all(classifier, [recording.waveform for recording in labelled])
        short = classify_all(classifier, clips)
        scores = thing_score(short)
        results[name] = {
            "hits": class_hits(logits, labelled, classes),
            "two seconds": class_hits(short, labelled, classes)["all"],
            "two at once": pair_hits(
                classify_all(classifier, [pair.waveform for pair in pairs]), pairs, classes
            ),
            "nothing": {
                kind: auroc(scores, thing_score(classify_all(classifier, quiet)))
                for kind, quiet in nothing.items()
            },
        }
    return results


def rows_of(results: Mapping[str, Any], names: list[str]) -> list[list[Any]]:
    """Rows of the table of all metrics: one metric each, one column for each classifier."""
    rows: list[list[Any]] = []
    for title, group in (("all", "all"), ("animals", "animals")):
        for key in ("top1", "top5"):
            label = f"{title}, {key} ({results[names[0]]['hits'][group]['count']} recordings)"
            rows.append([label, *(results[name]["hits"][group][key] for name in names)])
    parts = (
        ("two seconds, {}", "two seconds", ("top1", "top5")),
        ("two at once, {} in top 5", "two at once", ("louder", "quieter", "both")),
        ("AUROC against {}", "nothing", tuple(results[names[0]]["nothing"])),
    )
    for label, part, keys in parts:
        rows += [[label.format(key), *(results[name][part][key] for name in names)] for key in keys]
    if "milliseconds" in results:
        spent = results["milliseconds"]
        rows.append(["CPU ms for two seconds", *(spent.get(name, "") for name in names)])
    return rows


def markdown(results: Mapping[str, Any]) -> str:
    """The tables of the model card: all metrics, then hits by class."""
    names = [name for name, value in results.items() if isinstance(value, dict) and "hits" in value]
    groups = sorted(group for group in results[names[0]]["hits"] if group.startswith("class/"))
    by_class = [
        [
            group.split("/")[1],
            results[names[0]]["hits"][group]["count"],
            *(
                "/".join(f"{results[name]['hits'][group][key]:.2f}" for key in ("top1", "top5"))
                for name in names
            ),
        ]
        for group in groups
    ]
    return "\n".join(
        [
            f"{results['recordings']} recordings that were not used for training; the best average of the "
            f"training was chosen on them. {platform.machine()}, one core, torch {torch.__version__}.",
            "",
            table(["metric", *names], rows_of(results, names)),
            "",
            "Top 1 / top 5 by class:",
            "",
            table(["class", "recordings", *names], by_class),
            "",
        ]
    )


def main() -> None:
    """Print the tables; write them where the options say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recordings", type=Path, required=True, help="folder with <class>/*.ogg")
    parser.add_argument("--models", type=Path, help="folder with the teachers; without it they are left out")
    parser.add_argument(
        "--encoder", action="append", help="rows of the table of audio encoders (audio-student)"
    )
    parser.add_argument("--subset", type=int, help="number of recordings, by a seeded choice")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write-json", type=Path)
    parser.add_argument("--model-card", action="store_true", help="write the tables into the model card")
    options = parser.parse_args()
    torch.set_num_threads(1)
    classifiers: dict[str, Classifier] = {}
    if options.models is not None:
        mn04, yamnet = open_teachers(options.models)
        classifiers |= {"YAMNet": yamnet, "mn04": mn04, MEAN: MeanTeacher(mn04, yamnet)}
    names = options.encoder or ["audio-student"]
    encoders: dict[str, AudioEncoder] = {name: part_class("audio", name).load() for name in names}
    classifiers |= {name: encoder_classifier(encoder) for name, encoder in encoders.items()}
    results = evaluate(classifiers, options.recordings, options.subset, options.seed)
    results["milliseconds"] = {name: milliseconds(encoder) for name, encoder in encoders.items()}
    if options.write_json is not None:
        write_atomic(options.write_json, json.dumps(results, indent=1))
    if options.model_card:
        head = MODEL_CARD.read_text(encoding="utf-8").split(MARK)[0]
        write_atomic(MODEL_CARD, f"{head}{MARK}\n\n{markdown(results)}")
    print(markdown(results))


if __name__ == "__main__":
    main()
