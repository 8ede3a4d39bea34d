"""Builders of the preset tiny's parts; each is a row of ``presets.PARTS``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seac.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from seac.associate.association import Association
    from seac.associate.audio.encoder import AudioEncoder
    from seac.associate.embeddings import MaskEmbeddings
    from seac.associate.text.encoder import TextEncoder
    from seac.associate.text.minilm import MiniLM
    from seac.associate.vision.encoder import VisionEncoder
    from seac.associate.zero_shot import ZeroShot
    from seac.classify.naming import Naming
    from seac.segment.proposals import Segmenter


def tiny_segmenter(device: str) -> Segmenter:
    """The best of our own segmenters."""
    from seac.segment.table import build

    return build("tiny")


def classic_segmenter(device: str) -> Segmenter:
    """Saliency and superpixels."""
    from seac.segment.table import build

    return build("classic")


def grid_segmenter(device: str) -> Segmenter:
    """Cells in place of masks: the baseline without a segmenter."""
    from seac.segment.grid import Grid

    return Grid()


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


def words(device: str, vision: VisionEncoder, audio: AudioEncoder, text: TextEncoder) -> ZeroShot:
    """Where masks, and sounds that have words, are among words."""
    from seac.associate.zero_shot import ZeroShot

    if not vision.labels and getattr(vision, "space", None) != getattr(text, "space", ""):
        raise InputError(
            f"{type(vision).__name__} has no classes: read with the text encoder of the same weights"
        )
    return ZeroShot.load(vision.labels, audio.labels, text)


def zero_shot(device: str, vision: VisionEncoder, audio: AudioEncoder, text: TextEncoder) -> Association:
    """Masks and sound among words, without training."""
    from seac.stacks import check_hears

    check_hears(audio)
    return words(device, vision, audio, text)


def trained(device: str, vision: VisionEncoder, audio: AudioEncoder, text: TextEncoder) -> Association:
    """What ships for tiny: learnt from composites, the zero-shot similarity added.

    Raises:
        InputError: encoders that it was not made for.
    """
    from importlib.resources import as_file, files

    from seac.associate.combined import Combined, read

    with as_file(files("seac").joinpath("assets/association.safetensors")) as path:
        weights = read(path)
    return Combined(weights, words(device, vision, audio, text), device).checked(vision, audio)


def by_words(
    vision: VisionEncoder, audio: AudioEncoder, text: TextEncoder, place: Callable[[MaskEmbeddings], Tensor]
) -> Naming:
    """Masks are named by where they are among words."""
    from seac.classify.naming import ByWords

    return ByWords(place)


def taught(
    vision: VisionEncoder, audio: AudioEncoder, text: MiniLM, place: Callable[[MaskEmbeddings], Tensor]
) -> Naming:
    """What ships for tiny: kinds that were taught by name, and what is heard."""
    from importlib.resources import as_file, files

    from seac.associate.bridge import Bridge
    from seac.classify.kinds import Taught, fitting, read

    with as_file(files("seac").joinpath("assets/kinds.safetensors")) as path:
        weights = fitting(read(path), vision, audio)
    return Taught(weights, place, Bridge.load(audio.labels, text), text)
