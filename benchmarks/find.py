"""Finding by a phrase: the constants of :class:`seac.results.find.FindRule`.

    python -m benchmarks.find --data DATA/real [--limit N] [--cache FOLDER] [--write PAGE]

Two photographs side by side of ``photos/dev`` with a recording of one of them. A phrase for what sounds
should find a mask on its side. A phrase for the other photograph, or for something else, should find nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.command import pair_parser, publish
from benchmarks.real_clips.encoded import EncodedImages
from benchmarks.real_clips.pairs import (
    CATEGORIES,
    choose_recording,
    draw_pairs,
    loudest,
    main_classes,
    mask_side,
    side_by_side,
)
from benchmarks.tables import table
from recipes.common.options import errors_in_one_line
from seac.classify.find import encode_phrase
from seac.core.tracks import UNTRACKED
from seac.media.decode import load_waveform
from seac.pipeline import SeAC
from seac.presets.load import load
from seac.results.find import FindRule, Phrase, audio_agreement, image_agreement
from seac.video.class_scores import RecordedTracks

PHRASES: Mapping[str, tuple[str, ...]] = {
    "bird": ("a singing bird", "a bird chirping"),
    "cat": ("a meowing cat", "the kitty"),
    "cow": ("a mooing cow", "cattle"),
    "dog": ("a barking dog", "a puppy that barks"),
    "horse": ("a neighing horse", "a pony"),
    "rooster": ("a crowing rooster", "a cockerel"),
    "sheep": ("a bleating sheep", "a lamb"),
    "airplane": ("an airplane flying by", "a plane"),
    "banjo": ("somebody playing the banjo",),
    "clarinet": ("a clarinet melody",),
    "drum_kit": ("a drum solo", "drums"),
    "flute": ("someone plays a flute",),
    "guitar": ("a guitar", "somebody strumming a guitar"),
    "gun": ("a gun being fired", "a rifle"),
    "helicopter": ("a helicopter", "a chopper"),
    "mandolin": ("a mandolin",),
    "maracas": ("shaking maracas",),
    "piano": ("a person playing the piano", "a grand piano"),
    "saxophone": ("a saxophone player", "a sax"),
    "sitar": ("a sitar",),
    "tambourine": ("a tambourine",),
    "train": ("a passing train", "a locomotive"),
    "trombone": ("a trombone",),
    "trumpet": ("a trumpet fanfare",),
    "violin": ("a violin playing", "the fiddle"),
}
"""Phrases for each class of photographs."""
WIDTHS = (0.05, 0.1, 0.15, 0.25)
LIMITS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3)
CASES = ("sounding", "other photograph", "neither")


@dataclass(frozen=True)
class Question:
    """A phrase for a scene.

    Attributes:
        case: one of :data:`CASES`.
        phrase: in text space.
        class_scores: (n, C) of the sounding masks.
        right: (n,) whether each of them is on the side of the phrase.
        sources: (1, k) likeliest audio classes.
        probabilities: (1, k) of them.
    """

    case: str
    phrase: Phrase
    class_scores: NDArray[np.float32]
    right: NDArray[np.bool_]
    sources: NDArray[np.int64]
    probabilities: NDArray[np.float32]


def questions(model: SeAC, images: EncodedImages, data: Path, limit: int, seed: int) -> Iterator[Question]:
    """Three questions for each of ``limit`` scenes of each category."""
    rng, rate = np.random.default_rng(seed), model.stages.audio.sample_rate
    names, audio_names, text = model.vocabulary.names, model.stages.audio.labels, model.stages.text
    encoded = {
        phrase: encode_phrase(phrase, names, audio_names, text)
        for each in PHRASES.values()
        for phrase in each
    }
    photos = main_classes(data / "photos" / "dev")
    for category in CATEGORIES:
        for classes, files in draw_pairs(photos, category, limit, rng):
            pixels, border = side_by_side(*files)
            image = images.encode(pixels, (int(pixels.shape[1]), int(pixels.shape[2])))
            side = int(rng.integers(2))
            waveform = load_waveform(choose_recording(data / "recordings" / "dev", classes[side], rng), rate)
            audio = model.encode_audio(loudest(waveform, 2 * rate), rate)
            tracks = RecordedTracks(UNTRACKED)
            result = model.predict(image, audio, tracks=tracks)
            scores = tracks.class_scores(image.text_embeddings, model.classifier.classes).numpy()
            rows = np.flatnonzero(result.sounding)
            sides = np.array([mask_side(result.masks[row], border) for row in rows], np.int64)
            probabilities = audio.features.class_probabilities
            assert probabilities is not None
            values, columns = probabilities.mean(0).topk(3)
            neither = [name for name in PHRASES if name not in classes]
            third = neither[int(rng.integers(len(neither)))]
            asked = (classes[side], classes[1 - side], third)
            for case, name in zip(CASES, asked, strict=True):
                phrase = PHRASES[name][int(rng.integers(len(PHRASES[name])))]
                yield Question(
                    *(case, encoded[phrase], scores[rows], sides == side),
                    *(columns.numpy()[None], values.numpy()[None]),
                )


def shares(found: Sequence[Question], rule: FindRule) -> dict[str, float]:
    """Shares of right answers: a mask on the right side and no other, or none; by case and their mean."""
    right: dict[str, list[bool]] = {case: [] for case in CASES}
    for each in found:
        image = image_agreement(each.class_scores, each.phrase, rule) >= rule.image
        audio = audio_agreement(each.sources, each.probabilities, each.phrase, rule) >= rule.audio
        active = image & audio
        wanted = each.case == "sounding"
        right[each.case].append(bool(active.any() == wanted and not (active & ~each.right).any()))
    by_case = {case: float(np.mean(values)) for case, values in right.items()}
    wrong = (by_case["other photograph"] + by_case["neither"]) / 2
    return {**by_case, "mean": (by_case["sounding"] + wrong) / 2}


def best(found: Sequence[Question]) -> FindRule:
    """The rule of the grid with the greatest mean."""
    own = FindRule()
    rules = (
        replace(own, image_width=image_width, audio_width=audio_width, image=image, audio=audio)
        for image_width, audio_width, image, audio in itertools.product(WIDTHS, WIDTHS, LIMITS, LIMITS)
    )
    return max(rules, key=lambda rule: shares(found, rule)["mean"])


def page(found: Sequence[Question]) -> list[str]:
    """Lines of Markdown: the shipped rule, the best of the grid, and what either half does alone."""
    own = FindRule()
    rules = {
        "the package": own,
        "best of the grid": best(found),
        "text and image only": replace(own, audio=0.0),
        "text and audio only": replace(own, image=0.0),
        "no phrase: all that sounds": replace(own, image=0.0, audio=0.0),
    }
    rows = []
    for name, rule in rules.items():
        scores = shares(found, rule)
        constants = f"{rule.image_width:g}, {rule.audio_width:g}, {rule.image:g}, {rule.audio:g}"
        rows.append([name, constants, *(f"{value:.3f}" for value in scores.values())])
    sounding = np.mean([bool(each.right.any()) for each in found if each.case == "sounding"])
    return [
        f"{len(found)} questions; the decision has an active mask on the sounding side in {sounding:.3f}.",
        "",
        *table(["rule", "widths, least image and audio", *CASES, "mean"], rows),
    ]


def main() -> None:
    """Measure, print, and write the page."""
    options = pair_parser(__doc__, "find", 60).parse_args()
    torch.set_num_threads(1)
    with errors_in_one_line():
        model = load("tiny")
        images = EncodedImages(model, options.cache)
        found = list(questions(model, images, options.data, options.limit, options.seed))
    lines = page(found)
    publish(lines, options.write, "find")


if __name__ == "__main__":
    main()
