"""VGGish (Hershey et al., ICASSP 2017): one 128-d vector for every .96 s of sound.

Parameter names, their order and the numbers are those of the public PyTorch file; the PCA and quantisation
that other ports add are left out, as in the paper that this package follows.
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
"""Samples of one example (96 frames of 25 ms, 10 ms apart), and from one example to the next."""

POOL = 0
LAYERS = (64, POOL, 128, POOL, 256, 256, POOL, 512, 512, POOL)
HIDDEN, DIM = 4096, 128


def log_mel_examples(waveform: Tensor, sample_rate: int) -> Tensor:
    """What VGGish looks at: log-mel examples of .96 s, one after the other without overlap.

    Frames and examples that are not whole are dropped at the end; a sound that is shorter than one example
    (.975 s) is padded with silence to one.

    Args:
        waveform: (S,) float in [-1, 1].
        sample_rate: Hz; resampled to 16 kHz where it is another.

    Returns:
        (n, 1, 96, 64) float32, n at least 1.

    Raises:
        ValueError: not one-dimensional.
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
    """The network: examples (n, 1, 96, 64) to embeddings (n, 128).

    Args:
        layers: channels of the 3x3 convolutions, 0 for a 2x2 pool; others than the published for small tests.
        hidden: width of the two dense layers.
        dim: width of the embedding.
    """

    def __init__(self, layers: tuple[int, ...] = LAYERS, hidden: int = HIDDEN, dim: int = DIM) -> None:
        super().__init__()
        modules: list[nn.Module] = []
        given, locations = 1, FRAMES * BANDS
        for channels in layers:
            if channels == POOL:
                modules.append(nn.MaxPool2d(2, 2))
                locations //= 4
                continue
            modules += [nn.Conv2d(given, channels, 3, 1, 1), nn.ReLU(inplace=True)]
            given = channels
        self.features = nn.Sequential(*modules)
        self.embeddings = nn.Sequential(
            nn.Linear(locations * given, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, dim),
            nn.ReLU(inplace=True),
        )

    def forward(self, examples: Tensor) -> Tensor:
        """Embeddings (n, 128), never negative, of examples (n, 1, 96, 64)."""
        maps = self.features(examples)
        # The dense layers came from TensorFlow, which keeps channels last.
        embedded: Tensor = self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))
        return embedded

    @classmethod
    def from_state(cls, state: dict[str, Tensor]) -> VGGish:
        """The network that a checkpoint belongs to, with its weights; widths are read off the tensors.

        Raises:
            RuntimeError, KeyError: names or shapes are not VGGish's.
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
    """VGGish as an :class:`~seac.encoders.base.AudioEncoder`; it has no sound classes."""

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
        """The encoder with the weights in ``path``, the public PyTorch file.

        Raises:
            InputError: another file.
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
        """Encode ``windows``, (n, 15600) float32 in [-1, 1] at 16 kHz, of one clip or many, in one batch."""
        if len(windows) == 0:
            return AudioFeatures(torch.zeros(0, self.dim), None)
        examples = self.front(windows.cpu())[:, None].to(self.device)
        return AudioFeatures(self.network(examples).cpu(), None)
