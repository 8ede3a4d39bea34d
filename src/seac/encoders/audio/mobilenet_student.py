"""Audio encoder: MobileNetV3 of width .4 on log-mel frames, trained by ``recipes/audio_student``."""

from __future__ import annotations

import hashlib
from importlib.resources import as_file, files
from pathlib import Path

import torch
from safetensors.torch import load

from seac.core.context import PartContext
from seac.core.errors import InputError
from seac.encoders.audio.mobilenet_v3 import HOP, WINDOW, MobileNetAudio, MobileNetV3
from seac.encoders.labels.descriptions import audioset_names

__all__ = ["HOP", "WINDOW", "MobileNetStudent", "MobileNetStudentNetwork", "load_network"]

WEIGHTS = "assets/audio_encoder.safetensors"
SHA256 = "41e86ca9f37ac922aec0754b740342f8f927561593b01cbe51cd5df713754620"
CLASSES, DIM, WIDTH = 521, 384, 0.4


class MobileNetStudentNetwork(MobileNetV3):
    """Maps log-mel (n, 128, frames) to embeddings (n, 384) and class logits (n, classes).

    Args:
        classes: number of classes.
    """

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__(classes, WIDTH)


class MobileNetStudent(MobileNetAudio):
    """The network as an :class:`~seac.encoders.base.AudioEncoder` with the 521 AudioSet classes of YAMNet.

    Args:
        network: with its weights.
        device: where it runs.
        version: of its weights.
    """

    dim = DIM

    def __init__(
        self, network: MobileNetStudentNetwork, device: torch.device | str = "cpu", version: str = ""
    ) -> None:
        super().__init__(network, audioset_names(), device, version or "audio-student, untrained")

    @classmethod
    def load(cls, device: torch.device | str = "cpu", path: Path | None = None) -> MobileNetStudent:
        """Load the weights that ship with seac, or those in ``path`` (whose checksum is not verified).

        Raises:
            InputError: the file is missing or damaged.
        """
        network, version = load_network(path)
        network.fuse_bn()
        return cls(network, device, version)

    @classmethod
    def from_context(cls, context: PartContext) -> MobileNetStudent:
        """The row of a table; so small that it runs on the CPU.

        Raises:
            InputError: its file is missing or damaged.
        """
        return cls.load()


def load_network(path: Path | None = None) -> tuple[MobileNetStudentNetwork, str]:
    """Load the network with unfused batch norms, and its version; the shipped weights if ``path`` is None.

    Raises:
        InputError: the file is missing or damaged.
    """
    content = _read_shipped() if path is None else path.read_bytes()
    network = MobileNetStudentNetwork()
    try:
        weights = {name: value.float() for name, value in load(content).items()}
        own = network.state_dict()
        counters = {name: value for name, value in own.items() if not value.is_floating_point()}
        network.load_state_dict(counters | weights)
    except Exception as error:
        raise InputError(f"{path or WEIGHTS} holds no audio student ({type(error).__name__})") from None
    return network, f"audio-student sha256:{hashlib.sha256(content).hexdigest()[:12]}"


def _read_shipped() -> bytes:
    resource = files("seac").joinpath(WEIGHTS)
    if not resource.is_file():
        raise InputError(f"{WEIGHTS} is missing from the installation: pip install --force-reinstall seac")
    with as_file(resource) as path:
        content = path.read_bytes()
    if SHA256 and hashlib.sha256(content).hexdigest() != SHA256:
        raise InputError(f"{WEIGHTS} is damaged (wrong sha256): pip install --force-reinstall seac")
    return content
