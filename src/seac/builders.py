"""Builders of the preset tiny's parts; each is a row of ``presets.PARTS``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seac.associate.association import Association
    from seac.associate.audio.encoder import AudioEncoder
    from seac.associate.text.minilm import MiniLM
    from seac.associate.vision.encoder import VisionEncoder
    from seac.segment.proposals import Segmenter


def tiny_segmenter(device: str) -> Segmenter:
    """The best of our own segmenters."""
    from seac.segment.table import build

    return build("tiny")


def classic_segmenter(device: str) -> Segmenter:
    """Saliency and superpixels."""
    from seac.segment.table import build

    return build("classic")


def efficientnet_lite2(device: str) -> VisionEncoder:
    """EfficientNet-Lite2 with ImageNet weights."""
    from seac.associate.vision.efficientnet_lite import EfficientNetLite

    return EfficientNetLite.load(device)


def hearing(device: str) -> AudioEncoder:
    """Our own network, distilled from YAMNet."""
    from seac.associate.audio.hearing import Hearing

    return Hearing.load()


def minilm(device: str) -> MiniLM:
    """MiniLM, common words from a table."""
    from seac.associate.text.minilm import MiniLM

    return MiniLM()


def zero_shot(device: str, vision: VisionEncoder, audio: AudioEncoder, text: MiniLM) -> Association:
    """Masks and sound among words, without training."""
    from seac.associate.zero_shot import ZeroShot

    return ZeroShot.load(vision.labels, audio.labels, text)


def trained(device: str, vision: VisionEncoder, audio: AudioEncoder, text: MiniLM) -> Association:
    """Learnt from pairs of frames and sounds; names come from words all the same."""
    from importlib.resources import as_file, files

    from seac.associate.trained import Trained
    from seac.associate.zero_shot import ZeroShot

    words = ZeroShot.load(vision.labels, audio.labels, text)
    with as_file(files("seac").joinpath("assets/association.safetensors")) as path:
        return Trained.load(path, device, words).checked(vision, audio)
