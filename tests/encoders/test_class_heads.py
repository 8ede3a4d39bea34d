"""Class heads: probabilities, evidence of the encoder's classes, file format, and encoder versions."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.classify.experts import ASSET
from seac.classify.prompts import sentences
from seac.classify.vocabulary import default_vocabulary
from seac.core.errors import InputError
from seac.encoders.class_heads import ABSENT, AUDIO_FLOOR, ClassHeads, ClassHeadsWeights, read, write
from seac.encoders.text.minilm import MiniLM
from tests.fixtures.parts import ColourImageEncoder, PitchAudioEncoder
from tests.fixtures.sounding import NAMES, tiny_class_head, tiny_class_heads

OTHER = Path(str(files("seac").joinpath("assets/proposal_net.safetensors")))
EMBEDDINGS = torch.randn(4, 3, generator=torch.Generator().manual_seed(5))
CLASSES = torch.rand(4, 3, generator=torch.Generator().manual_seed(6)).softmax(1)


@pytest.fixture
def weights() -> ClassHeadsWeights:
    return tiny_class_heads("image", "audio").weights


@given(st.integers(1, 5), st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_image_classes_exclude_one_another_and_audio_classes_do_not(count: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(count, 3, generator=generator)
    classes = torch.rand(count, 3, generator=generator).softmax(1)
    image = tiny_class_head(exclusive=True).probabilities(embeddings, classes)
    assert image.shape == (count, len(NAMES) + 1)  # the last column is "none"
    torch.testing.assert_close(image.sum(1), torch.ones(count))
    assert bool((image >= 0).all())
    audio = tiny_class_head(exclusive=False).probabilities(embeddings, classes)
    assert audio.shape == (count, len(NAMES))
    assert bool(((audio >= 0) & (audio <= 1)).all())


def test_the_length_of_an_embedding_does_not_matter() -> None:
    for exclusive in (True, False):
        head = tiny_class_head(exclusive=exclusive)
        torch.testing.assert_close(
            head.probabilities(7 * EMBEDDINGS, CLASSES), head.probabilities(EMBEDDINGS, CLASSES)
        )


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_class_without_samples_follows_the_classes_of_the_encoder(exclusive: bool) -> None:
    head = tiny_class_head(exclusive=exclusive)
    with torch.no_grad():
        head.classify.weight[0] = 0  # as training leaves a class without samples
        head.classify.bias[0] = 0.25
    logits = head(head.project(EMBEDDINGS), head.encoder_evidence(CLASSES))
    evidence = head.encoder_evidence(CLASSES)[:, 0]
    torch.testing.assert_close(logits[:, 0], 0.25 + head.encoder_weight * evidence)
    certain = torch.eye(3)[[0, 2]]  # the first encoder class belongs to the first class
    red, blue = head.probabilities(EMBEDDINGS[:1].expand(2, 3), certain)[:, 0]
    assert red > blue


def test_exclusive_evidence_sums_classes_and_independent_evidence_takes_their_maximum() -> None:
    members = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    classes = torch.tensor([[0.2, 0.5, 0.3]])
    image = tiny_class_head(exclusive=True, membership=members).encoder_evidence(classes)
    torch.testing.assert_close(image.exp(), torch.tensor([[0.701, 0.001]]))
    audio = tiny_class_head(exclusive=False, membership=members).encoder_evidence(classes)
    torch.testing.assert_close(audio, torch.tensor([[0.0, ABSENT]]), atol=1e-6, rtol=0)


def test_evidence_of_certain_classes_is_finite() -> None:
    extreme = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    for exclusive in (True, False):
        head = tiny_class_head(exclusive=exclusive)
        assert bool(head.encoder_evidence(extreme).isfinite().all())
    audio = tiny_class_head(exclusive=False).encoder_evidence(extreme)
    limit = float(torch.logit(torch.tensor(AUDIO_FLOOR)))
    assert float(audio.min()) == pytest.approx(limit, abs=1e-3)


def test_class_heads_of_other_encoders_are_dropped(weights: ClassHeadsWeights) -> None:
    vision, audio = ColourImageEncoder(), PitchAudioEncoder()
    vision.version, audio.version = "vision 1", "audio 1"  # type: ignore[attr-defined]
    assert set(weights.matching(vision, audio).networks) == {"image", "audio"}
    audio.version = "audio 2"
    remaining = weights.matching(vision, audio)
    assert set(remaining.networks) == {"image"}
    assert remaining.names == weights.names
    assert remaining.version == weights.version
    heads = ClassHeads(remaining, torch.eye(2))
    assert heads.has("image")
    assert not heads.has("audio")


def test_weights_survive_a_round_trip_through_a_file(weights: ClassHeadsWeights, tmp_path: Path) -> None:
    sha256 = write(weights, tmp_path / "heads.safetensors")
    again = read(tmp_path / "heads.safetensors")
    assert (again.sha256, again.names, again.provenance) == (sha256, weights.names, weights.provenance)
    assert sha256[:12] in again.version
    for modality, network in weights.networks.items():
        copy = again.networks[modality]
        assert copy.exclusive == network.exclusive
        assert not copy.training
        output, expected = (head.probabilities(EMBEDDINGS, CLASSES) for head in (copy, network))
        torch.testing.assert_close(output, expected, atol=1e-2, rtol=0)


def test_equal_weights_give_equal_files(weights: ClassHeadsWeights, tmp_path: Path) -> None:
    first = write(weights, tmp_path / "a.safetensors")
    assert first == write(weights, tmp_path / "b.safetensors")


def test_a_value_that_is_not_finite_writes_nothing(weights: ClassHeadsWeights, tmp_path: Path) -> None:
    weights.networks["audio"].mean[0] = float("nan")
    with pytest.raises(ValueError, match=r"audio\.mean"):
        write(weights, tmp_path / "heads.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_another_file_is_refused_in_one_line(content: bytes | None, tmp_path: Path) -> None:
    path = OTHER
    if content is not None:
        path = tmp_path / "heads.safetensors"
        path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_probabilities_of_the_same_embeddings_are_computed_once() -> None:
    heads = tiny_class_heads("audio")
    first = heads.probabilities("audio", EMBEDDINGS, CLASSES)
    assert heads.probabilities("audio", EMBEDDINGS, CLASSES) is first
    other = heads.probabilities("audio", EMBEDDINGS.clone(), CLASSES)
    assert other is not first
    torch.testing.assert_close(other, first)
    with pytest.raises(KeyError):
        heads.probabilities("image", EMBEDDINGS, CLASSES)


def test_the_model_loads_without_its_text_network() -> None:
    """Names of the class heads and of the default vocabulary are in the shipped table of texts."""
    text = MiniLM()
    with as_file(files("seac").joinpath(ASSET)) as path:
        names = (*read(path).names, *default_vocabulary().names)
    missing = [name for name in names if text.table.find(sentences(name)) is None]
    assert not missing, "python -m recipes.common.text_table"
