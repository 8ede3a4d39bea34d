"""Train the class heads: ``python -m recipes.class_heads --media M --work W --dev SHARED --model-card``.

Takes the library and the features of :mod:`recipes.association` (give it the same folder; what is missing
is made), renders closer looks at its things in two processes, learns to tell kinds by looks and by ear, and
judges names on dev composites, with all kinds taught and with a fold of them left out. Every shard that is
finished is skipped when the command is given again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from recipes.association.evaluate import split_folds
from recipes.class_heads.crops import SCENES_PER_SHARD, CropRenderer
from recipes.class_heads.evaluate import (
    AUDIO_CONDITIONS,
    Trial,
    count_correct,
    to_class_name,
    trials,
    vocabularies,
)
from recipes.class_heads.fit import common_classes, crop_folder, load_samples, train_class_heads
from recipes.class_heads.model_card import TABLES_MARK, Figures, Row, render_header, write_model_card
from recipes.class_heads.samples import LabelledSamples
from recipes.common import media_bank, scene_features
from recipes.common.options import recipe
from recipes.common.scene_features import Plan
from recipes.common.scenes import Composer
from recipes.common.waveforms import Recordings
from seac.associate.zero_shot import ZeroShot
from seac.classify.base import MaskClassifier, ZeroShotClassifier
from seac.classify.experts import ExpertsClassifier, ExpertsSettings, load_class_heads
from seac.encoders import class_heads as shipped
from seac.encoders.audio.yamnet_student import YamnetStudent
from seac.encoders.class_heads import ClassHeads, ClassHeadsWeights, read, write
from seac.encoders.text.minilm import MiniLM
from seac.encoders.vision.efficientnet_lite import EfficientNetLite

ASSET = Path(shipped.__file__).parents[1] / "assets/class_heads.safetensors"


def render(plan: Plan, scenes: int, worker: int, workers: int) -> None:
    """One process's share of the embeddings: those of the association, and closer looks at other scenes."""
    scene_features.render(plan, worker, workers)
    composer = Composer(
        plan.media_bank / "pictures",
        plan.media / "backgrounds",
        list(Recordings(plan.media_bank / "sounds").paths),
    )
    crop_renderer = CropRenderer(composer, EfficientNetLite.load())
    numbers = range(worker, scenes // SCENES_PER_SHARD, workers)
    scene_features.write_shards(crop_folder(plan.work), numbers, crop_renderer.shard, plan.seed)


def build_variants(kinds: ClassHeads, words: ZeroShot) -> dict[str, MaskClassifier]:
    """What is compared: each expert added to the ones before."""
    sight = replace(kinds.weights, networks={"image": kinds.weights.networks["image"]})
    image_only = replace(kinds, weights=sight)
    no_audio = replace(words.audio_mapping, weights=torch.zeros_like(words.audio_mapping.weights))
    return {
        "zero-shot (as in the paper)": ZeroShotClassifier(words.to_text_space),
        "+ image class head": ExpertsClassifier(image_only, words.image_mapping, no_audio),
        "+ audio class probabilities": ExpertsClassifier(
            image_only, words.image_mapping, words.audio_mapping, ExpertsSettings(group=0)
        ),
        "+ class groups": ExpertsClassifier(image_only, words.image_mapping, words.audio_mapping),
        "+ audio class head (ships)": ExpertsClassifier(kinds, words.image_mapping, words.audio_mapping),
    }


def evaluate_variants(
    folds: Sequence[tuple[ClassHeadsWeights, Sequence[Trial]]],
    asked: Mapping[str, Sequence[str]],
    words: ZeroShot,
    text: MiniLM,
) -> list[Row]:
    """A row for every variant: shares of right names, by sound and vocabulary. A fold has its own weights."""
    count = sum(len(trials) for _, trials in folds)
    classifiers = [build_variants(load_class_heads(weights, text), words) for weights, _ in folds]
    rows = []
    for name in classifiers[0]:
        shares = [
            sum(
                count_correct(classifier[name], trials, condition, names, text)
                for classifier, (_, trials) in zip(classifiers, folds, strict=True)
            )
            / count
            for condition in AUDIO_CONDITIONS
            for names in asked.values()
        ]
        rows.append(Row(name, tuple(shares)))
    return rows


def train_folds(
    samples: Mapping[str, LabelledSamples], dev: Sequence[Trial], audio_version: str, seed: int
) -> list[tuple[ClassHeadsWeights, list[Trial]]]:
    """Folds of the kinds: what was taught without them, and the trials of them."""
    found = []
    for fold, held_out in enumerate(split_folds(common_classes(samples), seed)):
        asked = [trial for trial in dev if trial.name in map(to_class_name, held_out)]
        if asked:
            found.append((train_class_heads(samples, held_out, audio_version, seed + 1 + fold), asked))
    return found


def main() -> None:
    """Run the whole recipe."""
    parser = recipe(__doc__, ASSET)
    parser.add_argument("--scenes", type=int, default=8_000, help="for closer looks")
    parser.add_argument(
        "--evaluate", action="store_true", help="judge what is at --out, teach only the folds"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(options.media, options.work, seed=options.seed)
    media_bank.build(plan.media, plan.work / "packages", plan.media_bank, plan.seed)
    scene_features.run_workers(partial(render, plan, options.scenes), options.workers)
    vision, hearing, text = EfficientNetLite.load(), YamnetStudent.load(), MiniLM()
    samples = load_samples(options.work, hearing.embedding_version)
    if not options.evaluate:
        write(train_class_heads(samples, (), hearing.embedding_version, options.seed), options.out)
    weights = read(options.out)
    print(f"{options.out} {weights.sha256}", flush=True)
    if not options.dev:
        return
    words = ZeroShot.load(vision.labels, hearing.labels, text)
    dev = trials(options.dev, vision, hearing)
    asked = vocabularies(dev)
    rows = evaluate_variants([(weights, dev)], asked, words, text)
    out = evaluate_variants(
        train_folds(samples, dev, hearing.embedding_version, options.seed), asked, words, text
    )
    for row in (*rows, *out):
        print(row.name, *(f"{share:.3f}" for share in row.shares), flush=True)
    if options.model_card:
        figures = Figures(
            tuple(asked), tuple(rows), tuple(out), {name: len(part) for name, part in samples.items()}
        )
        model_card = options.out.with_suffix(".md")
        evaluated_again = (
            options.evaluate and model_card.is_file()
        )  # of what they were taught, it says already
        above = (
            model_card.read_text("utf-8").partition(TABLES_MARK)[0]
            if evaluated_again
            else render_header(weights, figures)
        )
        write_model_card(model_card, above, figures)


if __name__ == "__main__":
    main()
