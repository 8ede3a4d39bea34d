"""Audio encoder: MobileNetV3 of width .4 on log-mel frames, trained by ``recipes/audio_student``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

import torch
from safetensors.torch import load
from torch import Tensor, nn

from seac.core.context import PartContext
from seac.core.errors import InputError
from seac.core.types import AudioFeatures
from seac.encoders.audio.preemphasis_log_mel import RATE, PreemphasisLogMel
from seac.encoders.fuse_bn import fuse_bn
from seac.encoders.labels.descriptions import audioset_names

WEIGHTS = "assets/audio_encoder.safetensors"
SHA256 = "41e86ca9f37ac922aec0754b740342f8f927561593b01cbe51cd5df713754620"
WINDOW, HOP = 64_000, 32_000
CLASSES, DIM, HIDDEN = 521, 384, 512
BATCH = 16  # windows per forward pass; the activations of larger batches do not fit in the CPU cache
MIN_SAMPLES = RATE
"""Shorter windows are padded with silence: the receptive field of the last layers is about a second."""


@dataclass(frozen=True)
class BlockShape:
    """Shape of an inverted residual block.

    Attributes:
        kernel: side of the depthwise convolution.
        expanded: channels of the depthwise convolution.
        channels: channels out.
        stride: of the depthwise convolution.
        squeezed: hidden channels of the squeeze-and-excitation; 0 for none.
        hard_swish: the activation is hard swish, otherwise ReLU.
    """

    kernel: int
    expanded: int
    channels: int
    stride: int
    squeezed: int
    hard_swish: bool


STEM = 8
BLOCKS = (
    BlockShape(3, 8, 8, 1, 0, hard_swish=False),
    BlockShape(3, 24, 16, 2, 0, hard_swish=False),
    BlockShape(3, 32, 16, 1, 0, hard_swish=False),
    BlockShape(5, 32, 16, 2, 8, hard_swish=False),
    BlockShape(5, 48, 16, 1, 16, hard_swish=False),
    BlockShape(5, 48, 16, 1, 16, hard_swish=False),
    BlockShape(3, 96, 32, 2, 0, hard_swish=True),
    BlockShape(3, 80, 32, 1, 0, hard_swish=True),
    BlockShape(3, 72, 32, 1, 0, hard_swish=True),
    BlockShape(3, 72, 32, 1, 0, hard_swish=True),
    BlockShape(3, 192, 48, 1, 48, hard_swish=True),
    BlockShape(3, 272, 48, 1, 72, hard_swish=True),
    BlockShape(5, 272, 64, 2, 72, hard_swish=True),
    BlockShape(5, 384, 64, 1, 96, hard_swish=True),
    BlockShape(5, 384, 64, 1, 96, hard_swish=True),
)


def _activation(*, hard_swish: bool) -> nn.Module:
    return nn.Hardswish() if hard_swish else nn.ReLU()


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and, unless ``activation`` is None, an activation; the size is kept."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int,
        activation: nn.Module | None,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(channels, eps=0.001, momentum=0.01),
            *(() if activation is None else (activation,)),
        )


class SqueezeExcitation(nn.Module):
    """Scales each channel by a function of the means of all channels."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, squeezed)
        self.excite = nn.Linear(squeezed, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, channels, h, w) to the same shape."""
        scale = torch.sigmoid(self.excite(torch.relu(self.squeeze(features.mean(dim=(2, 3))))))
        return features * scale[:, :, None, None]


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution, squeeze-and-excitation where given, projection; residual."""

    def __init__(self, in_channels: int, shape: BlockShape) -> None:
        super().__init__()
        activation = partial(_activation, hard_swish=shape.hard_swish)
        self.residual = shape.stride == 1 and in_channels == shape.channels
        self.expand = (
            ConvNorm(in_channels, shape.expanded, 1, activation())
            if shape.expanded != in_channels
            else nn.Identity()
        )
        self.spread = ConvNorm(
            *(shape.expanded, shape.expanded, shape.kernel, activation()), shape.stride, shape.expanded
        )
        self.scale = SqueezeExcitation(shape.expanded, shape.squeezed) if shape.squeezed else nn.Identity()
        self.project = ConvNorm(shape.expanded, shape.channels, 1, None)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, in_channels, h, w) to (n, channels, h / stride, w / stride)."""
        projected: Tensor = self.project(self.scale(self.spread(self.expand(features))))
        return projected + features if self.residual else projected


class MobileNetStudentNetwork(nn.Module):
    """Maps log-mel (n, 128, frames) to embeddings (n, 384) and class logits (n, classes).

    Args:
        classes: number of classes.
    """

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.stem = ConvNorm(1, STEM, 3, nn.Hardswish(), stride=2)
        widths = [STEM, *(shape.channels for shape in BLOCKS)]
        self.blocks = nn.Sequential(
            *(InvertedResidual(width, shape) for width, shape in zip(widths[:-1], BLOCKS, strict=True))
        )
        self.embed = ConvNorm(widths[-1], DIM, 1, nn.Hardswish())
        self.hidden = nn.Linear(DIM, HIDDEN)
        self.classify = nn.Linear(HIDDEN, classes)

    def fuse_bn(self) -> None:
        """Fuse the batch norms into the convolutions, for inference only; outputs do not change."""
        fuse_bn(self)

    def forward(self, logmel: Tensor) -> tuple[Tensor, Tensor]:
        """Return embeddings (n, 384), the means of the last feature map, and class logits (n, classes)."""
        embedding = self.embed(self.blocks(self.stem(logmel[:, None]))).mean(dim=(2, 3))
        return embedding, self.classify(nn.functional.hardswish(self.hidden(embedding)))


class MobileNetStudent:
    """The network as an :class:`~seac.encoders.base.AudioEncoder` with the 521 AudioSet classes of YAMNet.

    Args:
        network: with its weights.
        device: where it runs.
        version: of its weights.
    """

    sample_rate, window, hop, dim = RATE, WINDOW, HOP, DIM

    def __init__(
        self, network: MobileNetStudentNetwork, device: torch.device | str = "cpu", version: str = ""
    ) -> None:
        self.device = torch.device(device)
        self.network = network.eval().requires_grad_(requires_grad=False).to(self.device)
        self.network.to(memory_format=torch.channels_last)
        self.front = PreemphasisLogMel()
        self.labels = audioset_names()
        self.version = version or "audio-student, untrained"

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

    @torch.inference_mode()
    def __call__(self, windows: Tensor) -> AudioFeatures:
        """Encode ``windows``, (n, S) float32 in [-1, 1] at 32 kHz, in one batch.

        S is 64,000 in the pipeline; any other length is possible, below 32,000 it is padded with silence.
        """
        if len(windows) == 0:
            return AudioFeatures(torch.zeros(0, DIM), torch.zeros(0, CLASSES))
        if windows.shape[1] < MIN_SAMPLES:
            windows = nn.functional.pad(windows, (0, MIN_SAMPLES - windows.shape[1]))
        outputs = [self.network(self.front(part).to(self.device)) for part in torch.split(windows, BATCH)]
        embeddings, logits = (torch.cat(part) for part in zip(*outputs, strict=True))
        return AudioFeatures(embeddings.cpu(), logits.sigmoid().cpu())


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
