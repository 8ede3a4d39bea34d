"""Train the audio encoder: ``python -m recipes.audio_student --help``.

    python -m recipes.audio_student --recordings R/train --dev R/dev --media M/train --models T --work W

The recordings, the media and the audio files of Debian packages are cut into segments and labelled with the
teachers. The student starts from mn04 and is trained on mixtures, which one other process renders. The moving
average that is best on the dev recordings is written to ``--out``. A repeated command skips completed steps
and resumes training from its checkpoint.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from recipes.audio_student.export import ASSET, export
from recipes.audio_student.initial import initial_student
from recipes.audio_student.metrics import (
    class_hits,
    classify_all,
    encoder_classifier,
    read_labelled,
    short_clip,
)
from recipes.audio_student.mixtures import Mixer
from recipes.audio_student.model_card import write_card
from recipes.audio_student.segments import label_recordings, list_recordings, read_accepted, read_segments
from recipes.audio_student.teacher import MeanTeacher, open_teachers
from recipes.audio_student.train import Metrics, Schedule, train_student
from recipes.common.recordings import fetch
from seac.encoders.audio.mobilenet_student import MobileNetStudent, MobileNetStudentNetwork


class DevMetrics:
    """Hits of a network on the dev recordings, in windows and on two seconds; the score is their mean.

    Args:
        folder: recordings ``<class>/*.ogg``, with ``classes.csv`` beside the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.classes = read_accepted(folder.parent / "classes.csv")
        self.recordings = read_labelled(folder, self.classes)
        self.clips = [short_clip(recording.waveform) for recording in self.recordings]

    def __call__(self, network: MobileNetStudentNetwork) -> Metrics:
        """Metrics of a network."""
        classify = encoder_classifier(MobileNetStudent(network))
        metrics: Metrics = {}
        for name, waveforms in (
            ("", [recording.waveform for recording in self.recordings]),
            ("short_", self.clips),
        ):
            found = class_hits(classify_all(classify, waveforms), self.recordings, self.classes)
            metrics |= {f"{name}{key}": round(found["all"][key], 4) for key in ("top1", "top5")}
        return metrics | {"score": sum(metrics.values()) / len(metrics)}


def main() -> None:
    """Run the recipe from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recordings", type=Path, required=True, help="folder <class>/*.ogg, for training")
    parser.add_argument("--dev", type=Path, required=True, help="the same, for choosing the best average")
    parser.add_argument("--media", type=Path, required=True, help="folder with sounds/<class>/*.ogg")
    parser.add_argument("--models", type=Path, required=True, help="folder with the teachers")
    parser.add_argument("--work", type=Path, required=True, help="folder for packages and segments (2 GB)")
    parser.add_argument("--strength", type=float, default=0.7, help="weight of the recordings' classes")
    parser.add_argument("--minutes", type=float, default=Schedule.minutes, help="wall time of training")
    parser.add_argument("--rate", type=float, default=Schedule.rate, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ASSET)
    parser.add_argument("--model-card", action="store_true", help="write the model card beside the weights")
    options = parser.parse_args()
    torch.set_num_threads(1)
    fetch(options.work / "packages")
    classes = read_accepted(options.recordings.parent / "classes.csv")
    listed = list_recordings(
        options.recordings, options.media, options.work / "packages", classes, options.seed
    )
    segments = options.work / "segments"
    label_recordings(listed, MeanTeacher(*open_teachers(options.models)), segments)
    mixer = Mixer(read_segments(segments), classes, options.strength)
    start = initial_student(
        options.models / "mn04_as_mAP_432.pt", options.models / "mn04_class_labels_indices.csv"
    )
    evaluate = DevMetrics(options.dev)
    print(json.dumps({"start": evaluate(start)}), flush=True)
    schedule = Schedule(minutes=options.minutes, rate=options.rate, seed=options.seed)
    out = options.work / f"training-{options.strength}-{options.rate}-{options.seed}"
    network = train_student(start, mixer, out, schedule, evaluate)
    print(json.dumps({"sha256": export(network, options.out)}))
    if options.model_card:
        write_card(options.recordings, segments, out / "log.jsonl", schedule, options.strength)


if __name__ == "__main__":
    main()
