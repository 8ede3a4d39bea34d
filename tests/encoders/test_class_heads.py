"""Taught kinds: networks in a file, and how likely a mask and a sound are of one kind."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.core.types import AudioFeatures
from seac.encoders.audio.hpss import blended
from seac.encoders.audio.yamnet_student import Hearing
from seac.encoders.class_heads import KindNetwork, Kinds, KindsWeights, agreement, read, write
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from tests.fixtures.parts import ColourVision, PitchHearing

SHIPPED = Path(str(files("seac").joinpath("assets/class_heads.safetensors")))
NAMES, D = ("red", "blue"), 6
FLOOR = 0.01


@pytest.fixture
def weights() -> KindsWeights:
    torch.manual_seed(0)
    networks = {
        sense: KindNetwork(torch.rand(D) / 10, torch.randn(D, 4), 8, len(NAMES))
        for sense in ("sight", "sound")
    }
    return KindsWeights(networks, NAMES, {"sight": "eyes", "sound": "ears"})


@given(st.integers(1, 5), st.integers(1, 7), st.integers(0, 2**31))
def test_agreement_is_a_similarity_and_minds_no_order_of_kinds(masks: int, kinds: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    seen = torch.rand(masks, kinds, generator=draw)
    seen = seen / seen.sum(1, keepdim=True)
    heard = torch.rand(kinds, generator=draw)
    heard = heard / heard.sum()
    found = agreement(seen, heard, FLOOR)
    assert found.shape == (masks,)
    assert bool((found.abs() <= 1 + 1e-6).all())
    order = torch.randperm(kinds, generator=draw)
    assert torch.allclose(agreement(seen[:, order], heard[order], FLOOR), found, atol=1e-6)
    assert torch.equal(found.argsort(stable=True), (seen @ heard).argsort(stable=True))


def test_agreement_is_one_for_the_same_kind_and_least_for_another() -> None:
    sure = torch.eye(2)
    assert torch.allclose(agreement(sure, sure[0], FLOOR), torch.tensor([1.0, -1.0]))
    none = torch.zeros(1, 2)  # it looks like none of them
    assert float(agreement(none, sure[0], FLOOR)) == pytest.approx(-1)


def test_what_was_taught_with_others_embeddings_has_no_say(weights: KindsWeights) -> None:
    vision, audio = ColourVision(), PitchHearing()
    vision.version, audio.version = "eyes", "ears"  # type: ignore[attr-defined]
    rows = torch.rand(3, D)
    both = Kinds(weights.fitting(vision, audio), torch.eye(2))
    assert all(both.of(sense, rows) is not None for sense in ("sight", "sound"))
    audio.version = "other ears"  # type: ignore[attr-defined]
    seen = Kinds(weights.fitting(vision, audio), torch.eye(2))
    assert seen.of("sight", rows) is not None
    assert seen.of("sound", rows) is None


def test_a_file_gives_back_what_was_written(weights: KindsWeights, tmp_path: Path) -> None:
    sha256 = write(weights, tmp_path / "kinds.safetensors")
    again = read(tmp_path / "kinds.safetensors")
    assert (again.sha256, again.names, again.made_by) == (sha256, weights.names, weights.made_by)
    rows = torch.rand(3, D)
    for sense, network in weights.networks.items():
        said = again.networks[sense].probabilities(rows)
        assert torch.allclose(said, network.probabilities(rows), atol=5e-3)
        assert bool((said.sum(1) < 1).all())  # the rest is none of them


def test_a_value_that_is_not_finite_writes_nothing(weights: KindsWeights, tmp_path: Path) -> None:
    weights.networks["sound"].mean[0] = float("nan")
    with pytest.raises(ValueError, match=r"sound\.mean"):
        write(weights, tmp_path / "kinds.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_another_file_is_refused_in_one_line(content: bytes | None, tmp_path: Path) -> None:
    path = (
        tmp_path / "kinds.safetensors"
        if content is not None
        else SHIPPED.with_name("audio_student.safetensors")
    )
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_what_ships_was_taught_for_the_encoders_that_ship() -> None:
    weights = read(SHIPPED)
    assert weights.made_by == {"sight": EfficientNetLite.version, "sound": Hearing.load().embeds}
    for sense, dim in (("sight", EfficientNetLite.dim), ("sound", Hearing.dim)):
        said = weights.networks[sense].probabilities(torch.rand(3, dim))
        assert said.shape == (3, len(weights.names))
        assert bool((said.sum(1) <= 1 + 1e-5).all())


def test_kinds_are_heard_in_the_whole_and_in_its_components(weights: KindsWeights) -> None:
    kinds, windows, apart = Kinds(weights, torch.eye(2)), torch.rand(3, D), torch.rand(3, 2, D)
    alone = kinds.heard(AudioFeatures(windows, None))
    assert alone is not None
    torch.testing.assert_close(alone, kinds.of("sound", windows))
    heard = kinds.heard(AudioFeatures(windows, None, apart))
    one_by_one = torch.stack([kinds.of("sound", parts) for parts in apart])
    torch.testing.assert_close(heard, blended(alone, one_by_one))
    mute = Kinds(KindsWeights({}, NAMES, {}), torch.eye(2))
    assert mute.heard(AudioFeatures(windows, None, apart)) is None
