"""When does ``tiny`` say that a mask sounds? ``python -m recipes.decision.calibrate --shared FOLDER`` chooses it.

Composites are rendered from the *dev* media by the shared folder's bench builder: of eight scenes, four in
which a thing among others sounds, in every second of them another one at the same time, and four in which
nothing visible does, because the sound is of a thing that is not in the frame, or is a room's noise, or
silence. The model proposes masks as it does for a user, and hears the whole of a sound, as in benchmarks, and
the middle of it, as a video's frame does.
For every association :func:`seac.decision.fit.fit` chooses on half of the scenes and the other half
reports; what ships is chosen on all of them. ``--json FILE`` keeps the figures.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import seac
from benchmarks.shared import renderer
from seac.associate.base import Association
from seac.core.types import EncodedAudio, EncodedImage
from seac.decision import calibration
from seac.decision.fit import Sample, SampleType, build_sample, fit_and_report
from seac.media.decode import SAMPLE_RATE
from seac.media.waveform import crop_waveform
from seac.pipeline import SeAC

SECONDS = 5
MAX_THINGS = 3
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


def encode_scenes(model: SeAC, media: Path, bench: Any, count: int, seed: int) -> list[EncodedScene]:
    """Scenes through the frozen networks, each heard twice: all of the sound, and as a video's frame does."""
    found, rng = [], random.Random(seed)
    media_bank = bench.Media(media)
    for number in range(count):
        what = TURN[number % len(TURN)]
        names = rng.sample(media_bank.sounding, SOUNDING[number % len(TURN)])
        things = bench.things_for(rng, media_bank, names, min(number % 3, MAX_THINGS - len(names)))
        ((image, owner),) = bench.scene(rng, media_bank, things, 1)
        shown = {thing.cls for thing in things}
        heard = rng.choice([other for other in media_bank.sounding if other not in shown])
        wave = np.zeros(SECONDS * SAMPLE_RATE, np.float32)
        if what != "silence":
            wave = bench.room(rng, len(wave))
        for name in {"visible": names, "off-screen": [heard]}.get(what, []):
            wave = wave + bench.sound(rng, media_bank, name, SECONDS)
        encoded_image = model.encode_image(np.asarray(image))
        truth = torch.from_numpy((owner >= 0) & (owner < len(names)) & (what == "visible"))
        wave = wave.astype(np.float32).clip(-1, 1)
        middle = crop_waveform(torch.from_numpy(wave), SAMPLE_RATE, SECONDS / 2, model.settings.audio_window)
        encoded_audio = tuple(model.encode_audio(part, SAMPLE_RATE) for part in (wave, middle))
        found.append(EncodedScene(encoded_image, encoded_audio, truth, what))
    return found


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
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=480)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--objectness", type=float, nargs="*", help="also report at these weights")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    bench = renderer(options.shared)
    encoders = seac.load("tiny", association_method="zero-shot")
    scenes = encode_scenes(encoders, options.shared / "data/media/dev", bench, options.scenes, options.seed)
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
