"""Teach the association: ``python -m recipes.association --media M --work W [--dev SHARED] --seed 0``.

Wants taught kinds (give ``python -m recipes.class_heads`` first, with the same folder) for what it judges. Builds
a library of cut-outs and recordings, renders scenes and sounds through the frozen networks in two
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

from recipes.association.evaluate import accuracies, dev_trials, folds_of, left_out
from recipes.association.model_card import write_card
from recipes.association.train import Recipe, learn
from recipes.class_heads.fit import lessons_of, taught
from recipes.class_heads.samples import Lessons
from recipes.common import feature_cache, media_bank, scene_features
from recipes.common.options import recipe as options_of
from recipes.common.scene_features import Plan
from seac.associate import ensemble
from seac.associate.ensemble import Combined, CombinedSettings, CombinedWeights, Reductions
from seac.associate.model import AssociationModule
from seac.associate.zero_shot import ZeroShot
from seac.classify.experts import kinds_among
from seac.encoders.audio.yamnet_student import Hearing
from seac.encoders.class_heads import read
from seac.encoders.text.minilm import MiniLM
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from seac.pipeline import version_of
from seac.presets.builders import tiny_segmenter

ASSETS = Path(ensemble.__file__).parents[1] / "assets"
SHIPS = CombinedSettings()
WAYS = {
    "pairs alone": replace(SHIPS, words=0.0, kinds=0.0),
    "words alone": replace(SHIPS, words=1.0, kinds=0.0),
    "kinds alone": replace(SHIPS, words=0.0, kinds=1.0),
    "pairs and words": replace(SHIPS, kinds=0.0),
    "half as much of kinds": replace(SHIPS, kinds=SHIPS.kinds / 2),
    "all three (ships)": SHIPS,
    "half as much again of kinds": replace(SHIPS, kinds=SHIPS.kinds * 1.5),
}
TRIALS, MEMBERS = 600, 4


def tagging() -> tuple[feature_cache.Tagging, dict[str, str]]:
    """The frozen networks' classes, and what their weights are."""
    vision, hearing = EfficientNetLite.load(), Hearing.load()

    @torch.inference_mode()
    def sight(embeddings: Tensor) -> Tensor:
        return torch.cat([vision.tags(part) for part in torch.split(embeddings, 512)])

    @torch.inference_mode()
    def sound(embeddings: Tensor) -> Tensor:
        tags: Tensor = hearing.network.tag(embeddings).sigmoid()
        return tags

    words = ZeroShot.load(vision.labels, hearing.labels)
    made_by = {"vision": version_of(vision), "audio": hearing.embeds}
    return feature_cache.Tagging(sight, sound, words), made_by


def gathered(
    plan: Plan, tags: feature_cache.Tagging, settings: CombinedSettings, ears: str
) -> tuple[feature_cache.Stock, Reductions]:
    """The cached features, ready to learn from."""
    seen = feature_cache.sights(scene_features.seen_in(plan.work, tiny_segmenter("cpu")), tags, settings.lam)
    heard = feature_cache.sounds(scene_features.heard_in(plan.work, "sounds", ears), tags)
    made = feature_cache.reductions(seen, heard, tags.words, settings)
    if plan.mixtures:
        heard = heard.joined(feature_cache.sounds(scene_features.heard_in(plan.work, "mixed", ears), tags))
    return feature_cache.Stock.of(seen, heard, tags.words, made, settings), made


def judged_left_out(
    material: feature_cache.Stock,
    made: Reductions,
    words: ZeroShot,
    lessons: Mapping[str, Lessons],
    plan: Plan,
    recipe: Recipe,
    text: MiniLM,
) -> list[list[float]]:
    """Accuracies on kinds that nothing was taught of, fold by fold."""
    kinds, found = material.kinds(), []
    for fold, held in enumerate(folds_of(kinds, plan.seed)):
        shown = [kind for kind in kinds if kind not in held]
        modules = together(material, shown, recipe, plan.seed + fold)
        known = kinds_among(taught(lessons, held, "", plan.seed + fold), text)
        weights = CombinedWeights(modules, made, SHIPS, {})
        trials = left_out(material, held, TRIALS, fold)
        found.append(accuracies(Combined(weights, words, known), trials, WAYS.values()))
    return found


def together(
    material: feature_cache.Stock, kinds: Sequence[str], recipe: Recipe, seed: int
) -> tuple[AssociationModule, ...]:
    """The modules of one association; those of other seeds share none with them."""
    return tuple(learn(material, kinds, recipe, seed * MEMBERS + number) for number in range(MEMBERS))


def main() -> None:
    """Run the whole recipe."""
    parser = options_of(__doc__, ASSETS / "association.safetensors")
    parser.add_argument("--scenes", type=int, default=Plan.scenes)
    parser.add_argument("--sounds", type=int, default=Plan.sounds)
    parser.add_argument("--mixtures", type=int, default=Plan.mixtures)
    parser.add_argument("--mixing", type=float, default=Recipe.mixing, help="0 is MICL, .5 MSA-MICL")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--depth", type=int, default=Recipe.depth)
    parser.add_argument("--seeds", type=int, default=3, help="how many are judged; the first one ships")
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(options.media, options.work, options.scenes, options.sounds, options.mixtures, options.seed)
    media_bank.build(plan.media, plan.work / "packages", plan.library, plan.seed)
    scene_features.in_processes(partial(scene_features.render, plan), options.workers)
    recipe = Recipe(steps=options.steps, depth=options.depth, mixing=options.mixing)
    tags, made_by = tagging()
    text = MiniLM()
    material, made = gathered(plan, tags, SHIPS, made_by["audio"])
    dev = dev_trials(options.dev, tags, made, SHIPS) if options.dev else []
    kinds = material.kinds()
    runs = [
        CombinedWeights(together(material, kinds, recipe, seed), made, SHIPS, made_by)
        for seed in range(options.seed, options.seed + options.seeds)
    ]
    sha256 = ensemble.write(runs[0], options.out)
    print(f"{options.out} {sha256}", flush=True)
    known = kinds_among(read(ASSETS / "class_heads.safetensors"), text)
    associations = [Combined(weights, tags.words, known) for weights in runs]
    strangers = [trial for trial in dev if trial.name not in kinds]
    figures = {
        "ways": list(WAYS),
        "members": MEMBERS, "masks": len(material.mask_kind), "clips": len(material.clip_kinds),
        "kinds": len(kinds),
        "dev": [accuracies(each, dev, WAYS.values()) for each in associations] if dev else [],
        "dev, kinds never rendered": [
            accuracies(each, strangers, WAYS.values()) for each in associations
        ] if dev else [],
        "left out of training": judged_left_out(
            material, made, tags.words, lessons_of(plan.work, made_by["audio"]), plan, recipe, text
        ),
        "sha256": sha256,
    }  # fmt: skip
    print(json.dumps(figures))
    (options.work / f"figures-{options.mixing:g}-{options.depth}.json").write_text(json.dumps(figures))
    if options.card:
        write_card(options.out.with_suffix(".md"), figures, recipe, SHIPS, made_by)


if __name__ == "__main__":
    main()
