"""The sounding head of a user's training: its file, its model, and presets that do not use it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seac.associate.model import AssociationConfig, AssociationModule
from seac.associate.trained import FILE as ASSOCIATION
from seac.associate.trained import write as write_association
from seac.core.errors import InputError
from seac.decision import calibration_file
from seac.decision.base import ObjectnessSum
from seac.decision.calibration import Calibration
from seac.decision.network_head import MAX_LOGIT, frame_geometry
from seac.decision.sounding_network import SoundingConfig, SoundingNetwork
from seac.decision.trained_head import (
    FILE,
    IDENTITY,
    SimilarityScale,
    TrainedHeadWeights,
    TrainedSoundingHead,
    read,
    write,
)
from seac.presets.load import Assembly
from seac.presets.spec import spec_of
from tests.fixtures.sounding import random_audio, random_frame

FITTED = replace(IDENTITY, slope=1.5, offset=-0.5, threshold=0.3)


def network(seed: int = 0) -> SoundingNetwork:
    """A network without class evidence, with random weights."""
    torch.manual_seed(seed)
    made = SoundingNetwork(SoundingConfig(3, 3, 0, 0, 3, 3, shared=4, width=8, depth=1, heads=2))
    made.image_basis.normal_()
    made.audio_basis.normal_()
    return made.eval().requires_grad_(requires_grad=False)


def run(folder: Path, digest: str | None = None) -> Path:
    """The folder of a training with a head of the association with this digest, by default its own."""
    module = AssociationModule(AssociationConfig(3, 3, d=4, width=4, depth=0, heads=1, pool_heads=1))
    sha256 = write_association(module, folder / ASSOCIATION)
    write(TrainedHeadWeights(network(), digest or sha256, SimilarityScale(), FITTED), folder / FILE)
    return folder


def test_logits_survive_the_file(tmp_path: Path) -> None:
    weights = TrainedHeadWeights(network(), "0" * 64, SimilarityScale(0.1, 0.4), FITTED, {"vision": "v"})
    sha256 = write(weights, tmp_path / FILE)
    again = read(tmp_path / FILE)
    assert again.sha256 == sha256
    assert (again.scale, again.calibration, again.provenance) == (weights.scale, FITTED, {"vision": "v"})
    given = torch.rand(4), random_frame(4), random_audio()
    assert torch.equal(TrainedSoundingHead(again)(*given), TrainedSoundingHead(weights)(*given))


@pytest.mark.parametrize("content", [b"", b"not weights"])
def test_another_file_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError) as refused:
        read(tmp_path / FILE)
    assert "\n" not in str(refused.value)


def test_an_association_is_no_head(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(InputError, match="holds other weights"):
        read(tmp_path / ASSOCIATION)


def test_inputs_are_those_of_the_frame_and_its_audio() -> None:
    scale = SimilarityScale(0.2, 0.5)
    head = TrainedSoundingHead(TrainedHeadWeights(network(), "", scale))
    frame, audio, similarity = random_frame(3), random_audio(2), torch.rand(3)
    inputs = head.inputs(similarity, frame, audio)
    assert torch.equal(inputs.local[0], frame.embeddings.local)
    assert torch.equal(inputs.audio[0], audio.features.embeddings.mean(0))
    assert torch.equal(inputs.geometry[0], frame_geometry(frame.proposals))
    total = similarity + 0.5 * frame.proposals.scores
    torch.testing.assert_close(3 * inputs.similarity[0], (total - 0.2) / 0.5)
    assert inputs.image_probabilities.shape == (1, 3, 0)


def test_encoders_without_classes_suffice_and_frames_without_masks() -> None:
    head, frame, audio = (
        TrainedSoundingHead(TrainedHeadWeights(network(), "")),
        random_frame(2),
        random_audio(),
    )
    embeddings = replace(frame.embeddings, local_probabilities=None, context_probabilities=None)
    bare = replace(audio, features=replace(audio.features, class_probabilities=None))
    logits = head(torch.zeros(2), replace(frame, embeddings=embeddings), bare)
    assert torch.equal(logits, head(torch.zeros(2), frame, audio))
    assert bool((logits.abs() <= MAX_LOGIT).all())
    assert head(torch.zeros(0), random_frame(0), audio).shape == (0,)


def test_a_model_uses_the_head_beside_its_association_with_its_calibration(tmp_path: Path) -> None:
    assembly = Assembly(spec_of("tiny", association_weights=run(tmp_path)))
    assert isinstance(assembly.part("sounding_head"), TrainedSoundingHead)
    assert assembly.calibration() == FITTED
    spec = spec_of("tiny", association_weights=tmp_path, threshold=0.7)
    assert Assembly(spec).calibration() == replace(FITTED, threshold=0.7)


def test_a_calibration_file_takes_precedence(tmp_path: Path) -> None:
    own = Calibration(slope=2.0, offset=0.1, threshold=0.4, margin=50.0)
    calibration_file.write(own, run(tmp_path) / calibration_file.NAME, {})
    assembly = Assembly(spec_of("tiny", association_weights=tmp_path))
    assert assembly.calibration() == replace(own, noise_gate=False)


@pytest.mark.parametrize("preset", ["paper", "paper-fast"])
def test_the_paper_keeps_eq_4_unless_the_head_is_named(tmp_path: Path, preset: str) -> None:
    spec = spec_of(preset, association_weights=run(tmp_path))
    assert isinstance(Assembly(spec).part("sounding_head"), ObjectnessSum)
    named = Assembly(spec.with_options(sounding_head="trained"))
    assert isinstance(named.part("sounding_head"), TrainedSoundingHead)


def test_another_head_can_be_named(tmp_path: Path) -> None:
    spec = spec_of("tiny", association_weights=run(tmp_path), sounding_head="objectness")
    assert isinstance(Assembly(spec).part("sounding_head"), ObjectnessSum)


def test_a_head_of_another_association_is_refused(tmp_path: Path) -> None:
    assembly = Assembly(spec_of("tiny", association_weights=run(tmp_path, "1" * 64)))
    with pytest.raises(InputError, match=r"trained with association sha256:111.*train again"):
        assembly.part("sounding_head")


def test_a_head_that_is_named_and_missing_is_refused(tmp_path: Path) -> None:
    (run(tmp_path) / FILE).unlink()
    spec = spec_of("tiny", association_weights=tmp_path, sounding_head="trained")
    with pytest.raises(InputError, match="no sounding head beside it"):
        Assembly(spec).part("sounding_head")
    with pytest.raises(InputError, match="give --association-weights"):
        Assembly(spec_of("tiny", sounding_head="trained")).part("sounding_head")


def test_windows_at_once_equal_each_by_itself() -> None:
    head = TrainedSoundingHead(TrainedHeadWeights(network(), "0" * 64, SimilarityScale(0.1, 0.4)))
    frame, audios = random_frame(4), [random_audio() for _ in range(3)]
    similarity = torch.rand(3, 4)
    embeddings = torch.cat([audio.features.embeddings.mean(0, keepdim=True) for audio in audios])
    together = head.window_logits(similarity, frame, replace(audios[0].features, embeddings=embeddings))
    alone = torch.stack([head(row, frame, audio) for row, audio in zip(similarity, audios, strict=True)])
    torch.testing.assert_close(head.join(together, frame), alone)
