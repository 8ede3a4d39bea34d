"""Builders of the preset tiny's parts; each is a row of ``presets.PARTS``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seac.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from seac.associate.base import Association
    from seac.associate.ensemble import AssociationEnsemble
    from seac.associate.trained import TrainedAssociationWeights
    from seac.associate.zero_shot import ZeroShot
    from seac.classify.base import MaskClassifier
    from seac.classify.prompts import MeanEncoder
    from seac.core.types import MaskEmbeddings
    from seac.encoders.base import AudioEncoder, TextEncoder, VisionEncoder
    from seac.encoders.class_heads import ClassHeads
    from seac.encoders.text.minilm import MiniLM
    from seac.segment.base import Segmenter


def tiny_segmenter(device: str) -> Segmenter:
    """The best of our own segmenters; on the CPU whatever the device, as most of it is no network."""
    from seac.segment.table import build

    return build("tiny")


def classic_segmenter(device: str) -> Segmenter:
    """Saliency and superpixels."""
    from seac.segment.table import build

    return build("classic")


def grid_segmenter(device: str) -> Segmenter:
    """Cells in place of masks: the baseline without a segmenter."""
    from seac.segment.baselines.grid import Grid

    return Grid()


def efficientnet_lite2(device: str) -> VisionEncoder:
    """EfficientNet-Lite2 with ImageNet weights."""
    from seac.encoders.vision.efficientnet_lite import EfficientNetLite

    return EfficientNetLite.load(device)


def yamnet_student(device: str) -> AudioEncoder:
    """Our own network, distilled from YAMNet; so small that it runs on the CPU whatever the device."""
    from seac.encoders.audio.yamnet_student import YamnetStudent

    return YamnetStudent.load()


def yamnet_student_full(device: str) -> AudioEncoder:
    """The same without the components of a sound: far quicker, and the second of two sounds is heard less."""
    from seac.encoders.audio.yamnet_student import YamnetStudent

    return YamnetStudent.load(full_mix=True)


def minilm(device: str) -> MiniLM:
    """MiniLM, common words from a table."""
    from seac.encoders.text.minilm import MiniLM

    return MiniLM()


def zero_shot_association(
    device: str, vision: VisionEncoder, audio: AudioEncoder, text: TextEncoder
) -> ZeroShot:
    """Where masks, and sounds that have words, are among words."""
    from seac.associate.zero_shot import ZeroShot

    if not vision.labels and getattr(vision, "space", None) != getattr(text, "space", ""):
        raise InputError(
            f"{type(vision).__name__} has no classes: read with the text encoder of the same weights"
        )
    return ZeroShot.load(vision.labels, audio.labels, text)


def zero_shot(device: str, vision: VisionEncoder, audio: AudioEncoder, text: TextEncoder) -> Association:
    """Masks and sound among words, without training."""
    from seac.presets.stacks import check_has_classes

    check_has_classes(audio)
    return zero_shot_association(device, vision, audio, text)


def class_heads_of(vision: VisionEncoder, audio: AudioEncoder, text: MeanEncoder) -> ClassHeads:
    """The taught kinds that ship, as far as these encoders are those that they were taught for."""
    from importlib.resources import as_file, files

    from seac.classify.experts import load_class_heads
    from seac.encoders.class_heads import read

    with as_file(files("seac").joinpath("assets/class_heads.safetensors")) as path:
        return load_class_heads(read(path).matching(vision, audio), text)


def trained(
    device: str,
    vision: VisionEncoder,
    audio: AudioEncoder,
    text: MiniLM,
    trained_weights: TrainedAssociationWeights | None = None,
) -> Association:
    """The association of tiny: trained on composites, fused with zero-shot similarity and class heads.

    Raises:
        InputError: encoders that it was not trained for.
    """
    return ensemble(device, vision, audio, text, trained_weights)


def pairs(
    device: str,
    vision: VisionEncoder,
    audio: AudioEncoder,
    text: MiniLM,
    trained_weights: TrainedAssociationWeights | None = None,
) -> Association:
    """The same without class heads: trained on image-audio pairs, without any class label.

    Raises:
        InputError: encoders that it was not trained for.
    """
    return ensemble(device, vision, audio, text, trained_weights, class_match_weight=0.0)


def ensemble(
    device: str,
    vision: VisionEncoder,
    audio: AudioEncoder,
    text: MiniLM,
    trained_weights: TrainedAssociationWeights | None = None,
    /,
    **weights: float,
) -> AssociationEnsemble:
    """The ensemble of a trained module (the shipped one if None), with other fusion weights where given."""
    from importlib.resources import as_file, files

    from seac.associate.ensemble import AssociationEnsemble, AssociationEnsembleSettings
    from seac.associate.trained import read

    if trained_weights is None:
        with as_file(files("seac").joinpath("assets/association.safetensors")) as path:
            trained_weights = read(path)
    heads = class_heads_of(vision, audio, text)
    zero_shot = zero_shot_association(device, vision, audio, text)
    settings = AssociationEnsembleSettings(**weights)
    return AssociationEnsemble(trained_weights, zero_shot, heads, device, settings).checked(vision, audio)


def zero_shot_classifier(
    vision: VisionEncoder,
    audio: AudioEncoder,
    text: TextEncoder,
    to_text_space: Callable[[MaskEmbeddings], Tensor],
) -> MaskClassifier:
    """Masks are named by where they are among words."""
    from seac.classify.base import ZeroShotClassifier

    return ZeroShotClassifier(to_text_space)


def experts(
    vision: VisionEncoder,
    audio: AudioEncoder,
    text: MiniLM,
    to_text_space: Callable[[MaskEmbeddings], Tensor],
) -> MaskClassifier:
    """What ships for tiny: taggers, and kinds that were taught by name, of looks and sound."""
    from seac.classify.experts import ExpertsClassifier

    zero_shot = zero_shot_association("cpu", vision, audio, text)
    return ExpertsClassifier(
        class_heads_of(vision, audio, text), zero_shot.image_mapping, zero_shot.audio_mapping
    )
