from __future__ import annotations

import numpy as np
import torch

from seac.associate.model import AssociationConfig, AssociationModule
from seac.associate.trained import Trained
from seac.classify.vocabulary import Vocabulary
from seac.evaluation.cached_model import CachedModel, EncodingCache, PackedImage
from seac.pipeline import SeAC, Settings
from tests.fixtures.parts import squares, synthetic_model, tone

CONFIG = AssociationConfig(d_m=3, d_a=3, d=4, width=8, depth=1, heads=2, pool_heads=1)


def module(seed: int = 0) -> AssociationModule:
    torch.manual_seed(seed)
    return AssociationModule(CONFIG).eval()


def answer(model: SeAC, audio: str = "red") -> list[np.ndarray]:
    result = model(squares(), tone(audio, 1.0), 16_000)
    return [result.heatmap, result.similarity, result.masks, result.scores, result.classes, result.semantic]


def test_cached_features_equal_computed_ones() -> None:
    model = synthetic_model()
    memory = CachedModel(model)
    for _ in range(2):
        for audio in ("red", "green"):
            for ours, theirs in zip(answer(memory, audio), answer(model, audio), strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_every_image_and_waveform_is_encoded_once() -> None:
    model, encoded = synthetic_model(), []
    segmenter, audio_encoder = model.stages.segmenter, model.stages.audio

    class Counting:
        sample_rate, window, hop, dim, labels = 16_000, 4_000, 2_000, 3, audio_encoder.labels
        version = "counting"

        def __call__(self, given: torch.Tensor) -> object:
            encoded.append(given.ndim)
            return segmenter(given) if given.ndim == 3 else audio_encoder(given)

    counting = Counting()
    parts = {**vars(model.stages), "segmenter": counting, "audio": counting}
    memory = CachedModel(SeAC(type(model.stages)(**parts), model.vocabulary, model.settings))
    for seed in range(3):
        answer(memory.with_association(module(seed), 9))
    assert sorted(encoded) == [2, 3]


def test_a_module_is_evaluated_as_a_loaded_one_would_be() -> None:
    memory, network = CachedModel(synthetic_model()), module()
    evaluated = memory.with_association(network, 9)
    association = evaluated.stages.association
    assert isinstance(association, Trained)
    image, encoded_audio = evaluated.encode_image(squares()), evaluated.encode_audio(tone("red", 1.0), 16_000)
    expected = association(image.embeddings, encoded_audio.features)
    np.testing.assert_allclose(answer(evaluated)[1], expected.numpy(), atol=1e-6)


def test_training_can_continue_with_an_evaluated_module() -> None:
    network = module()
    evaluated = CachedModel(synthetic_model()).with_association(network, 9)
    before = answer(evaluated)[1]
    with torch.no_grad():
        network.mask_projection.weight.add_(1.0)
    assert network.mask_projection.weight.requires_grad
    np.testing.assert_array_equal(answer(evaluated)[1], before)


def test_fewer_masks_are_the_best_ones_and_constants_can_be_others() -> None:
    memory = CachedModel(synthetic_model())
    few, all_ = answer(memory.with_association(module(), 2)), answer(memory.with_association(module(), 9))
    assert (len(few[1]), len(all_[1])) == (2, 4)
    np.testing.assert_array_equal(few[2], all_[2][:2])
    assert memory.with_association(module(), 9, Settings(objectness=0.5)).settings.objectness == 0.5


def test_masks_of_a_cached_model_are_packed_without_loss() -> None:
    model = synthetic_model()
    encoded, cached = model.encode_image(squares()), CachedModel(model)
    packed = PackedImage.of(encoded)
    assert packed.bits.nbytes <= encoded.proposals.masks.numel() / 8 + 1
    for masks in (packed.unpack().proposals.masks, cached.encode_image(squares()).proposals.masks):
        assert torch.equal(masks, encoded.proposals.masks)
    assert [type(image) for image in cached.cache._images.values()] == [PackedImage]


def test_a_cache_keeps_only_the_retained_keys() -> None:
    cache, model = EncodingCache(), synthetic_model()
    for clip in range(5):
        cache.retain(["shared"])
        for key in ("shared", f"own {clip}"):
            cache.encode_image(model, squares(), key)
        cache.encode_audio(model, tone("red", 1.0), 16_000, clip)
        assert (len(cache._images), len(cache._audio)) == (2, 1)


def test_models_of_other_classes_or_vocabularies_share_nothing() -> None:
    class Other(SeAC):
        pass

    cache, model = EncodingCache(), synthetic_model()
    others = [
        Other(model.stages, model.vocabulary, model.settings),
        SeAC(model.stages, Vocabulary(("green", "blue")), model.settings),
    ]
    images = [cache.encode_image(each, squares(), "image") for each in (model, *others)]
    assert len({id(image) for image in images}) == 3
    audio = [cache.encode_audio(each, tone("red", 1.0), 16_000, "audio") for each in (model, others[0])]
    assert audio[0] is not audio[1]


def test_a_cached_model_encodes_as_its_model_does() -> None:
    class Louder(SeAC):
        def encode_audio(self, waveform: object, sample_rate: int, middle: float | None = None) -> object:
            return "louder"

    model = synthetic_model()
    louder = CachedModel(Louder(model.stages, model.vocabulary, model.settings))
    assert louder.encode_audio(tone("red", 1.0), 16_000) == "louder"
    assert louder.with_association(module(), 9).encode_audio(tone("red", 1.0), 16_000) == "louder"
