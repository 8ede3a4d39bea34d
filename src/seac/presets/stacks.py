"""Builders of the published and the modern stack's parts, for the rows of ``presets.PARTS`` that name them.

They are given the row's ``name``, which its weights have too, and ``weights``, which finds these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seac.core.errors import InputError

if TYPE_CHECKING:
    from seac.associate.base import Association
    from seac.encoders.base import AudioEncoder, VisionEncoder
    from seac.encoders.cached_text import CachedTextEncoder
    from seac.segment.promptable.prompted import BoxesToMasks, Detector
    from seac.segment.promptable.sam.sam import SamSettings
    from seac.weights import Weights


def mdef_detr(device: str, weights: Weights, name: str) -> Detector:
    """MDef-DETR, asked for all objects."""
    from seac.segment.detectors.mdef_detr.detector import MDefDetrDetector

    return MDefDetrDetector.load(weights(name), device)


def owlv2(device: str, weights: Weights, name: str) -> Detector:
    """OWLv2's objectness."""
    from seac.segment.detectors.owlv2 import Owlv2

    return Owlv2.load(weights(name), device)


def grounding_dino(device: str, weights: Weights, name: str) -> Detector:
    """MM-Grounding-DINO, asked for all objects."""
    from seac.segment.detectors.grounding_dino import GroundingDino

    return GroundingDino.load(weights(name), device)


def sam(device: str, weights: Weights, name: str, detector: Detector) -> BoxesToMasks:
    """A box detector prompting SAM or SAM-HQ."""
    from seac.segment.promptable.prompted import BoxesToMasks
    from seac.segment.promptable.sam.sam import Sam

    return BoxesToMasks(detector, Sam.load(weights(name), device, sam_settings(device)))


def sam_fast(device: str, weights: Weights, name: str, detector: Detector) -> BoxesToMasks:
    """A box detector prompting SAM at half its side and in half precision."""
    from seac.segment.promptable.prompted import BoxesToMasks
    from seac.segment.promptable.sam.sam import Sam, SamSettings

    published = weights(name.removesuffix("-fast"))
    return BoxesToMasks(detector, Sam.load(published, device, SamSettings.fast()))


def sam2(device: str, weights: Weights, name: str, detector: Detector) -> BoxesToMasks:
    """A box detector prompting SAM 2.1."""
    from seac.segment.promptable.prompted import BoxesToMasks
    from seac.segment.promptable.sam.sam2 import Sam2

    return BoxesToMasks(detector, Sam2.load(weights(name), device, sam_settings(device)))


def sam_settings(device: str) -> SamSettings:
    """Half precision for the image encoder where the hardware is made for it."""
    from seac.segment.promptable.sam.sam import SamSettings

    return SamSettings(precision="bfloat16" if device.startswith("cuda") else "float32")


def clip_vision(device: str, weights: Weights, name: str) -> VisionEncoder:
    """CLIP's picture half."""
    from seac.encoders.vision.clip import ClipVision

    return ClipVision.load(weights(name), device)


def clip_text(device: str, weights: Weights, name: str) -> CachedTextEncoder:
    """CLIP's text half; what was asked once is kept on disk."""
    from seac.encoders.cached_text import CachedTextEncoder
    from seac.encoders.text.clip import ClipText

    return CachedTextEncoder(ClipText.load(weights(name), device))


def siglip_vision(device: str, weights: Weights, name: str) -> VisionEncoder:
    """SigLIP 2's picture half."""
    from seac.encoders.vision.siglip import SiglipVision

    return SiglipVision.load(weights(name), device)


def siglip_text(device: str, weights: Weights, name: str) -> CachedTextEncoder:
    """SigLIP 2's text half; what was asked once is kept on disk."""
    from seac.encoders.cached_text import CachedTextEncoder
    from seac.encoders.text.siglip import SiglipText

    return CachedTextEncoder(SiglipText.load(weights(name), device))


def vggish(device: str, weights: Weights, name: str) -> AudioEncoder:
    """VGGish."""
    from seac.encoders.audio.vggish import VGGishEncoder

    return VGGishEncoder.load(weights(name), device)


def clap(device: str, weights: Weights, name: str) -> AudioEncoder:
    """CLAP; its tags are AudioSet's names."""
    from seac.encoders.audio.clap import Clap

    return Clap.load(weights(name), device)


def own_association(
    device: str,
    vision: VisionEncoder,
    audio: AudioEncoder,
    text: CachedTextEncoder,
    weights: Weights,
    name: str,
) -> Association:
    """An association that somebody trained for a preset and put among the weights under the row's name."""
    from seac.associate.trained import Trained
    from seac.presets.builders import zero_shot_association

    return Trained.load(weights(name), device, zero_shot_association(device, vision, audio, text)).checked(
        vision, audio
    )


def check_has_classes(audio: AudioEncoder) -> None:
    """Whether sound can be put into words, which an untrained association lives on.

    Raises:
        InputError: it cannot.
    """
    if not audio.labels:
        raise InputError(
            f"{type(audio).__name__} knows no words for sounds, so its association must be trained: give "
            "--association RUN (from `seac train`), or hear with --audio-encoder hearing or clap-htsat"
        )
