"""Train the shipped association: ``python -m recipes.association --media M --work W [--dev MEDIA]``.

The command builds a media bank of cut-outs and recordings, renders scenes and waveforms, encodes them with
the frozen encoders in two processes, and trains with ``seac.training`` (``--set recipe=shipped``), the
trainer of ``seac train``. With ``--dev`` it evaluates object picking on dev composites and on classes left
out of training; this needs the class heads of ``python -m recipes.class_heads`` in the same work folder. A
repeated command skips completed steps.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from recipes.association.evaluate import (
    Trial,
    build_dev_trials,
    build_left_out_trials,
    compute_accuracies,
)
from recipes.association.model_card import write_model_card
from recipes.association.store import CompositeStore
from recipes.common import media_bank, scene_features
from recipes.common.feature_cache import FeatureCache, FrozenClassifiers, load_feature_cache
from recipes.common.folds import fold_weights, to_class_name
from recipes.common.options import open_media
from recipes.common.options import recipe as options_of
from recipes.common.scene_features import Plan
from seac.associate import ensemble
from seac.associate.ensemble import AssociationEnsemble, AssociationEnsembleSettings
from seac.associate.model import AssociationModule
from seac.associate.trained import TrainedAssociationWeights, read, write
from seac.associate.zero_shot import ZeroShot
from seac.classify.experts import load_class_heads
from seac.core.types import version_of
from seac.encoders.audio.yamnet_student import YamnetStudent
from seac.encoders.class_heads import ClassHeads
from seac.encoders.class_heads import read as read_class_heads
from seac.encoders.text.minilm import MiniLM
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from seac.segment.proposal_net.segmenter import ProposalSegmenter
from seac.training.config import SHIPPED, TrainingConfig, configured
from seac.training.trainer import Fitting, fit

ASSETS = Path(ensemble.__file__).parents[1] / "assets"
DEFAULT = AssociationEnsembleSettings()
VARIANTS = {
    "trained cosine": replace(DEFAULT, zero_shot_weight=0.0, class_match_weight=0.0),
    "zero-shot cosine": replace(DEFAULT, zero_shot_weight=1.0, class_match_weight=0.0),
    "class match": replace(DEFAULT, zero_shot_weight=0.0, class_match_weight=1.0),
    "trained and zero-shot": replace(DEFAULT, class_match_weight=0.0),
    "all three, half the class match": replace(DEFAULT, class_match_weight=DEFAULT.class_match_weight / 2),
    "all three (ships)": DEFAULT,
    "all three, 1.5 times the class match": replace(
        DEFAULT, class_match_weight=DEFAULT.class_match_weight * 1.5
    ),
}
TRIALS = 600


@dataclass(frozen=True)
class Encoders:
    """The frozen encoders of the preset tiny."""

    vision: EfficientNetLite
    audio: YamnetStudent
    text: MiniLM

    @classmethod
    def load(cls) -> Encoders:
        """Load the encoders with their shipped weights."""
        return cls(EfficientNetLite.load(), YamnetStudent.load(), MiniLM())

    @property
    def provenance(self) -> dict[str, str]:
        """Versions of the image and audio encoder by part."""
        return {"vision": version_of(self.vision), "audio": self.audio.version}

    def classifiers(self) -> FrozenClassifiers:
        """The classifiers from embeddings to class probabilities."""

        def audio(embeddings: Tensor) -> Tensor:
            probabilities: Tensor = self.audio.network.classify(embeddings).sigmoid()
            return probabilities

        return FrozenClassifiers(self.vision.class_probabilities, audio)

    def zero_shot(self) -> ZeroShot:
        """The mappings of both encoders to text space."""
        return ZeroShot.load(self.vision.labels, self.audio.labels, self.text)


def load_cache(plan: Plan, encoders: Encoders) -> FeatureCache:
    """Load the cached features of a plan."""
    return load_feature_cache(
        scene_features.image_feature_folder(plan.work, ProposalSegmenter()),
        scene_features.audio_feature_folder(plan.work, "recordings", encoders.provenance["audio"]),
        encoders.classifiers(),
    )


def train(store: CompositeStore, config: TrainingConfig, encoders: Encoders, out: Path) -> AssociationModule:
    """Train a module; a run in ``out`` is resumed."""
    out.mkdir(parents=True, exist_ok=True)
    fitting = Fitting(store, config, out, encoders.audio, zero_shot=encoders.zero_shot())
    return fit(fitting, Fabric(accelerator="cpu", devices=1)).module.eval()


def evaluate_left_out(
    cache: FeatureCache, encoders: Encoders, config: TrainingConfig, work: Path
) -> list[list[float]]:
    """Accuracies per fold on classes that were left out of training of module and class heads.

    Raises:
        SystemExit: the class heads of the folds are missing.
    """
    found, zero_shot = [], encoders.zero_shot()
    for fold, path in enumerate(fold_weights(work)):
        if not path.is_file():
            raise SystemExit(f"error: {path} is missing: run python -m recipes.class_heads --dev first")
        heads = load_class_heads(read_class_heads(path), encoders.text)
        trained = tuple(name for name in cache.classes() if to_class_name(name) in heads.weights.names)
        held_out = [name for name in cache.classes() if name not in trained]
        store = CompositeStore(cache, trained, encoders.provenance, config.seed)
        module = train(store, replace(config, seed=config.seed + fold), encoders, work / f"runs/fold_{fold}")
        trials = build_left_out_trials(cache, held_out, TRIALS, fold)
        found.append(accuracies(module, zero_shot, heads, trials))
    return found


def accuracies(
    module: AssociationModule, zero_shot: ZeroShot, heads: ClassHeads, trials: Sequence[Trial]
) -> list[float]:
    """Accuracy of each of ``VARIANTS``."""
    association = AssociationEnsemble(TrainedAssociationWeights(module), zero_shot, heads)
    return compute_accuracies(association, trials, VARIANTS.values())


def main() -> None:
    """Run the recipe from the command line."""
    parser = options_of(__doc__, ASSETS / "association.safetensors")
    parser.add_argument("--scenes", type=int, default=Plan.scenes)
    parser.add_argument("--audio-clips", type=int, default=Plan.audio_clips)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="as in seac train")
    parser.add_argument(
        "--seeds",
        type=int,
        default=3,
        help="number of seeds to evaluate; the weights of the first are written",
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(options.media, options.work, options.scenes, options.audio_clips, seed=options.seed)
    media_bank.build(plan.media, plan.work / "packages", plan.media_bank, plan.seed)
    scene_features.run_workers(partial(scene_features.render, plan), options.workers)
    config = configured("tiny", [f"recipe={SHIPPED}", *options.set])
    encoders = Encoders.load()
    cache = load_cache(plan, encoders)
    store = CompositeStore(cache, tuple(cache.classes()), encoders.provenance, plan.seed)
    modules = [
        train(store, replace(config, seed=seed), encoders, plan.work / f"runs/seed_{seed}")
        for seed in range(options.seed, options.seed + (options.seeds if options.dev else 1))
    ]
    sha256 = write(modules[0], options.out, encoders.provenance, half=True)
    print(f"{options.out} {sha256}", flush=True)
    if not options.dev:
        return
    figures: dict[str, Any] = {
        "masks": len(cache.masks), "recordings": len(cache.clip_classes), "classes": len(store.classes),
        "variants": list(VARIANTS), "sha256": sha256,
    }  # fmt: skip
    heads = load_class_heads(read_class_heads(ASSETS / "class_heads.safetensors"), encoders.text)
    dev, zero_shot = build_dev_trials(open_media(options.dev)), encoders.zero_shot()
    never_rendered = [trial for trial in dev if trial.name not in store.classes]
    for name, trials in (("dev", dev), ("dev, classes never rendered", never_rendered)):
        figures[name] = [accuracies(module, zero_shot, heads, trials) for module in modules]
    figures["left out of training"] = evaluate_left_out(cache, encoders, config, plan.work)
    print(json.dumps(figures))
    (plan.work / "association_metrics.json").write_text(json.dumps(figures))
    if options.model_card:
        weights = read(options.out)
        write_model_card(options.out.with_suffix(".md"), figures, config, weights.provenance)


if __name__ == "__main__":
    main()
