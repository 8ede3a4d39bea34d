"""VGGish (Hershey et al., ICASSP 2017): one 128-d embedding per .96 s of audio.

Parameter names, their order and the outputs are those of the public PyTorch port. The PCA and quantisation of
other ports are omitted, as in the SeAC paper.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from seac.core.context import PartContext
from seac.core.errors import InputError
from seac.core.types import AudioFeatures
from seac.encoders.audio.log_mel import BANDS, RATE, LogMel
from seac.media.resample import resample
from seac.weights.load import fingerprint, load_state

FRAMES = 96
OFFSET = 0.01
WINDOW, HOP = 15_600, 15_360
"""Samples of one example (96 frames of 25 ms, 10 ms apart), and samples between the starts of examples."""

POOL = 0
LAYERS = (64, POOL, 128, POOL, 256, 256, POOL, 512, 512, POOL)
HIDDEN, DIM = 4096, 128


def log_mel_examples(waveform: Tensor, sample_rate: int) -> Tensor:
    """Return the log-mel examples of VGGish: .96 s each, without overlap.

    Incomplete frames and examples at the end are dropped; a waveform shorter than one example (.975 s) is
    zero-padded to one example.

    Args:
        waveform: (S,) float in [-1, 1].
        sample_rate: Hz; the waveform is resampled to 16 kHz.

    Returns:
        (n, 1, 96, 64) float32, n at least 1.

    Raises:
        ValueError: the waveform is not one-dimensional.
    """
    if waveform.ndim != 1:
        raise ValueError(f"waveform is {tuple(waveform.shape)}: pass (S,), one channel")
    samples = resample(waveform, sample_rate, RATE)
    if len(samples) < WINDOW:
        samples = functional.pad(samples, (0, WINDOW - len(samples)))
    frames = LogMel(OFFSET, torch.float64)(samples[None])[0]
    count = len(frames) // FRAMES
    return frames[: count * FRAMES].view(count, 1, FRAMES, BANDS)


class VGGish(nn.Module):
    """The VGGish network: examples (n, 1, 96, 64) to embeddings (n, 128).

    Args:
        layers: channels of the 3x3 convolutions, 0 for a 2x2 pool; tests use smaller networks.
        hidden: width of the two dense layers.
        dim: width of the embedding.
    """

    def __init__(self, layers: tuple[int, ...] = LAYERS, hidden: int = HIDDEN, dim: int = DIM) -> None:
        super().__init__()
        modules: list[nn.Module] = []
        in_channels, locations = 1, FRAMES * BANDS
        for channels in layers:
            if channels == POOL:
                modules.append(nn.MaxPool2d(2, 2))
                locations //= 4
                continue
            modules += [nn.Conv2d(in_channels, channels, 3, 1, 1), nn.ReLU(inplace=True)]
            in_channels = channels
        self.features = nn.Sequential(*modules)
        self.embeddings = nn.Sequential(
            nn.Linear(locations * in_channels, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, dim),
            nn.ReLU(inplace=True),
        )

    def forward(self, examples: Tensor) -> Tensor:
        """Return non-negative embeddings (n, 128) of examples (n, 1, 96, 64)."""
        maps = self.features(examples)
        # The dense layers were trained in TensorFlow, whose layout is channels last.
        embeddings: Tensor = self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))
        return embeddings

    @classmethod
    def from_state(cls, state: dict[str, Tensor]) -> VGGish:
        """Build the network of a state dict; layer widths are inferred from the shapes of its tensors.

        Raises:
            RuntimeError, KeyError: names or shapes are not those of VGGish.
        """
        widths = iter(
            value.shape[0]
            for name, value in state.items()
            if name.startswith("features.") and value.ndim == 4
        )
        layers = tuple(POOL if layer == POOL else next(widths) for layer in LAYERS)
        with torch.device("meta"):
            network = cls(
                layers, state["embeddings.0.weight"].shape[0], state["embeddings.4.weight"].shape[0]
            )
        network.load_state_dict(state, assign=True)
        return network


class VGGishEncoder:
    """VGGish as an :class:`~seac.encoders.base.AudioEncoder`; it has no classes."""

    sample_rate, window, hop = RATE, WINDOW, HOP
    labels: tuple[str, ...] = ()

    def __init__(self, network: VGGish, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.network = network.float().eval().requires_grad_(requires_grad=False).to(self.device)
        self.front = LogMel(OFFSET, torch.float64)
        self.dim = int(network.embeddings[4].out_features)  # type: ignore[arg-type]
        self.version = f"vggish {fingerprint(network)}"

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> VGGishEncoder:
        """Load the encoder from ``path``, the public PyTorch file.

        Raises:
            InputError: the file holds another network.
        """
        try:
            network = VGGish.from_state(load_state(path))
        except (RuntimeError, KeyError, StopIteration) as error:
            raise InputError(
                f"{path} holds no VGGish ({type(error).__name__}): pass vggish-10086976.pth"
            ) from error
        return cls(network, device)

    @classmethod
    def from_context(cls, context: PartContext) -> VGGishEncoder:
        """The row of a table: the published weights.

        Raises:
            InputError: weights that are missing, or something else in their place.
        """
        return cls.load(context.weights(context.name), context.device)

    @torch.inference_mode()
    def __call__(self, windows: Tensor) -> AudioFeatures:
        """Encode ``windows``, (n, 15600) float32 in [-1, 1] at 16 kHz, of one or more clips, in one batch."""
        if len(windows) == 0:
            return AudioFeatures(torch.zeros(0, self.dim), None)
        examples = self.front(windows.cpu())[:, None].to(self.device)
        return AudioFeatures(self.network(examples).cpu(), None)
