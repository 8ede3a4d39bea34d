"""Our own audio network: a small log-mel CNN that was taught by YAMNet (``recipes/audio_student``)."""

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
"""Log-mel of common sound, roughly: the network sees about zero mean and unit spread."""

# (channels out, stride) of the depthwise separable blocks.
BLOCKS = (
    *((64, 2), (96, 1), (192, 2), (192, 1)),
    *((384, 2), (384, 1), (384, 1), (384, 1), (768, 2), (768, 1)),
)
STEM = 32
AT_ONCE = 64  # sounds per forward pass: with more of them what is between layers leaves the cache


class Separable(nn.Module):
    """Depthwise 3x3 and pointwise convolution, each normalised and rectified; a residual where it fits."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.residual = in_channels == channels and stride == 1
        self.spread = nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False)
        self.spread_norm = nn.BatchNorm2d(in_channels)
        self.mix = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.mix_norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """(n, given, h, w) to (n, channels, h / stride, w / stride)."""
        spread = functional.relu(self.spread_norm(self.spread(features)))
        mixed = self.mix_norm(self.mix(spread))
        return functional.relu(mixed + features if self.residual else mixed)


class YamnetStudentNetwork(nn.Module):
    """Log-mel (n, 96, 64) to an embedding (n, 1024) and tag logits (n, 521)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, STEM, 3, 2, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(STEM)
        widths = [STEM, *(channels for channels, _ in BLOCKS)]
        self.blocks = nn.Sequential(
            *(Separable(in_channels, *block) for in_channels, block in zip(widths[:-1], BLOCKS, strict=True))
        )
        self.embed = nn.Linear(widths[-1], DIM)
        self.classify = nn.Linear(DIM, CLASSES)

    def fuse_bn(self) -> None:
        """Put the batch norms into the convolutions: the same function, to be used and no longer to learn."""
        fuse_bn_named(self, "stem", "stem_norm")
        for block in self.blocks:
            fuse_bn_named(block, "spread", "spread_norm")
            fuse_bn_named(block, "mix", "mix_norm")

    def forward(self, logmel: Tensor) -> tuple[Tensor, Tensor]:
        """Embedding (n, 1024), never negative as the teacher's, and tag logits (n, 521)."""
        features = ((logmel - MEAN) / SCALE)[:, None]
        features = functional.relu(self.stem_norm(self.stem(features)))
        embedding = functional.relu(self.embed(self.blocks(features).mean(dim=(2, 3))))
        return embedding, self.classify(embedding)


class YamnetStudent:
    """The network as an :class:`~seac.encoders.base.AudioEncoder`; tags are AudioSet's 521.

    It listens to a window as a whole and, where there are two, to its components; tags are what all say.

    Args:
        network: with its weights.
        device: where it runs.
        version: which weights they are.
        full_mix: listen to the whole alone, in a third of the time or less; embeddings of windows are the same.

    ``embedding_version`` says what makes the embeddings, ``version`` also how it listens, which decides on tags.
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
        """The weights that ship with seac, or those in ``path`` (which are not checked).

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
        # A residue says what is not there, and what it was taken from is nearly the whole.
        separable = audible(parts, windows).all(1)
        outputs = self._encode_windows(torch.cat([windows, parts[separable].flatten(0, 1)]))
        (embeddings, component_values), (class_probabilities, component_probabilities) = (
            _split_components(part, separable) for part in outputs
        )
        return AudioFeatures(
            embeddings, blend_components(class_probabilities, component_probabilities), component_values
        )

    def _encode_windows(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (n, 1024) and tags (n, 521) of windows, as they are."""
        outputs = [self.network(self.front(some).to(self.device)) for some in torch.split(windows, AT_ONCE)]
        embeddings, logits = (torch.cat(part) for part in zip(*outputs, strict=True))
        return embeddings.cpu(), logits.sigmoid().cpu()


def _split_components(outputs: Tensor, separable: Tensor) -> tuple[Tensor, Tensor]:
    """Answers to windows (n, K), and to their two components (n, 2, K): without any, the window's own twice.

    Args:
        outputs: (n + 2 m, K), to windows and then to both components of the m windows that have them.
        separable: (n,) bool, which these are.
    """
    full_mix = outputs[: len(separable)]
    component_values = full_mix[:, None].repeat(1, 2, 1)
    component_values[separable] = outputs[len(separable) :].view(-1, 2, outputs.shape[1])
    return full_mix, component_values


def load_network(path: Path | None = None) -> tuple[YamnetStudentNetwork, str]:
    """The network as it learned, and which weights it has: those of ``path``, or those that ship.

    Raises:
        InputError: the file is missing or damaged.
    """
    content = _shipped() if path is None else path.read_bytes()
    network = YamnetStudentNetwork()
    try:
        network.load_state_dict({name: value.float() for name, value in load(content).items()})
    except Exception as error:
        raise InputError(f"{path or WEIGHTS} holds no hearing network ({type(error).__name__})") from None
    return network, f"yamnet-student sha256:{hashlib.sha256(content).hexdigest()[:12]}"


def _shipped() -> bytes:
    resource = files("seac").joinpath(WEIGHTS)
    if not resource.is_file():
        raise InputError(f"{WEIGHTS} is missing from the installation: pip install --force-reinstall seac")
    with as_file(resource) as path:
        content = path.read_bytes()
    if SHA256 and hashlib.sha256(content).hexdigest() != SHA256:
        raise InputError(f"{WEIGHTS} is damaged (wrong sha256): pip install --force-reinstall seac")
    return content
