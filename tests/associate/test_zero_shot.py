"""The ConSE mapping and the zero-shot association."""

from __future__ import annotations

import pytest
import torch

from seac.associate.zero_shot import ZeroShot, pool_probabilities
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.labels.conse import ConSEMapping
from seac.encoders.labels.descriptions import audioset_names, imagenet_names
from seac.encoders.text.minilm import MiniLM, TextTable


@pytest.fixture(scope="module")
def association() -> ZeroShot:
    return ZeroShot.load(imagenet_names(), audioset_names())


def one_hot(names, name):
    class_probabilities = torch.zeros(1, len(names))
    class_probabilities[0, names.index(name)] = 1
    return class_probabilities


def mask_embeddings(*texts):
    class_probabilities = torch.cat([one_hot(imagenet_names(), name) for name in texts])
    return MaskEmbeddings(class_probabilities, class_probabilities, class_probabilities, class_probabilities)


@pytest.mark.parametrize(
    ("audio_class", "image_class"),
    [("Bark", "beagle"), ("Meow", "tabby"), ("Violin, fiddle", "violin"), ("Oink", "hog")],
)
def test_audio_is_nearest_to_its_source(association, audio_class, image_class):
    image_classes = ["beagle", "tabby", "violin", "hog"]
    try:
        masks = mask_embeddings(*image_classes)
        audio_features = AudioFeatures(torch.zeros(1, 1), one_hot(audioset_names(), audio_class))
    except ValueError as missing:
        pytest.fail(f"label table has changed: {missing}")
    assert image_classes[int(association(masks, audio_features).argmax())] == image_class


def test_no_audio_gives_zero_similarity(association):
    audio_features = AudioFeatures(torch.zeros(2, 1), torch.zeros(2, 521))
    assert (association(mask_embeddings("beagle", "violin"), audio_features) == 0).all()


def test_no_windows_give_zero_probabilities():
    assert pool_probabilities(torch.zeros(0, 521), "mean").tolist() == torch.zeros(1, 521).tolist()


def test_text_space_embeddings_have_unit_length(association):
    class_probabilities = torch.rand(5, 1000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        association.image_mapping.to_text_space(class_probabilities).norm(dim=1), torch.ones(5)
    )


def test_conse_is_the_weighted_mean_of_the_likeliest_names():
    vectors = torch.eye(4)
    mapping = ConSEMapping(vectors, torch.ones(4), top=2)
    embedded = mapping.to_text_space(torch.tensor([[0.5, 0.3, 0.2, 0.0]]))
    torch.testing.assert_close(embedded, torch.nn.functional.normalize(torch.tensor([[0.5, 0.3, 0, 0]])))


def test_an_audio_encoder_without_classes_is_refused(association):
    with pytest.raises(ValueError, match="audio encoder with classes"):
        association(mask_embeddings("beagle"), AudioFeatures(torch.zeros(1, 8), None))


@pytest.mark.slow
def test_the_text_table_equals_the_transformer():
    table, transformer = MiniLM(), MiniLM(TextTable(torch.zeros(0, dtype=torch.int64), torch.zeros(0, 384)))
    texts = ["dog", "a photo of a violin.", "something that is in no table"]
    torch.testing.assert_close(table(texts), transformer(texts), atol=2e-3, rtol=0)
