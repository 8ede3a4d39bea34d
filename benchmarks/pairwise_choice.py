"""Choice accuracy on composites: the sounding one of two or three objects in a scene.

    python -m benchmarks.pairwise_choice [--media FOLDER] [--scenes 400] [--audio-encoder teacher|own|both]
                                         [--views exact|fast] [--json]

Scenes are composites with exact masks, so only stage 2 is measured. Chance is the mean of 1 / number of
objects.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.shared import shared_folder
from recipes.common.options import add_media, open_media
from recipes.common.pairwise_choice import ChoiceScene, encode_windows, render_choice_scenes
from seac.associate.base import Association
from seac.associate.embed import embed_masks
from seac.associate.zero_shot import ZeroShot, ZeroShotSettings
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.audio.mobilenet_student import MobileNetStudent
from seac.encoders.base import AudioEncoder
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from seac.presets.table import PRESETS

VIEWS = replace(PRESETS["tiny"].views, fast_crops=0)
"""The views of the preset, without high-resolution crops."""


@dataclass(frozen=True)
class EncodedScene:
    """A scene encoded by the frozen networks."""

    scene: ChoiceScene
    masks: MaskEmbeddings
    audio_features: dict[str, AudioFeatures]


class Teacher:
    """The teacher of the audio encoder (YAMNet), as an AudioEncoder: 521 classes, windows of 0.975 s."""

    sample_rate, window, hop, dim = 16_000, 15_600, 7_800, 1024

    def __init__(self, shared: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.network = Interpreter(
            str(shared / "models/yamnet.tflite"), num_threads=1, experimental_preserve_all_tensors=True
        )
        self.network.allocate_tensors()
        lines = (shared / "models/yamnet_class_map.tsv").read_text(encoding="utf-8").splitlines()
        self.labels = tuple(line.split("\t")[2] for line in lines[1:])

    def __call__(self, windows: Tensor) -> AudioFeatures:
        """Class probabilities (n, 521) and embeddings (n, 1024) of ``windows`` (n, 15600)."""
        class_probabilities, embeddings = [], []
        given = self.network.get_input_details()[0]
        output = self.network.get_output_details()[0]
        for window in windows.numpy():
            self.network.set_tensor(given["index"], window.reshape(given["shape"]))
            self.network.invoke()
            class_probabilities.append(
                torch.from_numpy(self.network.get_tensor(output["index"]).reshape(-1).copy())
            )
            embeddings.append(torch.from_numpy(self.network.get_tensor(112).reshape(-1).copy()))
        return AudioFeatures(torch.stack(embeddings), torch.stack(class_probabilities))


def audio_encoder(which: str, shared: Path) -> dict[str, AudioEncoder]:
    """Audio encoders to compare, by name."""
    found: dict[str, AudioEncoder] = {}
    if which in ("teacher", "both"):
        found["teacher"] = Teacher(shared)
    if which in ("own", "both"):
        found["own"] = MobileNetStudent.load()
    return found


def encode_scenes(
    rendered: Iterable[ChoiceScene],
    vision: EfficientNetLite,
    audio_encoders: dict[str, AudioEncoder],
    exact: bool,
) -> list[EncodedScene]:
    """Encode every scene once with the frozen networks."""
    return [
        EncodedScene(
            scene,
            embed_masks(scene.image, scene.masks, scene.boxes, vision, VIEWS, exact=exact),
            {name: encode_windows(student, scene.waveform) for name, student in audio_encoders.items()},
        )
        for scene in rendered
    ]


def accuracy(
    encoded: Sequence[EncodedScene], encoder_name: str, association: Association
) -> dict[str, float]:
    """Share of scenes, and mean over classes, in which the sounding object has the highest similarity."""
    right: dict[str, list[bool]] = {}
    for item in encoded:
        similarity = association(item.masks, item.audio_features[encoder_name])
        right.setdefault(item.scene.name, []).append(int(similarity.argmax()) == 0)
    everything = [value for values in right.values() for value in values]
    return {
        "accuracy": float(np.mean(everything)),
        "by_class": float(np.mean([np.mean(values) for values in right.values()])),
    }


def variants() -> dict[str, ZeroShotSettings]:
    """The default settings, and the default with one change."""
    base = ZeroShotSettings()
    return {
        "default": base,
        "ConSE without extensions": ZeroShotSettings.undescribed(),
        "bare class names": replace(base, described=False),
        "not centred": replace(base, centred=False),
        "all classes, not the top k": replace(base, top=1000),
        "windows: mean of probabilities": replace(base, pool="mean"),
        "windows: maximum of probabilities": replace(base, pool="max"),
        "lambda 1 (local only)": replace(base, lam=1.0),
        "lambda 0 (global only)": replace(base, lam=0.0),
    }


def main() -> None:
    """Render, encode once and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_media(parser)
    parser.add_argument("--scenes", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--audio-encoder", choices=("teacher", "own", "both"), default="both")
    parser.add_argument("--views", choices=("exact", "fast"), default="exact")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    media = open_media(options.media)
    vision = EfficientNetLite.load()
    audio_encoders = audio_encoder(options.audio_encoder, shared_folder())
    encoded = encode_scenes(
        render_choice_scenes(media, options.scenes, options.seed),
        vision,
        audio_encoders,
        options.views == "exact",
    )
    chance = float(np.mean([1 / len(item.scene.masks) for item in encoded]))
    print(f"{len(encoded)} composite scenes, chance {chance:.3f}", file=sys.stderr)
    report: dict[str, Any] = {"scenes": len(encoded), "chance": chance, "views": options.views, "rows": []}
    for encoder_name, student in audio_encoders.items():
        for name, settings in variants().items():
            association = ZeroShot.load(vision.labels, student.labels, settings=settings)
            row = {
                "audio_encoder": encoder_name,
                "variant": name,
                **accuracy(encoded, encoder_name, association),
            }
            report["rows"].append(row)
            print(
                f"{encoder_name:8} {name:32} {row['accuracy']:.3f}  mean over classes {row['by_class']:.3f}",
                file=sys.stderr,
            )
    if options.json:
        print(json.dumps(report))


if __name__ == "__main__":
    main()
