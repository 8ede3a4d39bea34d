"""CLIP, PE-Core, SigLIP 2 and CLAP against the reference use of their libraries, on random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from seac.associate.embed import embed_masks
from seac.classify.prompts import class_embeddings
from seac.core.errors import InputError
from seac.encoders.audio.clap import Clap, ClapFrontEnd
from seac.encoders.cached_text import CachedTextEncoder
from seac.encoders.text.clip import ClipText
from seac.encoders.text.siglip import SiglipText
from seac.encoders.vision.clip import ClipVision
from seac.encoders.vision.siglip import SiglipVision
from seac.segment.ops import boxes_of
from tests.fixtures import checkpoints

SENTENCES = ["a photo of a dog.", "a photo of a Piano", "rain"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("open_clip")
    folder = tmp_path_factory.mktemp("weights")
    for name, build in {
        "resnet": lambda path: checkpoints._clip(path, "resnet"),
        "vit": lambda path: checkpoints._clip(path, "vit"),
        "pe-core": lambda path: checkpoints._clip(path, "pe-core"),
        "siglip": checkpoints._siglip,
        "clap": checkpoints._clap,
    }.items():
        (folder / name).mkdir()
        build(folder / name)
    return folder


def frame() -> tuple[Tensor, Tensor]:
    """A smooth image and three masks of different shapes."""
    generator = torch.Generator().manual_seed(1)
    small = torch.rand(1, 3, 7, 11, generator=generator) * 255
    image = functional.interpolate(small, (97, 141), mode="bicubic")[0].clamp(0, 255).byte()
    masks = torch.zeros(3, 97, 141, dtype=torch.bool)
    masks[0, 10:50, 20:90] = True
    masks[1] = (torch.arange(97)[:, None] - 60) ** 2 + (torch.arange(141)[None] - 70) ** 2 < 900
    masks[2, :, 100:] = True
    return image, masks


def reference_local_view(image: Tensor, mask: Tensor, size: int, preprocess: Any) -> Tensor:
    """Eq. 1 with PIL: black outside the mask, cropped, padded to a square, resized."""
    box = [int(edge) for edge in boxes_of(mask[None])[0]]
    pixels = np.where(mask.numpy()[..., None], image.permute(1, 2, 0).numpy(), 0)
    crop = Image.fromarray(pixels).crop(box)
    side = max(crop.size)
    square = Image.new("RGB", (side, side))
    square.paste(crop, ((side - crop.width) // 2, (side - crop.height) // 2))
    return preprocess(square.resize((size, size), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("tower", ["resnet", "vit", "pe-core"])
def test_the_fast_path_is_close_to_the_exact_one(weights: Path, tower: str) -> None:
    encoder = ClipVision.load(weights / tower)
    image, masks = frame()
    dense_features = encoder.features(torch.zeros(1, 3, encoder.size, encoder.size))
    assert dense_features.shape[:2] == (1, encoder.dim)
    exact = embed_masks(image, masks, boxes_of(masks), encoder)
    fast = embed_masks(image, masks, boxes_of(masks), encoder, exact=False)
    assert fast.local.shape == exact.local.shape
    assert float(torch.cosine_similarity(fast.local, exact.local, dim=1).min()) > 0.5


@pytest.mark.parametrize("tower", ["resnet", "vit", "pe-core"])
def test_features_equal_those_of_crops_one_by_one(weights: Path, tower: str) -> None:
    import open_clip

    encoder = ClipVision.load(weights / tower)
    network, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{weights / tower}")
    network.eval()
    image, masks = frame()
    embeddings = embed_masks(image, masks, boxes_of(masks), encoder)
    assert embeddings.local.shape == (3, encoder.dim)
    for mask, local in zip(masks, embeddings.local, strict=True):
        view = reference_local_view(image, mask, encoder.size, preprocess)
        with torch.inference_mode():
            expected = network.encode_image(view[None])[0]
        assert float(torch.cosine_similarity(local, expected, dim=0)) > 0.9999
        assert float((local - expected).norm() / expected.norm()) < 0.02


@pytest.mark.parametrize("tower", ["resnet", "vit", "pe-core"])
def test_same_pixels_give_the_same_clip_features(weights: Path, tower: str) -> None:
    import open_clip

    network = open_clip.create_model(f"local-dir:{weights / tower}").eval()
    encoder = ClipVision.load(weights / tower)
    pixels = torch.randn(5, 3, encoder.size, encoder.size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = torch.cat([network.encode_image(one[None]) for one in pixels])
    assert torch.allclose(encoder(pixels).embeddings, expected, atol=1e-5)
    assert encoder(pixels[:0]).embeddings.shape == (0, encoder.dim)


@pytest.mark.parametrize(("tower", "tokenizer"), [("resnet", "RN50"), ("pe-core", "PE-Core-S-16-384")])
def test_clip_text_equals_open_clips_own(weights: Path, tower: str, tokenizer: str) -> None:
    import open_clip

    network = open_clip.create_model(f"local-dir:{weights / tower}").eval()
    tokens = open_clip.get_tokenizer(tokenizer)(SENTENCES)
    with torch.inference_mode():
        expected = functional.normalize(network.encode_text(tokens), dim=1)
    text = ClipText.load(weights / tower)
    assert torch.allclose(text(SENTENCES), expected, atol=1e-5)
    assert text([]).shape == (0, text.dim)
    assert text.space == ClipVision.load(weights / tower).space
    assert text.space != ClipVision.load(weights / "vit").space


def test_siglip_equals_transformers_own(weights: Path) -> None:
    from transformers import AutoTokenizer, SiglipModel

    network = SiglipModel.from_pretrained(weights / "siglip").eval()
    tokenizer = AutoTokenizer.from_pretrained(weights / "siglip")
    vision, text = SiglipVision.load(weights / "siglip"), SiglipText.load(weights / "siglip")
    pixels = torch.randn(3, 3, vision.size, vision.size, generator=torch.Generator().manual_seed(0))
    tokens = tokenizer(
        [s.lower() for s in SENTENCES], padding="max_length", max_length=64, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = network(pixel_values=pixels, input_ids=tokens["input_ids"])
    embeddings = functional.normalize(vision(pixels).embeddings, dim=1)
    assert torch.allclose(embeddings, expected.image_embeds, atol=1e-5)
    assert torch.allclose(text(SENTENCES), expected.text_embeds, atol=1e-5)
    assert vision.space == text.space


def test_clap_spectrograms_equal_the_feature_extractors(weights: Path) -> None:
    from transformers import ClapFeatureExtractor

    extractor = ClapFeatureExtractor.from_pretrained(weights / "clap")
    waves = torch.rand(2, 480_000, generator=torch.Generator().manual_seed(0)) - 0.5
    waves[1, 200_000:] *= 1e-4
    expected = extractor(list(waves.numpy()), sampling_rate=48_000, return_tensors="pt")["input_features"]
    spectrograms = ClapFrontEnd(torch.from_numpy(extractor.mel_filters_slaney).double())(waves)
    assert spectrograms.shape == expected.shape
    assert float((spectrograms - expected).abs().max()) < 1e-3


def test_clap_equals_transformers_own(weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from transformers import ClapFeatureExtractor, ClapModel

    monkeypatch.setenv("SEAC_CACHE", str(tmp_path))
    network = ClapModel.from_pretrained(weights / "clap").eval()
    waves = torch.rand(2, 480_000, generator=torch.Generator().manual_seed(0)) - 0.5
    inputs = ClapFeatureExtractor.from_pretrained(weights / "clap")(
        list(waves.numpy()), sampling_rate=48_000, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = network.get_audio_features(**inputs).pooler_output
    features = Clap.load(weights / "clap")(waves)
    assert torch.allclose(features.embeddings, functional.normalize(expected, dim=1), atol=1e-4)
    assert features.class_probabilities is not None
    assert features.class_probabilities.shape == (2, 521)
    assert torch.allclose(features.class_probabilities.sum(1), torch.ones(2), atol=1e-4)


class CountingTextEncoder:
    """A text encoder that counts the sentences that it encodes."""

    dim, version, count = 4, "counting 1", 0

    def __call__(self, sentences: Any) -> Tensor:
        self.count += len(sentences)
        return functional.normalize(
            torch.tensor([[len(s), 1.0, s.count("a"), 2.0] for s in sentences]), dim=1
        )


def test_a_vocabulary_is_encoded_only_once(tmp_path: Path) -> None:
    first = CountingTextEncoder()
    vectors = class_embeddings(["dog", "piano"], CachedTextEncoder(first, tmp_path))
    assert first.count > 2
    again = CountingTextEncoder()
    assert torch.equal(class_embeddings(["dog", "piano"], CachedTextEncoder(again, tmp_path)), vectors)
    assert again.count == 0
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2))


def test_other_prompts_and_other_weights_are_other_cache_keys(tmp_path: Path) -> None:
    CachedTextEncoder(CountingTextEncoder(), tmp_path).means([["a", "b"]])
    for groups in ([["b", "a"]], [["a"], ["b"]], [["ab"]]):
        fresh = CountingTextEncoder()
        CachedTextEncoder(fresh, tmp_path).means(groups)
        assert fresh.count
    newer = CountingTextEncoder()
    newer.version = "counting 2"
    CachedTextEncoder(newer, tmp_path).means([["a", "b"]])
    assert newer.count == 2


def test_a_damaged_or_forbidden_cache_costs_time_only(tmp_path: Path) -> None:
    expected = CachedTextEncoder(CountingTextEncoder(), tmp_path).means([["a"]])
    for path in tmp_path.iterdir():
        path.write_bytes(b"not safetensors")
    assert torch.equal(CachedTextEncoder(CountingTextEncoder(), tmp_path).means([["a"]]), expected)
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert torch.equal(CachedTextEncoder(CountingTextEncoder(), blocked / "below").means([["a"]]), expected)


def test_another_folder_is_refused_in_one_line(weights: Path) -> None:
    for load, folder in (
        (ClipVision.load, "siglip"),
        (ClipText.load, "clap"),
        (SiglipVision.load, "clap"),
        (Clap.load, "siglip"),
    ):
        with pytest.raises(InputError) as message:
            load(weights / folder)
        assert "\n" not in str(message.value)
