"""Fit the calibration and the threshold of ``tiny`` on composites.

    python -m recipes.decision.calibrate [--media FOLDER] [--scenes 480] [--seed 0] [--json FILE]

Composites are rendered from media that were not used in training. Four of eight scenes have one sounding
visible class, two of these a second one. In the other four no visible object sounds: the audio is an
off-screen class, room noise or silence. Masks are the proposals of the model. Each audio is encoded twice: as
a whole, as in benchmarks, and its middle, as for a video frame. For every association
:func:`seac.decision.fit.fit_and_report` fits on half of the scenes and reports on the other half; the shipped
constants are fitted on all scenes. ``--json FILE`` writes the figures.
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
METHOD = "zero-shot"
"""Association whose constants are fitted."""
ASSET = Path(calibration.__file__).parents[1] / calibration.ASSET
SOUNDING = (1, 1, 2, 1, 1, 1, 2, 1)
"""Number of sounding classes of a scene, in the order of ``TURN``."""
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
    """A scene encoded by the frozen networks.

    Attributes:
        encoded_image: image with proposals and mask embeddings.
        encoded_audio: the whole audio, and its middle.
        truth: (H, W) bool, the pixels of the sounding objects.
        what: type of the scene.
    """

    encoded_image: EncodedImage
    encoded_audio: tuple[EncodedAudio, ...]
    truth: Tensor
    what: SampleType


def encode_scenes(model: SeAC, media: Media, count: int, seed: int) -> list[EncodedScene]:
    """Render and encode scenes; the audio of each is encoded as a whole and as for a video frame."""
    found, rng = [], np.random.default_rng(seed)
    for number in range(count):
        what = TURN[number % len(TURN)]
        sounding = SOUNDING[number % len(TURN)]
        names = tuple(rng.choice(media.classes, sounding, replace=False).tolist())
        (scene,) = render_scene(rng, media, names, min(number % 3, MAX_CUTOUTS - sounding))
        waveform = render_waveform(rng, media, what, names, scene.class_names)
        encoded_image = model.encode_image(scene.image)
        visible = (scene.owner >= 0) & (scene.owner < sounding)
        truth = torch.from_numpy(visible & (what == "visible"))
        middle = crop_waveform(
            torch.from_numpy(waveform), SAMPLE_RATE, SECONDS / 2, model.settings.audio_window
        )
        encoded_audio = tuple(model.encode_audio(part, SAMPLE_RATE) for part in (waveform, middle))
        found.append(EncodedScene(encoded_image, encoded_audio, truth, what))
    return found


def render_waveform(
    rng: np.random.Generator, media: Media, what: SampleType, visible: Sequence[str], shown: Sequence[str]
) -> NDArray[np.float32]:
    """Render five seconds (S,) float32 of the visible classes, an off-screen class, room noise or silence.

    Args:
        rng: generator of all random choices.
        media: recordings.
        what: type of the scene.
        visible: the visible classes that sound in a scene of type "visible".
        shown: all classes in the image, excluded as off-screen sources.
    """
    if what == "silence":
        return np.zeros(SECONDS * SAMPLE_RATE, np.float32)
    off_screen = [name for name in media.classes if name not in shown]
    sources = {"visible": tuple(visible), "off-screen": (str(rng.choice(off_screen)),)}.get(what, ())
    return mix_sources(rng, media, sources, np.ones((len(sources), SECONDS), bool))


def score_scenes(
    scenes: Sequence[EncodedScene], association: Association, logit: Callable[[Tensor, Tensor], Tensor]
) -> list[Sample]:
    """Score the scenes by an association: one sample per scene and encoded audio."""
    found = []
    for scene in scenes:
        for encoded_audio in scene.encoded_audio:
            similarity = association(scene.encoded_image.embeddings, encoded_audio.features)
            found.append(
                build_sample(
                    scene.encoded_image.proposals.masks,
                    scene.truth,
                    logit(similarity, scene.encoded_image.proposals.scores),
                    float(similarity.max()),
                    scene.what,
                    inactive=encoded_audio.summary.inactive,
                )
            )
    return found


def select_half(scenes: Sequence[EncodedScene], part: int) -> list[EncodedScene]:
    """Every other block of ``TURN``, from the first (0) or second (1): halves of equal scene types."""
    return [scene for number, scene in enumerate(scenes) if number // len(TURN) % 2 == part]


def main() -> None:
    """Fit on one half of the composites, report on the other, and write the constants."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_media(parser)
    parser.add_argument("--scenes", type=int, default=480)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--objectness", type=float, nargs="*", help="additional weights of objectness to report"
    )
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    media = open_media(options.media)
    model = seac.load("tiny", association_method=METHOD, sounding_head="objectness")
    scenes = encode_scenes(model, media, options.scenes, options.seed)
    figures: dict[str, Any] = {}
    own = model.settings.objectness
    for weight in sorted({own, *(options.objectness or ())}):
        weighted = lambda similarity, scores, weight=weight: similarity + weight * scores  # noqa: E731
        halves = (
            score_scenes(select_half(scenes, part), model.stages.association, weighted) for part in (0, 1)
        )
        constants, found = fit_and_report(*halves)
        if weight == own:
            constants.save(ASSET, METHOD)
        figures[f"{METHOD}, objectness {weight:g}"] = found
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
