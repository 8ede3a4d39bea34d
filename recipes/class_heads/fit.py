"""Training of the class heads from cached embeddings, with all classes or without some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from recipes.class_heads.crops import VIEWS
from recipes.class_heads.samples import AudioSamples, ImageSamples, LabelledSamples
from recipes.class_heads.train import RECIPES, train
from recipes.common import scene_features
from recipes.common.folds import to_class_name
from seac.encoders.class_heads import ClassHeadsWeights
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from seac.segment.proposal_net.segmenter import ProposalSegmenter


def crop_folder(work: Path) -> Path:
    """Folder of the high-resolution crops; it depends on the view settings."""
    return scene_features.feature_folder(work, "crops", (EfficientNetLite.version, VIEWS))


def load_samples(work: Path, audio_version: str) -> dict[str, LabelledSamples]:
    """Load the training samples by modality."""
    scenes_folder = scene_features.image_feature_folder(work, ProposalSegmenter())
    audio_folders = (
        scene_features.audio_feature_folder(work, name, audio_version) for name in ("recordings", "mixtures")
    )
    return {
        "image": ImageSamples.of(crop_folder(work), scenes_folder),
        "audio": AudioSamples.of(*audio_folders),
    }


def train_class_heads(
    samples: Mapping[str, LabelledSamples], left_out: Sequence[str], audio_version: str, seed: int
) -> ClassHeadsWeights:
    """Train the heads on the classes with image and audio samples, except ``left_out``."""
    classes = [name for name in common_classes(samples) if name not in left_out]
    networks = {modality: train(part, classes, RECIPES[modality], seed) for modality, part in samples.items()}
    return ClassHeadsWeights(
        networks,
        tuple(map(to_class_name, classes)),
        {"image": EfficientNetLite.version, "audio": audio_version},
    )


def common_classes(samples: Mapping[str, LabelledSamples]) -> list[str]:
    """Classes with samples of every modality, sorted."""
    return sorted(set.intersection(*(set(part.names()) for part in samples.values())))
