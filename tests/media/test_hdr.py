"""PQ and HLG come out as the colours that were meant, from the definitions of ITU-R BT.2100."""

from __future__ import annotations

import numpy as np
import pytest

from seac.media.hdr import HLG, PQ, to_sdr

TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def encode_pq(nits: np.ndarray) -> np.ndarray:
    """Signal of light in nits, SMPTE ST 2084."""
    power = np.clip(nits / 10_000, 0, 1) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def encode_hlg(nits: np.ndarray) -> np.ndarray:
    """Signal of light in nits of a display of 1,000 nits, ARIB STD-B67 after the inverse system gamma."""
    light = np.clip(nits / 1000, 0, 1)
    luma = np.maximum(light @ np.array([0.2627, 0.6780, 0.0593]), 1e-9)[..., None]
    scene = light * luma ** (1 / 1.2 - 1)
    upper = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), upper)


def srgb(linear: np.ndarray) -> np.ndarray:
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def shown(linear: np.ndarray, transfer: int, white: float = 203.0) -> np.ndarray:
    """What becomes of linear colours (n, 3) of BT.709, of which 1 is diffuse white."""
    encode = encode_pq if transfer == PQ else encode_hlg
    signal = encode(np.maximum(linear @ TO_BT2020.T, 0) * white)
    return to_sdr(np.rint(signal * 65535).astype(np.uint16)[None], transfer)[0].astype(float)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_colours_up_to_the_knee_are_kept(transfer):
    linear = np.random.default_rng(0).uniform(0.02, 0.7, (500, 3))
    assert np.abs(shown(linear, transfer) - srgb(linear)).max() < 6


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_white_is_white_and_primaries_keep_their_hue(transfer):
    white, red, green, blue, black = shown(np.array([[1, 1, 1], *np.eye(3), [0, 0, 0]]), transfer)
    assert white.min() > 235
    assert np.ptp(white) <= 2
    assert black.max() == 0
    for number, colour in enumerate((red, green, blue)):
        assert colour[number] > 200
        assert np.delete(colour, number).max() < 40


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_brighter_is_never_darker(transfer):
    grey = np.linspace(0, 4.9, 200)[:, None].repeat(3, 1)
    values = shown(grey, transfer)[:, 0]
    assert (np.diff(values) >= 0).all()
    assert values[-1] == 255
