"""The learned sounding head: files, inputs, provenance, limits, and the absolute heatmap."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import seac.decision.sounding_head as module
from seac.associate.aggregate import paint_masks
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, EncodedAudio, MaskEmbeddings
from seac.decision.base import ObjectnessSum
from seac.decision.calibration import Calibration
from seac.decision.network_head import MAX_LOGIT
from seac.decision.sounding_head import (
    CUES,
    LearnedSoundingHead,
    SoundingHeadWeights,
    read,
    write,
)
from seac.decision.sounding_network import mask_geometry
from seac.pipeline import SeAC
from tests.fixtures.parts import squares, synthetic_model, tone
from tests.fixtures.sounding import (
    AUDIO_LABELS,
    PARTS,
    random_audio,
    random_frame,
    random_inputs,
    tiny_class_heads,
    tiny_network,
    tiny_sounding_head,
)

ABSOLUTE = Calibration(slope=1.0, offset=0.0, threshold=0.5, margin=100.0, noise_gate=False)


class Context:
    """Context of a model whose parts have the given versions."""

    name, device = "learned", "cpu"

    def __init__(self, **versions: str) -> None:
        self.versions = versions

    def weights(self, name: str) -> Path:
        raise InputError(name)

    def part(self, kind: str) -> Any:
        if kind == "class_heads":
            return tiny_class_heads("image", "audio")
        return type("Part", (), {"version": self.versions[kind], "labels": AUDIO_LABELS})()


def test_weights_survive_a_round_trip_through_a_file(tmp_path: Path) -> None:
    weights = SoundingHeadWeights(tiny_network(), PARTS)
    sha256 = write(weights, tmp_path / "head.safetensors")
    again = read(tmp_path / "head.safetensors")
    assert (again.sha256, again.provenance) == (sha256, PARTS)
    assert again.network.config == weights.network.config
    assert not again.network.training
    inputs = random_inputs([4, 2], 3)
    output, expected = again.network(inputs).log_odds(), weights.network(inputs).log_odds()
    torch.testing.assert_close(output, expected, atol=3e-2, rtol=0)


def test_a_value_that_is_not_finite_writes_nothing(tmp_path: Path) -> None:
    network = tiny_network()
    network.image_mean[0] = float("inf")
    with pytest.raises(ValueError, match="image_mean"):
        write(SoundingHeadWeights(network, PARTS), tmp_path / "head.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"not weights"])
def test_another_file_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_inputs_are_those_of_the_frame_and_its_audio() -> None:
    head, frame, audio, similarity = tiny_sounding_head(), random_frame(3), random_audio(2), torch.rand(3)
    inputs = head.inputs(similarity, frame, audio)
    probabilities = audio.features.class_probabilities
    assert probabilities is not None
    assert torch.equal(inputs.local[0], frame.embeddings.local)
    assert torch.equal(inputs.context[0], frame.embeddings.context)
    assert torch.equal(inputs.similarity[0], similarity)
    assert torch.equal(inputs.audio[0], audio.features.embeddings.mean(0))
    columns = [AUDIO_LABELS.index(name) for name in CUES]
    assert torch.equal(inputs.cues[0], probabilities[:, columns].mean(0))
    assert not inputs.padding.any()
    assert inputs.image_probabilities.shape == (1, 3, 3)
    torch.testing.assert_close(inputs.image_probabilities.sum(-1), torch.ones(1, 3))
    assert inputs.audio_probabilities.shape == (1, 2)
    area = frame.proposals.masks.float().mean((1, 2))
    geometry = mask_geometry(frame.proposals.boxes, area, frame.proposals.scores, 12, 16)
    torch.testing.assert_close(inputs.geometry[0], geometry)


def test_encoders_without_classes_are_refused() -> None:
    head, frame, audio = tiny_sounding_head(), random_frame(2), random_audio()
    bare = replace(frame, embeddings=MaskEmbeddings(frame.embeddings.local, frame.embeddings.context))
    with pytest.raises(ValueError, match="needs encoders with classes"):
        head(torch.zeros(2), bare, audio)
    quiet = EncodedAudio(AudioFeatures(audio.features.embeddings, None), audio.summary)
    with pytest.raises(ValueError, match="needs encoders with classes"):
        head(torch.zeros(2), frame, quiet)


def test_a_model_with_the_parts_of_its_training_has_the_learned_head(monkeypatch: Any) -> None:
    weights = SoundingHeadWeights(tiny_network(), PARTS)
    monkeypatch.setattr(module, "shipped", lambda: weights)
    head = LearnedSoundingHead.from_context(Context(**PARTS))
    assert isinstance(head, LearnedSoundingHead)
    assert head.absolute
    assert head(torch.zeros(3), random_frame(3), random_audio(), 0.0).shape == (3,)


@pytest.mark.parametrize("kind", list(PARTS))
def test_a_model_with_another_part_adds_objectness_instead(kind: str, monkeypatch: Any) -> None:
    weights = SoundingHeadWeights(tiny_network(), {**PARTS, kind: "of another training"})
    monkeypatch.setattr(module, "shipped", lambda: weights)
    head = LearnedSoundingHead.from_context(Context(**PARTS))
    assert isinstance(head, ObjectnessSum)
    assert not head.absolute


def test_a_frame_without_masks_has_no_logits() -> None:
    assert tiny_sounding_head()(torch.zeros(0), random_frame(0), random_audio()).shape == (0,)


@pytest.mark.parametrize("sign", [-1, 1])
def test_logits_are_limited(sign: int) -> None:
    network = tiny_network()
    network.mask_logit.bias.fill_(100.0 * sign)
    network.null_logit.bias.fill_(-100.0 * sign)
    logits = tiny_sounding_head(network)(torch.rand(3), random_frame(3), random_audio())
    assert logits.tolist() == [sign * MAX_LOGIT] * 3


def test_equal_inputs_give_equal_logits() -> None:
    head, frame, audio = tiny_sounding_head(), random_frame(4), random_audio()
    first, second = (head(torch.full((4,), 0.2), frame, audio) for _ in range(2))
    assert torch.equal(first, second)


@pytest.fixture(scope="module")
def absolute_model() -> SeAC:
    """The synthetic model with a learned head of random weights."""
    model = synthetic_model(objectness=0.5, softmax_temperature=0.1)
    stages = replace(model.stages, sounding_head=tiny_sounding_head(), calibration=ABSOLUTE)
    return SeAC(stages, model.vocabulary, model.settings)


@pytest.mark.parametrize("name", ["red", "blue"])
def test_the_heatmap_shows_the_probability_of_the_masks(absolute_model: SeAC, name: str) -> None:
    result = absolute_model(squares(), tone(name, 1), 16_000)
    heat = paint_masks(torch.from_numpy(result.probability), torch.from_numpy(result.masks))
    np.testing.assert_allclose(result.heatmap, heat.numpy(), atol=1e-6)
    assert result.confidence == pytest.approx(float(result.probability.max()))
    np.testing.assert_array_equal(result.sounding, result.probability >= ABSOLUTE.threshold)
    assert not any("heat is 1" in note for note in result.notes)


def test_silence_has_no_heat(absolute_model: SeAC) -> None:
    result = absolute_model(squares(), tone("silence", 1), 16_000)
    assert not result.heatmap.any()
    assert not result.probability.any()
    assert not result.sounding.any()
    assert result.confidence == -1
    assert result.notes == ("the audio is silent, so nothing sounds",)


def test_the_version_of_the_head_is_recorded(absolute_model: SeAC) -> None:
    assert absolute_model.stages.versions()["sounding_head"].startswith("sounding head sha256:")
    assert synthetic_model().stages.versions()["sounding_head"] == ObjectnessSum.version
