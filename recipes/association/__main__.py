"""Train the association: ``python -m recipes.association --media M --work W [--dev SHARED] --seed 0``.

Needs class heads (run ``python -m recipes.class_heads`` first, with the same folder) for evaluation. Builds
a media bank of cut-outs and recordings, renders scenes and sounds through the frozen networks in two
processes, learns, judges kinds that were left out, and writes the weights and the model card. Every step
that is finished is skipped when the command is given again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from recipes.association.evaluate import (
    build_dev_trials,
    build_left_out_trials,
    compute_accuracies,
    split_folds,
)
from recipes.association.model_card import write_model_card
from recipes.association.train import Recipe, learn
from recipes.class_heads.fit import load_samples, train_class_heads
from recipes.class_heads.samples import LabelledSamples
from recipes.common import feature_cache, media_bank, scene_features
from recipes.common.options import recipe as options_of
from recipes.common.scene_features import Plan
from seac.associate import ensemble
from seac.associate.ensemble import (
    AssociationEnsemble,
    AssociationEnsembleSettings,
    AssociationEnsembleWeights,
    PCAProjections,
)
from seac.associate.model import AssociationModule
from seac.associate.zero_shot import ZeroShot
from seac.classify.experts import load_class_heads
from seac.encoders.audio.yamnet_student import YamnetStudent
from seac.encoders.class_heads import read
from seac.encoders.text.minilm import MiniLM
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from seac.pipeline import version_of
from seac.presets.builders import tiny_segmenter

ASSETS = Path(ensemble.__file__).parents[1] / "assets"
SHIPPED = AssociationEnsembleSettings()
VARIANTS = {
    "pairs alone": replace(SHIPPED, zero_shot_weight=0.0, class_match_weight=0.0),
    "zero-shot alone": replace(SHIPPED, zero_shot_weight=1.0, class_match_weight=0.0),
    "class match alone": replace(SHIPPED, zero_shot_weight=0.0, class_match_weight=1.0),
    "pairs and zero-shot": replace(SHIPPED, class_match_weight=0.0),
    "half the class match weight": replace(SHIPPED, class_match_weight=SHIPPED.class_match_weight / 2),
    "all three (ships)": SHIPPED,
    "1.5 times the class match weight": replace(SHIPPED, class_match_weight=SHIPPED.class_match_weight * 1.5),
}
TRIALS, MEMBERS = 600, 4


def build_classifiers() -> tuple[feature_cache.FrozenClassifiers, dict[str, str]]:
    """The frozen networks' classes, and what their weights are."""
    vision, hearing = EfficientNetLite.load(), YamnetStudent.load()

    @torch.inference_mode()
    def sight(embeddings: Tensor) -> Tensor:
        return torch.cat([vision.class_probabilities(part) for part in torch.split(embeddings, 512)])

    @torch.inference_mode()
    def predict_audio(embeddings: Tensor) -> Tensor:
        class_probabilities: Tensor = hearing.network.classify(embeddings).sigmoid()
        return class_probabilities

    words = ZeroShot.load(vision.labels, hearing.labels)
    provenance = {"vision": version_of(vision), "audio": hearing.embedding_version}
    return feature_cache.FrozenClassifiers(sight, predict_audio, words), provenance


def load_feature_cache(
    plan: Plan,
    class_probabilities: feature_cache.FrozenClassifiers,
    settings: AssociationEnsembleSettings,
    audio_version: str,
) -> tuple[feature_cache.FeatureCache, PCAProjections]:
    """The cached features, ready to learn from."""
    mask_samples = feature_cache.load_mask_samples(
        scene_features.image_feature_folder(plan.work, tiny_segmenter("cpu")),
        class_probabilities,
        settings.lam,
    )
    audio_samples = feature_cache.audio_clips(
        scene_features.audio_feature_folder(plan.work, "sounds", audio_version), class_probabilities
    )
    made = feature_cache.compute_reductions(mask_samples, audio_samples, class_probabilities.words, settings)
    if plan.mixtures:
        audio_samples = audio_samples.concatenate(
            feature_cache.audio_clips(
                scene_features.audio_feature_folder(plan.work, "mixed", audio_version), class_probabilities
            )
        )
    return feature_cache.FeatureCache.of(
        mask_samples, audio_samples, class_probabilities.words, made, settings
    ), made


def evaluate_left_out(
    material: feature_cache.FeatureCache,
    made: PCAProjections,
    words: ZeroShot,
    samples: Mapping[str, LabelledSamples],
    plan: Plan,
    recipe: Recipe,
    text: MiniLM,
) -> list[list[float]]:
    """Accuracies on kinds that nothing was taught of, fold by fold."""
    kinds, found = material.kinds(), []
    for fold, held_out in enumerate(split_folds(kinds, plan.seed)):
        shown = [kind for kind in kinds if kind not in held_out]
        modules = train_ensemble(material, shown, recipe, plan.seed + fold)
        known = load_class_heads(train_class_heads(samples, held_out, "", plan.seed + fold), text)
        weights = AssociationEnsembleWeights(modules, made, SHIPPED, {})
        trials = build_left_out_trials(material, held_out, TRIALS, fold)
        found.append(
            compute_accuracies(AssociationEnsemble(weights, words, known), trials, VARIANTS.values())
        )
    return found


def train_ensemble(
    material: feature_cache.FeatureCache, kinds: Sequence[str], recipe: Recipe, seed: int
) -> tuple[AssociationModule, ...]:
    """The modules of one association; those of other seeds share none with them."""
    return tuple(learn(material, kinds, recipe, seed * MEMBERS + number) for number in range(MEMBERS))


def main() -> None:
    """Run the whole recipe."""
    parser = options_of(__doc__, ASSETS / "association.safetensors")
    parser.add_argument("--scenes", type=int, default=Plan.scenes)
    parser.add_argument("--audio-clips", type=int, default=Plan.audio_clips)
    parser.add_argument("--mixtures", type=int, default=Plan.mixtures)
    parser.add_argument("--mixing", type=float, default=Recipe.mixing, help="0 is MICL, .5 MSA-MICL")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--depth", type=int, default=Recipe.depth)
    parser.add_argument("--seeds", type=int, default=3, help="how many are judged; the first one ships")
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(
        options.media, options.work, options.scenes, options.audio_clips, options.mixtures, options.seed
    )
    media_bank.build(plan.media, plan.work / "packages", plan.media_bank, plan.seed)
    scene_features.run_workers(partial(scene_features.render, plan), options.workers)
    recipe = Recipe(steps=options.steps, depth=options.depth, mixing=options.mixing)
    class_probabilities, provenance = build_classifiers()
    text = MiniLM()
    material, made = load_feature_cache(plan, class_probabilities, SHIPPED, provenance["audio"])
    dev = build_dev_trials(options.dev, class_probabilities, made, SHIPPED) if options.dev else []
    kinds = material.kinds()
    runs = [
        AssociationEnsembleWeights(train_ensemble(material, kinds, recipe, seed), made, SHIPPED, provenance)
        for seed in range(options.seed, options.seed + options.seeds)
    ]
    sha256 = ensemble.write(runs[0], options.out)
    print(f"{options.out} {sha256}", flush=True)
    known = load_class_heads(read(ASSETS / "class_heads.safetensors"), text)
    associations = [AssociationEnsemble(weights, class_probabilities.words, known) for weights in runs]
    unseen_trials = [trial for trial in dev if trial.name not in kinds]
    figures = {
        "variants": list(VARIANTS),
        "members": MEMBERS, "masks": len(material.mask_class), "clips": len(material.clip_classes),
        "kinds": len(kinds),
        "dev": [compute_accuracies(each, dev, VARIANTS.values()) for each in associations] if dev else [],
        "dev, kinds never rendered": [
            compute_accuracies(each, unseen_trials, VARIANTS.values()) for each in associations
        ] if dev else [],
        "left out of training": evaluate_left_out(
            material, made, class_probabilities.words, load_samples(plan.work, provenance["audio"]), plan,
            recipe, text,
        ),
        "sha256": sha256,
    }  # fmt: skip
    print(json.dumps(figures))
    (options.work / f"figures-{options.mixing:g}-{options.depth}.json").write_text(json.dumps(figures))
    if options.model_card:
        write_model_card(options.out.with_suffix(".md"), figures, recipe, SHIPPED, provenance)


if __name__ == "__main__":
    main()
