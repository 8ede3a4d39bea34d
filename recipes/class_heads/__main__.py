"""Train the class heads: ``python -m recipes.class_heads --media M --work W --dev MEDIA --model-card``.

The command builds the media bank and the features of :mod:`recipes.common.scene_features`, renders
high-resolution crops in two processes, and trains a head for each modality. With ``--dev`` it evaluates
classification on dev composites, with all classes and with each fold of the classes left out of training. The
heads of the folds are kept in the work folder, which ``recipes.association`` shares. A repeated command skips
completed steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from recipes.class_heads.crops import SCENES_PER_SHARD, CropRenderer
from recipes.class_heads.evaluate import (
    AUDIO_CONDITIONS,
    Trial,
    count_correct,
    trials,
    vocabularies,
)
from recipes.class_heads.fit import common_classes, crop_folder, load_samples, train_class_heads
from recipes.class_heads.model_card import TABLES_MARK, Figures, Row, render_header, write_model_card
from recipes.class_heads.samples import LabelledSamples
from recipes.common import media_bank, scene_features
from recipes.common.folds import fold_weights, split_folds, to_class_name
from recipes.common.options import open_media, recipe
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
    """Render one worker's share of the embeddings: those of the association, and high-resolution crops."""
    scene_features.render(plan, worker, workers)
    composer = Composer(
        plan.media_bank / "pictures",
        plan.media / "backgrounds",
        list(Recordings(plan.media_bank / "sounds").paths),
    )
    crop_renderer = CropRenderer(composer, EfficientNetLite.load())
    numbers = range(worker, scenes // SCENES_PER_SHARD, workers)
    scene_features.write_shards(crop_folder(plan.work), numbers, crop_renderer.shard, plan.seed)


def build_variants(heads: ClassHeads, zero_shot: ZeroShot) -> dict[str, MaskClassifier]:
    """Build the classifiers to compare; each adds an expert to the previous one."""
    image_only = replace(
        heads, weights=replace(heads.weights, networks={"image": heads.weights.networks["image"]})
    )
    image, audio = zero_shot.image_mapping, zero_shot.audio_mapping
    no_audio = replace(audio, weights=torch.zeros_like(audio.weights))
    return {
        "zero-shot from the image (as in the paper)": ZeroShotClassifier(zero_shot.to_text_space),
        "+ image class head": ExpertsClassifier(image_only, image, no_audio),
        "+ zero-shot from the audio": ExpertsClassifier(image_only, image, audio, ExpertsSettings(group=0)),
        "+ groups of audio classes": ExpertsClassifier(image_only, image, audio),
        "+ audio class head (ships)": ExpertsClassifier(heads, image, audio),
    }


def evaluate_variants(
    folds: Sequence[tuple[ClassHeadsWeights, Sequence[Trial]]],
    asked: Mapping[str, Sequence[str]],
    zero_shot: ZeroShot,
    text: MiniLM,
) -> list[Row]:
    """A row per variant: accuracy by audio condition and vocabulary, over ``folds`` of (weights, trials)."""
    count = sum(len(trials) for _, trials in folds)
    classifiers = [build_variants(load_class_heads(weights, text), zero_shot) for weights, _ in folds]
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
    samples: Mapping[str, LabelledSamples], dev: Sequence[Trial], audio_version: str, work: Path, seed: int
) -> list[tuple[ClassHeadsWeights, list[Trial]]]:
    """Train the heads without each fold of the classes, write them to ``work``, and select its trials.

    Returns:
        (weights, trials of the left-out classes) for each fold that has trials.
    """
    found = []
    paths = fold_weights(work)
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    for fold, (held_out, path) in enumerate(
        zip(split_folds(common_classes(samples), seed), paths, strict=True)
    ):
        weights = train_class_heads(samples, held_out, audio_version, seed + 1 + fold)
        write(weights, path)
        asked = [trial for trial in dev if trial.name in map(to_class_name, held_out)]
        if asked:
            found.append((weights, asked))
    return found


def main() -> None:
    """Run the recipe from the command line."""
    parser = recipe(__doc__, ASSET)
    parser.add_argument(
        "--scenes", type=int, default=8_000, help="number of scenes for high-resolution crops"
    )
    parser.add_argument(
        "--evaluate", action="store_true", help="evaluate the weights at --out; train only the folds"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(options.media, options.work, seed=options.seed)
    media_bank.build(plan.media, plan.work / "packages", plan.media_bank, plan.seed)
    scene_features.run_workers(partial(render, plan, options.scenes), options.workers)
    vision, audio, text = EfficientNetLite.load(), YamnetStudent.load(), MiniLM()
    samples = load_samples(options.work, audio.version)
    if not options.evaluate:
        write(train_class_heads(samples, (), audio.version, options.seed), options.out)
    weights = read(options.out)
    print(f"{options.out} {weights.sha256}", flush=True)
    if not options.dev:
        return
    zero_shot = ZeroShot.load(vision.labels, audio.labels, text)
    dev = trials(open_media(options.dev), vision, audio)
    asked = vocabularies(dev)
    rows = evaluate_variants([(weights, dev)], asked, zero_shot, text)
    folds = train_folds(samples, dev, audio.version, options.work, options.seed)
    left_out = evaluate_variants(folds, asked, zero_shot, text)
    for row in (*rows, *left_out):
        print(row.name, *(f"{share:.3f}" for share in row.shares), flush=True)
    if options.model_card:
        counts = {name: len(part) for name, part in samples.items()}
        figures = Figures(tuple(asked), tuple(rows), tuple(left_out), counts)
        path = options.out.with_suffix(".md")
        kept = options.evaluate and path.is_file()  # the header of existing weights is kept
        header = (
            path.read_text("utf-8").partition(TABLES_MARK)[0] if kept else render_header(weights, figures)
        )
        write_model_card(path, header, figures)


if __name__ == "__main__":
    main()
