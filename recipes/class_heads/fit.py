"""From cached embeddings to taught kinds, all of them or without some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from recipes.class_heads.crops import VIEWS
from recipes.class_heads.evaluate import said
from recipes.class_heads.samples import Lessons, Sights, Sounds
from recipes.class_heads.train import RECIPES, learn
from recipes.common import scene_features
from seac.encoders.class_heads import KindsWeights
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from seac.presets.builders import tiny_segmenter


def looks_in(work: Path) -> Path:
    """Folder of the closer looks; other views have another."""
    return scene_features.folder_of(work, "looks", (EfficientNetLite.version, VIEWS))


def lessons_of(work: Path, ears: str) -> dict[str, Lessons]:
    """What there is to learn from, by sense."""
    seen = scene_features.seen_in(work, tiny_segmenter("cpu"))
    heard = (scene_features.heard_in(work, name, ears) for name in ("sounds", "mixed"))
    return {"sight": Sights.of(looks_in(work), seen), "sound": Sounds.of(*heard)}


def taught(lessons: Mapping[str, Lessons], left_out: Sequence[str], ears: str, seed: int) -> KindsWeights:
    """Networks of all kinds that can be seen and heard, but some."""
    kinds = [name for name in names_of(lessons) if name not in left_out]
    networks = {sense: learn(part, kinds, RECIPES[sense], seed) for sense, part in lessons.items()}
    return KindsWeights(networks, tuple(map(said, kinds)), {"sight": EfficientNetLite.version, "sound": ears})


def names_of(lessons: Mapping[str, Lessons]) -> list[str]:
    """Kinds of every sense, sorted."""
    return sorted(set.intersection(*(set(part.names()) for part in lessons.values())))
