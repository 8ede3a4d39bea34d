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
from seac.encoders.audio.hpss import HPSS_VERSION, audible, blend_components, hpss
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

    Each window is encoded as a full mix. If both HPSS components are audible, they are encoded too, and class
    probabilities are blended by :func:`~seac.encoders.audio.hpss.blend_components`.

    Args:
        network: with its weights.
        device: where it runs.
        version: which weights they are.
        full_mix: listen to the whole alone, in a third of the time or less; embeddings of windows are the
            same.

    ``embedding_version`` says what makes the embeddings, ``version`` also how it listens, which decides on
    tags.
    """

    sample_rate, window, hop, dim = RATE, WINDOW, HOP, DIM

    def __init__(
        self,
        network: YamnetStudentNetwork,
        device: torch.device | str = "cpu",
        version: str = "",
        *,
        full_mix: bool = False,
    ) -> None:
        self.device = torch.device(device)
        self.network = network.eval().requires_grad_(requires_grad=False).to(self.device)
        self.network.to(memory_format=torch.channels_last)
        self.front = LogMel()
        self.labels = audioset_names()
        self.embedding_version = version or "yamnet-student, untrained"
        self.version = self.embedding_version if full_mix else f"{self.embedding_version}, {HPSS_VERSION}"
        self.full_mix = full_mix

    @classmethod
    def load(
        cls, device: torch.device | str = "cpu", path: Path | None = None, *, full_mix: bool = False
    ) -> YamnetStudent:
        """Load the weights that ship with seac, or those in ``path`` (whose checksum is not verified).

        Raises:
            InputError: the file is missing or damaged.
        """
        network, version = load_network(path)
        network.fuse_bn()
        return cls(network, device, version, full_mix=full_mix)

    @classmethod
    def from_context(cls, context: PartContext) -> YamnetStudent:
        """The row of a table; so small that it runs on the CPU. "-full" listens to the full mix alone.

        Raises:
            InputError: its file is missing or damaged.
        """
        return cls.load(full_mix=context.name.endswith("-full"))

    @torch.inference_mode()
    def __call__(self, windows: Tensor) -> AudioFeatures:
        """Encode ``windows``, (n, 15600) float32 in [-1, 1] at 16 kHz, in one batch."""
        if len(windows) == 0:
            return AudioFeatures(torch.zeros(0, DIM), torch.zeros(0, CLASSES))
        if self.full_mix:
            return AudioFeatures(*self._encode_windows(windows))
        parts = hpss(windows)
        # A residue gives false classes, and the other component then nearly equals the full mix.
        separable = audible(parts, windows).all(1)
        outputs = self._encode_windows(torch.cat([windows, parts[separable].flatten(0, 1)]))
        (embeddings, component_embeddings), (class_probabilities, component_probabilities) = (
            _split_components(part, separable) for part in outputs
        )
        return AudioFeatures(
            embeddings, blend_components(class_probabilities, component_probabilities), component_embeddings
        )

    def _encode_windows(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Return embeddings (n, 1024) and class probabilities (n, 521) of windows, without separation."""
        outputs = [self.network(self.front(part).to(self.device)) for part in torch.split(windows, BATCH)]
        embeddings, logits = (torch.cat(part) for part in zip(*outputs, strict=True))
        return embeddings.cpu(), logits.sigmoid().cpu()


def _split_components(outputs: Tensor, separable: Tensor) -> tuple[Tensor, Tensor]:
    """Split outputs into those of the windows (n, K) and of their two components (n, 2, K).

    A window without components gets its own output for both.

    Args:
        outputs: (n + 2 m, K), of the n windows, then of both components of the m separable windows.
        separable: (n,) bool.
    """
    full_mix = outputs[: len(separable)]
    component_values = full_mix[:, None].repeat(1, 2, 1)
    component_values[separable] = outputs[len(separable) :].view(-1, 2, outputs.shape[1])
    return full_mix, component_values


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
