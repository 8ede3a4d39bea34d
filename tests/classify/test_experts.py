"""Classification of sounding masks: encoder classes and class heads as experts, and the audio score."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.classify.base import MATCH_WIDTH, ClassScorers, ZeroShotClassifier, class_scores
from seac.classify.experts import ExpertsClassifier, ExpertsSettings
from seac.classify.semantic import classify_masks
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.class_heads import ClassHead
from seac.encoders.labels.conse import ConSEMapping, IdentityMapping
from seac.encoders.labels.descriptions import Group, audioset_names, groups_of, is_visible
from seac.pipeline import SeAC
from tests.fixtures.parts import COLOURS, squares, synthetic_model, tone
from tests.fixtures.sounding import NAMES, tiny_class_heads

CLASSES = torch.eye(3)
"""Red, green and blue; the class heads know red and blue."""
D = 3


def mapping() -> ConSEMapping:
    """The mapping of a tagger of three colours, whose text embeddings are the three axes."""
    return ConSEMapping(CLASSES, torch.ones(3))


def classifier(*senses: str, settings: ExpertsSettings | None = None) -> ExpertsClassifier:
    return ExpertsClassifier(tiny_class_heads(*senses), mapping(), mapping(), settings)


def masks(class_probabilities: torch.Tensor) -> MaskEmbeddings:
    local, context = torch.rand(2, len(class_probabilities), D, generator=torch.Generator().manual_seed(2))
    return MaskEmbeddings(local, context, class_probabilities, class_probabilities)


def audio_features(class_probabilities: torch.Tensor) -> AudioFeatures:
    return AudioFeatures(
        torch.rand(len(class_probabilities), D, generator=torch.Generator().manual_seed(3)),
        class_probabilities,
    )


def all_scores(
    classifier_under_test: ExpertsClassifier,
    encoded: MaskEmbeddings,
    audio_input: AudioFeatures,
    classes: torch.Tensor = CLASSES,
) -> torch.Tensor:
    """Appearance scores of each mask, and audio scores in the last row: (N + 1, K)."""
    scorers = classifier_under_test.scorers_for(classes)
    return torch.cat([scorers.score_masks(encoded), scorers.score_audio(audio_input)[None]])


def force_class(network: ClassHead, column: int) -> None:
    """Set the biases so that the head always predicts one class."""
    with torch.no_grad():
        network.classify.bias[:] = -60
        network.classify.bias[column] = 60


def test_zero_shot_classification_uses_the_cosine_and_no_audio() -> None:
    embeddings = torch.nn.functional.normalize(torch.rand(4, 3), dim=1)
    scorers = ZeroShotClassifier(lambda encoded: embeddings).scorers_for(CLASSES)
    mask_scores, audio_scores = (
        scorers.score_masks(masks(torch.rand(4, 3))),
        scorers.score_audio(audio_features(torch.rand(2, 3))),
    )
    assert torch.equal(mask_scores, embeddings @ CLASSES.T)
    assert not audio_scores.any()
    assert torch.equal(class_scores(mask_scores, audio_scores), mask_scores)


def test_audio_decides_between_classes_of_equal_appearance() -> None:
    scorers = classifier().scorers_for(CLASSES)

    def predicted_class(class_probabilities: torch.Tensor, sounding: int) -> int:
        scores = class_scores(
            scorers.score_masks(masks(class_probabilities)),
            scorers.score_audio(audio_features(CLASSES[[sounding]])),
        )
        return int(scores.argmax())

    unsure = torch.tensor([[0.5, 0.5, 0.0]])
    assert [predicted_class(unsure, sounding) for sounding in range(2)] == [0, 1]


def test_no_expert_can_exclude_a_class() -> None:
    scores = all_scores(classifier("image", "audio"), masks(CLASSES[:1]), audio_features(CLASSES[1:2]))
    limit = math.log1p(1.0 / ExpertsSettings().floor)
    assert bool((scores >= 0).all())
    assert bool((scores <= limit + 1e-5).all())


@pytest.mark.parametrize("sense", ["image", "audio"])
def test_a_class_head_scores_its_classes_and_the_encoder_scores_others(sense: str) -> None:
    trained_heads = classifier(sense)
    force_class(trained_heads.class_heads.weights.networks[sense], 0)
    flat, silent = torch.full((1, 3), 1 / 3), torch.full((1, 3), 1 / 3)
    row = ("image", "audio").index(sense)
    red, green, blue = all_scores(trained_heads, masks(flat), audio_features(silent))[row].tolist()
    assert red > green > blue  # green is no class of the class heads
    without = all_scores(classifier(), masks(flat), audio_features(silent))[row]
    assert float(without[1]) == pytest.approx(green, abs=1e-6)
    weight = 1.0 if sense == "image" else ExpertsSettings().audio_weight
    assert red == pytest.approx(weight * math.log1p(1 / ExpertsSettings().floor), abs=1e-3)


def test_a_mask_of_no_known_class_prefers_another_class() -> None:
    trained_heads = classifier("image")
    force_class(trained_heads.class_heads.weights.networks["image"], len(NAMES))
    encoded = trained_heads.scorers_for(CLASSES).score_masks(masks(torch.full((1, 3), 1 / 3)))[0]
    assert int(encoded.argmax()) == 1


def test_without_class_heads_the_classes_of_the_encoder_score_every_class() -> None:
    encoded = classifier().scorers_for(CLASSES).score_masks(masks(CLASSES))
    assert encoded.argmax(1).tolist() == [0, 1, 2]


def test_a_class_is_scored_independently() -> None:
    """The score of a class does not depend on the other classes of the vocabulary."""
    trained_heads = classifier("image", "audio")
    encoded, audio_input = masks(torch.rand(4, 3)), audio_features(torch.rand(2, 3))
    every, some = (
        all_scores(trained_heads, encoded, audio_input, CLASSES[rows]) for rows in ([0, 1, 2], [2, 0])
    )
    assert torch.allclose(every[:, [2, 0]], some, atol=1e-6)


def test_silence_has_no_influence() -> None:
    scorers = classifier("image", "audio").scorers_for(CLASSES)
    none = AudioFeatures(torch.zeros(0, D), torch.zeros(0, 3))
    assert not scorers.score_audio(none).any()


def test_neither_order_nor_repeats_of_windows_matter() -> None:
    scorers, audio_input = classifier("audio").scorers_for(CLASSES), audio_features(torch.rand(3, 3))
    assert audio_input.class_probabilities is not None
    for rows in ([2, 0, 1], [0, 1, 2, 0, 1, 2]):
        again = AudioFeatures(audio_input.embeddings[rows], audio_input.class_probabilities[rows])
        assert torch.allclose(scorers.score_audio(again), scorers.score_audio(audio_input), atol=1e-6)


def test_encoders_without_classes_classify_by_text_space_embeddings() -> None:
    """Images are embedded in text space; without audio classes only the class heads give audio scores."""
    trained_heads = ExpertsClassifier(
        tiny_class_heads(), IdentityMapping(), ConSEMapping(torch.zeros(0, 3), torch.zeros(0))
    )
    scorers = trained_heads.scorers_for(CLASSES)
    encoded = scorers.score_masks(MaskEmbeddings(CLASSES, CLASSES))
    assert encoded.argmax(1).tolist() == [0, 1, 2]
    assert not scorers.score_audio(AudioFeatures(torch.rand(2, D), None)).any()


def test_an_audio_class_belongs_to_the_best_visual_match() -> None:
    guitar, unsure = [3.0, 0.0, 0.5], [0.5, 1.0, 1.2]
    audio_scores = torch.tensor([2.0, 0.0, 1.0])
    together = class_scores(torch.tensor([guitar, unsure]), audio_scores)
    alone = class_scores(torch.tensor([unsure]), audio_scores)
    assert alone.argmax(1).tolist() == [0]  # no other mask matches the audible guitar
    assert together.argmax(1).tolist() == [0, 2]
    assert together[1, 0] == pytest.approx(0.5 + 2 * math.exp(-2.5 / MATCH_WIDTH))


@given(st.permutations(range(4)), st.integers(0, 2**31))
def test_classes_do_not_depend_on_the_order_of_masks_or_on_unmatched_masks(
    order: list[int], seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask_scores, audio_scores = torch.rand(4, 3, generator=generator), torch.rand(3, generator=generator)
    scores = class_scores(mask_scores, audio_scores)
    assert torch.equal(class_scores(mask_scores[order], audio_scores), scores[order])
    unmatched = torch.full((1, 3), -1.0)
    assert torch.equal(class_scores(torch.cat([mask_scores, unmatched]), audio_scores)[:4], scores)


def test_a_model_classifies_with_audio_where_its_classifier_uses_audio() -> None:
    """A classifier that uses audio only gives all sounding masks the class of the tone."""
    model = synthetic_model()

    class AudioOnly:
        def scorers_for(self, classes: torch.Tensor) -> ClassScorers:
            return ClassScorers(
                lambda encoded: torch.zeros(len(encoded), 3),
                lambda audio: audio.embeddings.mean(0) @ classes.T,
            )

    model = SeAC(replace(model.stages, classifier=AudioOnly()), model.vocabulary, model.settings)
    for number, name in enumerate(COLOURS):
        result = model(squares(), tone(name, 1.0), 16_000)
        assert set(result.classes[result.sounding].tolist()) == {number + 1}
    encoded, quiet = model.encode_image(squares()), model.encode_audio(tone("silence", 1.0), 16_000)
    names = model.classify(encoded, quiet, torch.zeros(len(encoded.proposals), dtype=torch.bool))
    by_cosine = classify_masks(encoded.text_embeddings, model.classifier.classes).labels
    assert torch.equal(names, by_cosine)


def test_an_audible_group_raises_its_members_only() -> None:
    """Of three audio classes the first is a group with the second as its only member."""
    audio_labels = replace(mapping(), groups=(Group(0, 1, 1),))

    def scores_with(share: float, sounding: int) -> list[float]:
        trained_heads = ExpertsClassifier(
            tiny_class_heads(), mapping(), audio_labels, ExpertsSettings(group=share)
        )
        output: list[float] = (
            trained_heads.scorers_for(CLASSES).score_audio(audio_features(CLASSES[[sounding]])).tolist()
        )
        return output

    own, member, other = scores_with(0.2, 0)
    assert own > member > other
    assert [own, other] == pytest.approx(scores_with(0, 0)[::2])
    assert scores_with(0.2, 1) == pytest.approx(scores_with(0, 1))  # a member does not raise its group
    assert scores_with(0, 0)[1] == pytest.approx(other)
    assert scores_with(1, 0)[1] == pytest.approx(own)


def test_the_table_of_groups_contains_visible_groups_and_members() -> None:
    names = audioset_names()
    encoded, groups = is_visible(names), groups_of(names)
    assert {names[group.number] for group in groups} > {"Animal", "Music", "Vehicle"}
    for group in groups:
        assert group.number < group.first <= group.last < len(names)
        assert encoded[group.number]
        assert all(encoded[group.first : group.last + 1])
    assert groups_of(("dog", "cat")) == ()
