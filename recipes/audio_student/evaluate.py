"""Evaluate the audio encoder and its teachers: ``python -m recipes.audio_student.evaluate --recordings DIR``.

A recording is a hit at k if one of the AudioSet classes accepted for its class (``classes.csv``) is among
the k likeliest classes of its mean output over windows. ``two seconds`` is the same for the loudest two
seconds of each recording, which is what the pipeline encodes around a frame. ``two at once`` are sums of two
recordings, the second 0 to 6 dB below. ``nothing`` is the AUROC of the likeliest class with a visible source,
wind left out, of recordings against silence, noise and wind. ``--model-card`` writes the tables into the
model card.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recipes.audio_student.metrics import (
    CLIP,
    Classifier,
    Labelled,
    Pair,
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
from recipes.audio_student.segments import Accepted, read_accepted
from recipes.audio_student.teacher import open_teachers
from recipes.common.model_card import table
from seac.core.atomic import write_atomic
from seac.encoders.audio import mobilenet_student
from seac.encoders.audio.windows import windows_of
from seac.encoders.base import AudioEncoder
from seac.presets.table import part_class

PAIRS, NOTHING = 400, 40
"""Numbers of pairs of recordings, and of clips of each kind of nothing."""
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


@dataclass(frozen=True)
class Material:
    """What the classifiers are evaluated on.

    Attributes:
        classes: accepted AudioSet classes by class.
        recordings: the recordings.
        pairs: two recordings at once.
        quiet: clips in which nothing in particular sounds, by kind.
    """

    classes: dict[str, Accepted]
    recordings: tuple[Labelled, ...]
    pairs: tuple[Pair, ...]
    quiet: dict[str, list[Tensor]]

    @classmethod
    def load(cls, folder: Path, count: int | None, seed: int) -> Material:
        """Recordings ``folder/<class>/*.ogg`` (``count`` of them), with ``classes.csv`` beside the folder."""
        classes = read_accepted(folder.parent / "classes.csv")
        recordings = read_labelled(folder, classes)
        if count is not None:
            recordings = choose_subset(recordings, count, seed)
        pairs = mix_pairs(recordings, classes, PAIRS, seed)
        return cls(classes, recordings, pairs, nothing_clips(NOTHING, seed))

    def classify(self, classifier: Classifier) -> dict[str, Tensor]:
        """Logits (n, 521) of a classifier for each part of the material."""
        waveforms = {
            "whole": [recording.waveform for recording in self.recordings],
            "short": [short_clip(recording.waveform) for recording in self.recordings],
            "pairs": [pair.waveform for pair in self.pairs],
            **self.quiet,
        }
        return {part: classify_all(classifier, clips) for part, clips in waveforms.items()}

    def metrics(self, logits: Mapping[str, Tensor]) -> dict[str, Any]:
        """Metrics of the logits of :meth:`classify`."""
        scores = thing_score(logits["short"])
        return {
            "hits": class_hits(logits["whole"], self.recordings, self.classes),
            "two seconds": class_hits(logits["short"], self.recordings, self.classes)["all"],
            "two at once": pair_hits(logits["pairs"], self.pairs, self.classes),
            "nothing": {kind: auroc(scores, thing_score(logits[kind])) for kind in self.quiet},
        }


def mean_logits(given: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the logits of several classifiers, part by part."""
    return {part: torch.stack([logits[part] for logits in given]).mean(0) for part in given[0]}


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
    material = Material.load(options.recordings, options.subset, options.seed)
    logits: dict[str, dict[str, Tensor]] = {}
    if options.models is not None:
        mn04, yamnet = open_teachers(options.models)
        logits |= {"YAMNet": material.classify(yamnet), "mn04": material.classify(mn04)}
        logits["mean of both"] = mean_logits(list(logits.values()))
    names = options.encoder or ["audio-student"]
    encoders: dict[str, AudioEncoder] = {name: part_class("audio", name).load() for name in names}
    logits |= {name: material.classify(encoder_classifier(encoder)) for name, encoder in encoders.items()}
    results: dict[str, Any] = {"recordings": len(material.recordings)}
    results |= {name: material.metrics(values) for name, values in logits.items()}
    results["milliseconds"] = {name: milliseconds(encoder) for name, encoder in encoders.items()}
    if options.write_json is not None:
        write_atomic(options.write_json, json.dumps(results, indent=1))
    if options.model_card:
        head = MODEL_CARD.read_text(encoding="utf-8").split(MARK)[0]
        write_atomic(MODEL_CARD, f"{head}{MARK}\n\n{markdown(results)}")
    print(markdown(results))


if __name__ == "__main__":
    main()
