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
from seac.encoders.audio.hpss import blend_components
from seac.encoders.audio.yamnet_student import YamnetStudent
from seac.encoders.class_heads import ClassHead, ClassHeads, ClassHeadsWeights, class_match, read, write
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from tests.fixtures.parts import ColourImageEncoder, PitchAudioEncoder

SHIPPED = Path(str(files("seac").joinpath("assets/class_heads.safetensors")))
NAMES, D = ("red", "blue"), 6
FLOOR = 0.01


@pytest.fixture
def weights() -> ClassHeadsWeights:
    torch.manual_seed(0)
    networks = {
        sense: ClassHead(torch.rand(D) / 10, torch.randn(D, 4), 8, len(NAMES)) for sense in ("image", "audio")
    }
    return ClassHeadsWeights(networks, NAMES, {"image": "eyes", "audio": "ears"})


@given(st.integers(1, 5), st.integers(1, 7), st.integers(0, 2**31))
def test_class_match_is_a_similarity_and_ignores_the_order_of_classes(
    masks: int, kinds: int, seed: int
) -> None:
    draw = torch.Generator().manual_seed(seed)
    seen = torch.rand(masks, kinds, generator=draw)
    seen = seen / seen.sum(1, keepdim=True)
    heard = torch.rand(kinds, generator=draw)
    heard = heard / heard.sum()
    found = class_match(seen, heard, FLOOR)
    assert found.shape == (masks,)
    assert bool((found.abs() <= 1 + 1e-6).all())
    order = torch.randperm(kinds, generator=draw)
    assert torch.allclose(class_match(seen[:, order], heard[order], FLOOR), found, atol=1e-6)
    assert torch.equal(found.argsort(stable=True), (seen @ heard).argsort(stable=True))


def test_class_match_is_one_for_the_same_class_and_lowest_for_another() -> None:
    sure = torch.eye(2)
    assert torch.allclose(class_match(sure, sure[0], FLOOR), torch.tensor([1.0, -1.0]))
    none = torch.zeros(1, 2)  # it looks like none of them
    assert float(class_match(none, sure[0], FLOOR)) == pytest.approx(-1)


def test_class_heads_of_other_encoders_are_ignored(weights: ClassHeadsWeights) -> None:
    vision, audio = ColourImageEncoder(), PitchAudioEncoder()
    vision.version, audio.version = "eyes", "ears"  # type: ignore[attr-defined]
    rows = torch.rand(3, D)
    both = ClassHeads(weights.matching(vision, audio), torch.eye(2))
    assert all(both.probabilities(sense, rows) is not None for sense in ("image", "audio"))
    audio.version = "other ears"  # type: ignore[attr-defined]
    seen = ClassHeads(weights.matching(vision, audio), torch.eye(2))
    assert seen.probabilities("image", rows) is not None
    assert seen.probabilities("audio", rows) is None


def test_a_file_gives_back_what_was_written(weights: ClassHeadsWeights, tmp_path: Path) -> None:
    sha256 = write(weights, tmp_path / "kinds.safetensors")
    again = read(tmp_path / "kinds.safetensors")
    assert (again.sha256, again.names, again.provenance) == (sha256, weights.names, weights.provenance)
    rows = torch.rand(3, D)
    for sense, network in weights.networks.items():
        output = again.networks[sense].probabilities(rows)
        assert torch.allclose(output, network.probabilities(rows), atol=5e-3)
        assert bool((output.sum(1) < 1).all())  # the rest is none of them


def test_a_value_that_is_not_finite_writes_nothing(weights: ClassHeadsWeights, tmp_path: Path) -> None:
    weights.networks["audio"].mean[0] = float("nan")
    with pytest.raises(ValueError, match=r"audio\.mean"):
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


def test_shipped_class_heads_match_the_shipped_encoders() -> None:
    weights = read(SHIPPED)
    assert weights.provenance == {
        "image": EfficientNetLite.version,
        "audio": YamnetStudent.load().embedding_version,
    }
    for sense, dim in (("image", EfficientNetLite.dim), ("audio", YamnetStudent.dim)):
        output = weights.networks[sense].probabilities(torch.rand(3, dim))
        assert output.shape == (3, len(weights.names))
        assert bool((output.sum(1) <= 1 + 1e-5).all())


def test_classes_are_recognised_in_the_full_mix_and_in_its_components(weights: ClassHeadsWeights) -> None:
    kinds, windows, components = ClassHeads(weights, torch.eye(2)), torch.rand(3, D), torch.rand(3, 2, D)
    alone = kinds.audio_probabilities(AudioFeatures(windows, None))
    assert alone is not None
    torch.testing.assert_close(alone, kinds.probabilities("audio", windows))
    heard = kinds.audio_probabilities(AudioFeatures(windows, None, components))
    one_by_one = torch.stack([kinds.probabilities("audio", parts) for parts in components])
    torch.testing.assert_close(heard, blend_components(alone, one_by_one))
    mute = ClassHeads(ClassHeadsWeights({}, NAMES, {}), torch.eye(2))
    assert mute.audio_probabilities(AudioFeatures(windows, None, components)) is None
