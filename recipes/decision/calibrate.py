"""When does ``tiny`` decide that a mask sounds? This chooses its constants.

    python -m recipes.decision.calibrate [--media FOLDER] [--scenes 480] [--seed 0] [--json FILE]

Composites are rendered from media that no weights were trained on. Of eight scenes, a visible class sounds in
four, in two of these a second one at the same time; in the other four nothing visible sounds: the audio is of
a class that is not in the frame, or a room's noise, or silence. The model proposes masks as it does for a
user, and encodes the whole of an audio, as in benchmarks, and the middle of it, as a frame of a video does.
For every association :func:`seac.decision.fit.fit` chooses on half of the scenes and the other half
reports; what ships is chosen on all of them. ``--json FILE`` keeps the figures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import seac
from recipes.common.composites.audio import mix_sources
from recipes.common.composites.media import Media
from recipes.common.composites.scene import MAX_CUTOUTS, render_scene
from recipes.common.options import add_media, open_media
from seac.associate.base import Association
from seac.core.types import EncodedAudio, EncodedImage
from seac.decision import calibration
from seac.decision.fit import Sample, SampleType, build_sample, fit_and_report
from seac.media.decode import SAMPLE_RATE
from seac.media.waveform import crop_waveform
from seac.pipeline import SeAC

SECONDS = 5
ASSET = Path(calibration.__file__).parents[1] / calibration.ASSET
SOUNDING = (1, 1, 2, 1, 1, 1, 2, 1)
"""How many things of a scene sound, if any does, in turn."""
TURN: tuple[SampleType, ...] = (
    "visible",
    "off-screen",
    "visible",
    "noise",
    "visible",
    "off-screen",
    "visible",
    "silence",
)


@dataclass(frozen=True)
class EncodedScene:
    """A scene as the frozen networks see it and hear it in several ways, and the pixels of what sounds."""

    encoded_image: EncodedImage
    encoded_audio: tuple[EncodedAudio, ...]
    truth: Tensor
    what: SampleType


def encode_scenes(model: SeAC, media: Media, count: int, seed: int) -> list[EncodedScene]:
    """Scenes through the frozen networks, each heard twice: all of the sound, and as a video's frame does."""
    found, rng = [], np.random.default_rng(seed)
    for number in range(count):
        what = TURN[number % len(TURN)]
        sounding = SOUNDING[number % len(TURN)]
        names = tuple(rng.choice(media.classes, sounding, replace=False).tolist())
        (scene,) = render_scene(rng, media, names, min(number % 3, MAX_CUTOUTS - sounding))
        wave = render_waveform(rng, media, what, names, scene.class_names)
        encoded_image = model.encode_image(scene.image)
        visible = (scene.owner >= 0) & (scene.owner < sounding)
        truth = torch.from_numpy(visible & (what == "visible"))
        middle = crop_waveform(torch.from_numpy(wave), SAMPLE_RATE, SECONDS / 2, model.settings.audio_window)
        encoded_audio = tuple(model.encode_audio(part, SAMPLE_RATE) for part in (wave, middle))
        found.append(EncodedScene(encoded_image, encoded_audio, truth, what))
    return found


def render_waveform(
    rng: np.random.Generator, media: Media, what: SampleType, visible: Sequence[str], shown: Sequence[str]
) -> NDArray[np.float32]:
    """Five seconds in which the visible classes sound, one that is not shown, a room's noise, or nothing."""
    if what == "silence":
        return np.zeros(SECONDS * SAMPLE_RATE, np.float32)
    off_screen = [name for name in media.classes if name not in shown]
    sources = {"visible": tuple(visible), "off-screen": (str(rng.choice(off_screen)),)}.get(what, ())
    return mix_sources(rng, media, sources, np.ones((len(sources), SECONDS), bool))


def score_scenes(
    scenes: Sequence[EncodedScene], association: Association, evidence: Callable[[Tensor, Tensor], Tensor]
) -> list[Sample]:
    """What an association makes of the scenes, once for each way in which they are heard."""
    found = []
    for scene in scenes:
        for encoded_audio in scene.encoded_audio:
            similarity = association(scene.encoded_image.embeddings, encoded_audio.features)
            found.append(
                build_sample(
                    scene.encoded_image.proposals.masks,
                    scene.truth,
                    evidence(similarity, scene.encoded_image.proposals.scores),
                    float(similarity.max()),
                    scene.what,
                    inactive=encoded_audio.summary.inactive,
                )
            )
    return found


def select_half(scenes: Sequence[EncodedScene], part: int) -> list[EncodedScene]:
    """Every other turn, from the first (0) or the second (1): each half holds every kind as often."""
    return [scene for number, scene in enumerate(scenes) if number // len(TURN) % 2 == part]


def main() -> None:
    """Choose on one half of dev composites, report on the other, write the asset."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_media(parser)
    parser.add_argument("--scenes", type=int, default=480)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--objectness", type=float, nargs="*", help="also report at these weights")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    media = open_media(options.media)
    encoders = seac.load("tiny", association_method="zero-shot")
    scenes = encode_scenes(encoders, media, options.scenes, options.seed)
    figures: dict[str, Any] = {}
    for name in ("zero-shot", "pairs", "trained"):
        model = seac.load("tiny", association_method=name)
        own = model.settings.objectness
        for weight in sorted({own, *(options.objectness or ())}):
            weighted = lambda similarity, scores, weight=weight: similarity + weight * scores  # noqa: E731
            halves = (
                score_scenes(select_half(scenes, part), model.stages.association, weighted) for part in (0, 1)
            )
            constants, found = fit_and_report(*halves)
            if weight == own:
                constants.save(ASSET, name)
            figures[f"{name}, objectness {weight:g}"] = found
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
