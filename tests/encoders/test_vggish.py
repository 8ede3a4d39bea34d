"""VGGish against the reference outputs, and edge cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.encoders.audio.vggish import HOP, WINDOW, VGGish, VGGishEncoder, log_mel_examples
from seac.encoders.audio.windows import encode_windows
from seac.media.resample import resample


def reference_weights(shape: torch.Size, number: int) -> Tensor:
    """Return the deterministic weights of the golden file (see its README)."""
    wave = torch.arange(shape.numel(), dtype=torch.float64).mul_(12.9898).add_(number * 78.233).sin_()
    spread = (2 / shape[1:].numel()) ** 0.5 if len(shape) > 1 else 0.05
    unit = wave.mul_(43758.5453)
    unit.sub_(unit.floor())
    return unit.mul_(2).sub_(1).mul_(spread * 3**0.5).float().view(shape)


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "vggish.npz") as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def noise(samples: int, seed: int = 0) -> Tensor:
    return torch.rand(samples, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def small_network() -> VGGish:
    torch.manual_seed(0)
    return VGGish((4, 0, 4, 0, 4, 4, 0, 4, 4, 0), 16, 8).eval()


def test_examples_equal_the_reference(golden: dict[str, np.ndarray]) -> None:
    ours = log_mel_examples(torch.from_numpy(golden["waveform"]), 16_000)
    assert ours.shape == golden["logmel"].shape
    assert np.abs(ours.numpy() - golden["logmel"]).max() < 1e-5


def test_embeddings_equal_the_reference(golden: dict[str, np.ndarray]) -> None:
    network = VGGish().eval()
    with torch.inference_mode():
        for number, parameter in enumerate(network.parameters()):
            parameter.copy_(reference_weights(parameter.shape, number))
        ours = network(log_mel_examples(torch.from_numpy(golden["waveform"]), 16_000)).numpy()
    assert np.abs(ours - golden["embedding"]).max() < 1e-4 * np.abs(golden["embedding"]).max()


def test_names_are_those_of_the_public_file() -> None:
    layers = [f"features.{index}" for index in (0, 3, 6, 8, 11, 13)]
    layers += [f"embeddings.{index}" for index in (0, 2, 4)]
    with torch.device("meta"):
        names = [name for name, _ in VGGish().named_parameters()]
    assert names == [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]


@pytest.mark.parametrize(
    ("samples", "count"),
    [
        (0, 1),
        (1, 1),
        (399, 1),
        (WINDOW - 1, 1),
        (WINDOW, 1),
        (WINDOW + HOP - 1, 1),
        (WINDOW + HOP, 2),
        (80_000, 5),
    ],
)
def test_incomplete_examples_are_dropped_and_short_waveforms_padded(samples: int, count: int) -> None:
    assert log_mel_examples(noise(samples), 16_000).shape == (count, 1, 96, 64)


def test_a_short_waveform_is_padded_with_silence() -> None:
    short = log_mel_examples(noise(8_000), 16_000)
    assert torch.equal(short[0, 0, 50:], torch.full((46, 64), float(np.log(0.01))))
    assert torch.equal(short[0, 0, :48], log_mel_examples(noise(80_000), 16_000)[0, 0, :48])


def test_a_window_is_one_example_so_clips_can_be_batched() -> None:
    waveform, network = noise(WINDOW + 2 * HOP), small_network()
    encoder = VGGishEncoder(network)
    with torch.inference_mode():
        expected = network(log_mel_examples(waveform, 16_000))
    assert torch.allclose(encode_windows(waveform, encoder).embeddings, expected, atol=1e-6)
    other = noise(WINDOW, seed=1)
    both = encoder(torch.stack([waveform[:WINDOW], other])).embeddings
    assert torch.allclose(both[1], encoder(other[None]).embeddings[0], atol=1e-6)
    assert encoder(torch.zeros(0, WINDOW)).embeddings.shape == (0, 8)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_a_tone_survives_any_rate(rate: int) -> None:
    def tone(rate: int) -> Tensor:
        return 0.5 * torch.sin(2 * torch.pi * 997.0 * torch.arange(2 * rate, dtype=torch.float64) / rate)

    resampled = resample(tone(rate), rate, 16_000)
    assert len(resampled) == 32_000
    middle = slice(2_000, -2_000)
    assert float((resampled - tone(16_000))[middle].abs().max()) < 1e-4


def test_frequencies_above_8_khz_do_not_alias() -> None:
    high = torch.sin(2 * torch.pi * 9_500.0 * torch.arange(96_000, dtype=torch.float64) / 48_000)
    assert float(resample(high, 48_000, 16_000)[2_000:-2_000].abs().max()) < 1e-3


def test_stereo_is_refused() -> None:
    with pytest.raises(ValueError, match="one channel"):
        log_mel_examples(torch.zeros(2, 16_000), 16_000)


def test_weights_are_read_strictly(tmp_path: Path) -> None:
    state = small_network().state_dict()
    torch.save(state, tmp_path / "vggish-10086976.pth")
    windows = noise(2 * WINDOW).view(2, WINDOW)
    loaded = VGGishEncoder.load(tmp_path / "vggish-10086976.pth")
    assert torch.equal(loaded(windows).embeddings, VGGishEncoder(small_network())(windows).embeddings)
    del state["embeddings.2.bias"]
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(InputError, match="holds no VGGish"):
        VGGishEncoder.load(tmp_path / "other.pth")
