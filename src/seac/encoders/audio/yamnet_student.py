"""Audio encoder: a small log-mel CNN distilled from YAMNet (``recipes/audio_student``)."""

from __future__ import annotations

import hashlib
from importlib.resources import as_file, files
from pathlib import Path

import torch
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional

from seac.core.context import PartContext
from seac.core.errors import InputError
from seac.core.types import AudioFeatures
from seac.encoders.audio.log_mel import RATE, LogMel
from seac.encoders.fuse_bn import fuse_bn_named
from seac.encoders.labels.descriptions import audioset_names

WEIGHTS = "assets/audio_student.safetensors"
SHA256 = "94cc026e196728cd2f7402039fc112771774df1d8d97f2f9b6b32116d5455712"
WINDOW, HOP = 15_600, 7_800
CLASSES, DIM = 521, 1024
MEAN, SCALE = -3.5, 2.5
"""Approximate mean and standard deviation of log-mel values; inputs are standardised with them."""

# (channels out, stride) of the depthwise separable blocks.
BLOCKS = (
    *((64, 2), (96, 1), (192, 2), (192, 1)),
    *((384, 2), (384, 1), (384, 1), (384, 1), (768, 2), (768, 1)),
)
STEM = 32
BATCH = 64  # windows per forward pass; the activations of larger batches do not fit in the CPU cache


class SeparableBlock(nn.Module):
    """Depthwise 3x3 and pointwise convolution, each with batch norm and ReLU; residual where shapes match."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.residual = in_channels == channels and stride == 1
        self.spread = nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False)
        self.spread_norm = nn.BatchNorm2d(in_channels)
        self.mix = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.mix_norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, in_channels, h, w) to (n, channels, h / stride, w / stride)."""
        spatial = functional.relu(self.spread_norm(self.spread(features)))
        pointwise = self.mix_norm(self.mix(spatial))
        return functional.relu(pointwise + features if self.residual else pointwise)


class YamnetStudentNetwork(nn.Module):
    """Maps log-mel (n, 96, 64) to embeddings (n, 1024) and class logits (n, 521)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, STEM, 3, 2, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(STEM)
        widths = [STEM, *(channels for channels, _ in BLOCKS)]
        self.blocks = nn.Sequential(
            *(
                SeparableBlock(in_channels, *block)
                for in_channels, block in zip(widths[:-1], BLOCKS, strict=True)
            )
        )
        self.embed = nn.Linear(widths[-1], DIM)
        self.classify = nn.Linear(DIM, CLASSES)

    def fuse_bn(self) -> None:
        """Fuse the batch norms into the convolutions, for inference only; outputs do not change."""
        fuse_bn_named(self, "stem", "stem_norm")
        for block in self.blocks:
            fuse_bn_named(block, "spread", "spread_norm")
            fuse_bn_named(block, "mix", "mix_norm")

    def forward(self, logmel: Tensor) -> tuple[Tensor, Tensor]:
        """Return embeddings (n, 1024), non-negative like the teacher's, and class logits (n, 521)."""
        features = ((logmel - MEAN) / SCALE)[:, None]
        features = functional.relu(self.stem_norm(self.stem(features)))
        embedding = functional.relu(self.embed(self.blocks(features).mean(dim=(2, 3))))
        return embedding, self.classify(embedding)


class YamnetStudent:
    """The network as an :class:`~seac.encoders.base.AudioEncoder` with the 521 AudioSet classes of YAMNet.

    Args:
        network: with its weights.
        device: where it runs.
        version: of its weights.
    """

    sample_rate, window, hop, dim = RATE, WINDOW, HOP, DIM

    def __init__(
        self, network: YamnetStudentNetwork, device: torch.device | str = "cpu", version: str = ""
    ) -> None:
        self.device = torch.device(device)
        self.network = network.eval().requires_grad_(requires_grad=False).to(self.device)
        self.network.to(memory_format=torch.channels_last)
        self.front = LogMel()
        self.labels = audioset_names()
        self.version = version or "yamnet-student, untrained"

    @classmethod
    def load(cls, device: torch.device | str = "cpu", path: Path | None = None) -> YamnetStudent:
        """Load the weights that ship with seac, or those in ``path`` (whose checksum is not verified).

        Raises:
            InputError: the file is missing or damaged.
        """
        network, version = load_network(path)
        network.fuse_bn()
        return cls(network, device, version)

    @classmethod
    def from_context(cls, context: PartContext) -> YamnetStudent:
        """The row of a table; so small that it runs on the CPU.

        Raises:
            InputError: its file is missing or damaged.
        """
        return cls.load()

    @torch.inference_mode()
    def __call__(self, windows: Tensor) -> AudioFeatures:
        """Encode ``windows``, (n, 15600) float32 in [-1, 1] at 16 kHz, in one batch."""
        if len(windows) == 0:
            return AudioFeatures(torch.zeros(0, DIM), torch.zeros(0, CLASSES))
        outputs = [self.network(self.front(part).to(self.device)) for part in torch.split(windows, BATCH)]
        embeddings, logits = (torch.cat(part) for part in zip(*outputs, strict=True))
        return AudioFeatures(embeddings.cpu(), logits.sigmoid().cpu())


def load_network(path: Path | None = None) -> tuple[YamnetStudentNetwork, str]:
    """Load the network with unfused batch norms, and its version; the shipped weights if ``path`` is None.

    Raises:
        InputError: the file is missing or damaged.
    """
    content = _read_shipped() if path is None else path.read_bytes()
    network = YamnetStudentNetwork()
    try:
        network.load_state_dict({name: value.float() for name, value in load(content).items()})
    except Exception as error:
        raise InputError(f"{path or WEIGHTS} holds no audio student ({type(error).__name__})") from None
    return network, f"yamnet-student sha256:{hashlib.sha256(content).hexdigest()[:12]}"


def _read_shipped() -> bytes:
    resource = files("seac").joinpath(WEIGHTS)
    if not resource.is_file():
        raise InputError(f"{WEIGHTS} is missing from the installation: pip install --force-reinstall seac")
    with as_file(resource) as path:
        content = path.read_bytes()
    if SHA256 and hashlib.sha256(content).hexdigest() != SHA256:
        raise InputError(f"{WEIGHTS} is damaged (wrong sha256): pip install --force-reinstall seac")
    return content
