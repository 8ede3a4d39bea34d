"""Class heads: file format, matching of encoder versions, and the class match of masks and audio."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.encoders.audio.yamnet_student import YamnetStudent
from seac.encoders.class_heads import ClassHead, ClassHeads, ClassHeadsWeights, class_match, read, write
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from tests.fixtures.parts import ColourImageEncoder, PitchAudioEncoder

SHIPPED = Path(str(files("seac").joinpath("assets/class_heads.safetensors")))
NAMES, D = ("red", "blue"), 6
LOG_FLOOR = 0.01


@pytest.fixture
def weights() -> ClassHeadsWeights:
    torch.manual_seed(0)
    networks = {
        modality: ClassHead(torch.rand(D) / 10, torch.randn(D, 4), 8, len(NAMES))
        for modality in ("image", "audio")
    }
    return ClassHeadsWeights(networks, NAMES, {"image": "image 1", "audio": "audio 1"})


@given(st.integers(1, 5), st.integers(1, 7), st.integers(0, 2**31))
def test_class_match_is_a_similarity_and_ignores_the_order_of_classes(
    masks: int, classes: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(masks, classes, generator=generator)
    image = image / image.sum(1, keepdim=True)
    audio = torch.rand(classes, generator=generator)
    audio = audio / audio.sum()
    similarity = class_match(image, audio, LOG_FLOOR)
    assert similarity.shape == (masks,)
    assert bool((similarity.abs() <= 1 + 1e-6).all())
    order = torch.randperm(classes, generator=generator)
    assert torch.allclose(class_match(image[:, order], audio[order], LOG_FLOOR), similarity, atol=1e-6)
    assert torch.equal(similarity.argsort(stable=True), (image @ audio).argsort(stable=True))


def test_class_match_is_one_for_the_same_class_and_lowest_for_another() -> None:
    certain = torch.eye(2)
    assert torch.allclose(class_match(certain, certain[0], LOG_FLOOR), torch.tensor([1.0, -1.0]))
    none = torch.zeros(1, 2)  # the class "none"
    assert float(class_match(none, certain[0], LOG_FLOOR)) == pytest.approx(-1)


def test_class_heads_of_other_encoders_are_ignored(weights: ClassHeadsWeights) -> None:
    vision, audio = ColourImageEncoder(), PitchAudioEncoder()
    vision.version, audio.version = "image 1", "audio 1"  # type: ignore[attr-defined]
    rows = torch.rand(3, D)
    both = ClassHeads(weights.matching(vision, audio), torch.eye(2))
    assert all(both.probabilities(modality, rows) is not None for modality in ("image", "audio"))
    audio.version = "audio 2"  # type: ignore[attr-defined]
    image_only = ClassHeads(weights.matching(vision, audio), torch.eye(2))
    assert image_only.probabilities("image", rows) is not None
    assert image_only.probabilities("audio", rows) is None


def test_weights_survive_a_round_trip_through_a_file(weights: ClassHeadsWeights, tmp_path: Path) -> None:
    sha256 = write(weights, tmp_path / "heads.safetensors")
    again = read(tmp_path / "heads.safetensors")
    assert (again.sha256, again.names, again.provenance) == (sha256, weights.names, weights.provenance)
    rows = torch.rand(3, D)
    for modality, network in weights.networks.items():
        output = again.networks[modality].probabilities(rows)
        assert torch.allclose(output, network.probabilities(rows), atol=5e-3)
        assert bool((output.sum(1) < 1).all())  # the rest is the class "none"


def test_a_value_that_is_not_finite_writes_nothing(weights: ClassHeadsWeights, tmp_path: Path) -> None:
    weights.networks["audio"].mean[0] = float("nan")
    with pytest.raises(ValueError, match=r"audio\.mean"):
        write(weights, tmp_path / "heads.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_another_file_is_refused_in_one_line(content: bytes | None, tmp_path: Path) -> None:
    path = (
        tmp_path / "heads.safetensors"
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
        "audio": YamnetStudent.load().version,
    }
    for modality, dim in (("image", EfficientNetLite.dim), ("audio", YamnetStudent.dim)):
        output = weights.networks[modality].probabilities(torch.rand(3, dim))
        assert output.shape == (3, len(weights.names))
        assert bool((output.sum(1) <= 1 + 1e-5).all())


def test_probabilities_of_the_same_embeddings_are_computed_once(weights: ClassHeadsWeights) -> None:
    heads, windows = ClassHeads(weights, torch.eye(2)), torch.rand(3, D)
    first = heads.probabilities("audio", windows)
    assert heads.probabilities("audio", windows) is first
    other = heads.probabilities("audio", windows.clone())
    assert other is not None
    assert other is not first
    torch.testing.assert_close(other, first)
    assert ClassHeads(ClassHeadsWeights({}, NAMES, {}), torch.eye(2)).probabilities("audio", windows) is None
