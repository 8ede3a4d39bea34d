"""Teach the association: ``python -m training.association --media M --work W [--dev SHARED] --seed 0``.

Builds a library of cut-outs and recordings, renders scenes and sounds through the frozen networks in two
processes, learns, judges kinds that were left out, and writes the weights and the model card. Every step
that is finished is skipped when the command is given again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from seac.associate import combined
from seac.associate.audio.hearing import Hearing
from seac.associate.combined import CombinedSettings, CombinedWeights, Reductions
from seac.associate.module import AssociationModule
from seac.associate.vision.efficientnet_lite import EfficientNetLite
from seac.associate.zero_shot import ZeroShot
from seac.builders import tiny_segmenter
from seac.pipeline import version_of
from seac.segment.proposals import Segmenter
from training.association import features, library, stock
from training.association.card import write_card
from training.association.judge import accuracies, dev_trials, left_out
from training.association.learn import Recipe, learn
from training.association.scenes import Composer
from training.association.sounds import Recordings

ASSETS = Path(combined.__file__).parents[1] / "assets"
SHARES = (0.0, 0.3, 0.5, 0.7, 1.0)
FOLDS, TRIALS, MEMBERS = 4, 600, 4


@dataclass(frozen=True)
class Plan:
    """What is rendered, and from where."""

    media: Path
    work: Path
    scenes: int
    sounds: int
    mixtures: int
    seed: int


def render(plan: Plan, worker: int, workers: int) -> None:
    """One process's share of the features."""
    torch.set_num_threads(1)
    made = plan.work / "library"
    recordings = Recordings(made / "sounds")
    hearing = Hearing.load()
    ears = features.Ears(recordings, hearing)
    for name, shard, count in (
        ("sounds", ears.shard, plan.sounds // features.SOUNDS_PER_SHARD),
        ("mixed", ears.mixed, plan.mixtures // features.SOUNDS_PER_SHARD),
    ):
        folder = heard_in(plan.work, name, hearing.version)
        features.make(folder, range(worker, count, workers), shard, plan.seed)
    composer = Composer(made / "pictures", plan.media / "backgrounds", list(recordings.paths))
    segmenter = tiny_segmenter("cpu")
    eyes = features.Eyes(composer, EfficientNetLite.load(), segmenter)
    numbers = range(worker, plan.scenes // features.SCENES_PER_SHARD, workers)
    features.make(seen_in(plan.work, segmenter), numbers, eyes.shard, plan.seed)


def seen_in(work: Path, segmenter: Segmenter) -> Path:
    """Folder of picture features; other masks, other views or another share of either have another."""
    made_by = (version_of(segmenter), features.VIEWS, features.PROPOSED)
    return features.folder_of(work, "scenes", made_by)


def heard_in(work: Path, name: str, version: str) -> Path:
    """Folder of audio features; other ears have another, so that new ones only hear again."""
    return work / f"{name}-{version.rsplit(':', 1)[-1]}"


def tagging() -> tuple[stock.Tagging, dict[str, str]]:
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
    made_by = {"vision": version_of(vision), "audio": hearing.version}
    return stock.Tagging(sight, sound, words), made_by


def gathered(
    plan: Plan, tags: stock.Tagging, settings: CombinedSettings, ears: str
) -> tuple[stock.Stock, Reductions]:
    """The cached features, ready to learn from."""
    seen = stock.sights(seen_in(plan.work, tiny_segmenter("cpu")), tags, settings.lam)
    heard = stock.sounds(heard_in(plan.work, "sounds", ears), tags)
    made = stock.reductions(seen, heard, tags.words, settings)
    if plan.mixtures:
        heard = heard.joined(stock.sounds(heard_in(plan.work, "mixed", ears), tags))
    return stock.Stock.of(seen, heard, tags.words, made, settings), made


def judged_left_out(material: stock.Stock, recipe: Recipe, seed: int) -> list[list[float]]:
    """Accuracies on kinds that were not trained, fold by fold."""
    kinds = material.kinds()
    order = torch.randperm(len(kinds), generator=torch.Generator().manual_seed(seed)).tolist()
    found = []
    for fold in range(FOLDS):
        held = [kinds[index] for index in order[fold::FOLDS]]
        shown = [kind for kind in kinds if kind not in held]
        modules = together(material, shown, recipe, seed + fold)
        found.append(accuracies(modules, left_out(material, held, TRIALS, fold), SHARES))
    return found


def together(
    material: stock.Stock, kinds: Sequence[str], recipe: Recipe, seed: int
) -> tuple[AssociationModule, ...]:
    """The modules of one association; those of other seeds share none with them."""
    return tuple(learn(material, kinds, recipe, seed * MEMBERS + number) for number in range(MEMBERS))


def main() -> None:
    """Run the whole recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True, help="folder with images, sounds, backgrounds")
    parser.add_argument("--work", type=Path, required=True, help="folder for packages and features (5 GB)")
    parser.add_argument("--dev", type=Path, help="shared folder whose dev media judge")
    parser.add_argument("--scenes", type=int, default=4_000)
    parser.add_argument("--sounds", type=int, default=7_200)
    parser.add_argument("--mixtures", type=int, default=2_400)
    parser.add_argument("--mixing", type=float, default=Recipe.mixing, help="0 is MICL, .5 MSA-MICL")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--depth", type=int, default=Recipe.depth)
    parser.add_argument("--seeds", type=int, default=3, help="how many are judged; the first one ships")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ASSETS / "association.safetensors")
    parser.add_argument("--card", action="store_true", help="write the model card beside the weights")
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(options.media, options.work, options.scenes, options.sounds, options.mixtures, options.seed)
    library.build(plan.media, plan.work / "packages", plan.work / "library", plan.seed)
    features.in_processes(partial(render, plan), options.workers)
    recipe = Recipe(steps=options.steps, depth=options.depth, mixing=options.mixing)
    settings = CombinedSettings()
    tags, made_by = tagging()
    material, made = gathered(plan, tags, settings, made_by["audio"])
    dev = dev_trials(options.dev, tags, made, settings) if options.dev else []
    kinds = material.kinds()
    associations = [together(material, kinds, recipe, options.seed)]
    sha256 = combined.write(CombinedWeights(associations[0], made, settings, made_by), options.out)
    print(f"{options.out} {sha256}", flush=True)
    others = range(options.seed + 1, options.seed + options.seeds)
    associations += [together(material, kinds, recipe, seed) for seed in others]
    figures = {
        "shares of words": list(SHARES),
        "members": MEMBERS, "masks": len(material.mask_kind), "clips": len(material.clip_kinds),
        "kinds": len(kinds),
        "dev": [accuracies(modules, dev, SHARES) for modules in associations] if dev else [],
        "dev, kinds never rendered": [
            accuracies(modules, [trial for trial in dev if trial.name not in kinds], SHARES)
            for modules in associations
        ] if dev else [],
        "left out of training": judged_left_out(material, recipe, options.seed),
        "sha256": sha256,
    }  # fmt: skip
    print(json.dumps(figures))
    (options.work / f"figures-{options.mixing:g}-{options.depth}.json").write_text(json.dumps(figures))
    if options.card:
        write_card(options.out.with_suffix(".md"), figures, recipe, settings, made_by)


if __name__ == "__main__":
    main()
