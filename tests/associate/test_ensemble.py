"""The association of tiny: trained cosine, zero-shot cosine and class match."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from seac.associate.ensemble import (
    AssociationEnsemble,
    AssociationEnsembleSettings,
)
from seac.associate.input_projection import ProjectionConfig, prior_corrected
from seac.associate.model import AssociationConfig, AssociationModule
from seac.associate.trained import TrainedAssociationWeights, read, write
from seac.associate.zero_shot import ZeroShot, ZeroShotSettings
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.audio.yamnet_student import YamnetStudent
from seac.encoders.class_heads import ClassHead, ClassHeads, ClassHeadsWeights
from seac.encoders.labels.conse import ConSEMapping
from seac.presets.load import Assembly, load
from seac.presets.spec import ModelSpec

SHIPPED = Path(str(files("seac").joinpath("assets/association.safetensors")))
D_M, D_A, CLASSES, AUDIO_CLASSES, TEXT = 20, 16, 7, 5, 12


PROJECTION = ProjectionConfig(
    image=6, audio=4, text=4, text_dim=TEXT, image_classes=CLASSES, audio_classes=AUDIO_CLASSES
)


@pytest.fixture
def weights() -> TrainedAssociationWeights:
    draw = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    config = AssociationConfig(
        d_m=D_M, d_a=D_A, d=8, width=8, depth=1, heads=2, lam=0.6, projection=PROJECTION
    )
    module = AssociationModule(config)
    assert module.input_projection is not None
    for buffer in module.input_projection.buffers():
        buffer.copy_(torch.rand(buffer.shape, generator=draw))
    return TrainedAssociationWeights(module, {"vision": "v"})


def zero_shot() -> ZeroShot:
    draw = torch.Generator().manual_seed(1)
    image_labels, audio_mapping = (
        ConSEMapping(
            torch.nn.functional.normalize(torch.randn(n, TEXT, generator=draw), dim=1), torch.ones(n)
        )
        for n in (CLASSES, AUDIO_CLASSES)
    )
    return ZeroShot(image_labels, audio_mapping, ZeroShotSettings())


def class_heads(*senses: str) -> ClassHeads:
    draw = torch.Generator().manual_seed(4)
    networks = {
        sense: ClassHead(torch.rand(d) / 10, torch.randn(d, 4), 8, 3).eval()
        for sense, d in (("image", D_M), ("audio", D_A))
        if sense in senses
    }
    vectors = torch.nn.functional.normalize(torch.randn(3, TEXT, generator=draw), dim=1)
    return ClassHeads(
        ClassHeadsWeights(networks, ("a", "b", "c"), {"image": "v", "audio": "a"}, "5" * 64), vectors
    )


@pytest.fixture
def mask_embeddings() -> MaskEmbeddings:
    draw = torch.Generator().manual_seed(2)
    local, context = torch.rand(2, 4, D_M, generator=draw)
    local_probabilities, context_probabilities = torch.rand(2, 4, CLASSES, generator=draw)
    return MaskEmbeddings(local, context, local_probabilities, context_probabilities)


@pytest.fixture
def audio_features() -> AudioFeatures:
    draw = torch.Generator().manual_seed(3)
    return AudioFeatures(torch.rand(3, D_A, generator=draw), torch.rand(3, AUDIO_CLASSES, generator=draw))


def test_similarity_lies_between_the_learned_and_the_zero_shot_similarity(
    weights: TrainedAssociationWeights, mask_embeddings: MaskEmbeddings, audio_features: AudioFeatures
) -> None:
    learned, output = (
        part.mean(dim=-1)
        for part in AssociationEnsemble(weights, zero_shot(), class_heads()).similarities(
            mask_embeddings, audio_features
        )
    )
    for share in (0.0, 0.25, 1.0):
        combined = AssociationEnsemble(
            weights,
            zero_shot(),
            class_heads(),
            settings=AssociationEnsembleSettings(zero_shot_weight=share),
        )
        assert torch.allclose(
            combined(mask_embeddings, audio_features), (1 - share) * learned + share * output, atol=1e-6
        )


def test_class_heads_take_their_share_from_the_learned_similarity(
    weights: TrainedAssociationWeights, mask_embeddings: MaskEmbeddings, audio_features: AudioFeatures
) -> None:
    known = AssociationEnsemble(weights, zero_shot(), class_heads("image", "audio"))
    class_match = known.class_match(mask_embeddings, audio_features)
    assert class_match is not None
    assert bool((class_match.abs() <= 1).all())
    learned, output = (part.mean(dim=-1) for part in known.similarities(mask_embeddings, audio_features))
    shares = known.settings
    rest = 1 - shares.zero_shot_weight - shares.class_match_weight
    expected = rest * learned + shares.zero_shot_weight * output + shares.class_match_weight * class_match
    assert torch.allclose(known(mask_embeddings, audio_features), expected, atol=1e-6)


@pytest.mark.parametrize("senses", [(), ("image",), ("audio",)])
def test_class_heads_of_one_modality_associate_nothing(
    weights: TrainedAssociationWeights,
    mask_embeddings: MaskEmbeddings,
    audio_features: AudioFeatures,
    senses: tuple[str, ...],
) -> None:
    assert (
        AssociationEnsemble(weights, zero_shot(), class_heads(*senses)).class_match(
            mask_embeddings, audio_features
        )
        is None
    )


def test_an_audio_class_maps_to_the_nearest_class_of_the_heads(
    weights: TrainedAssociationWeights,
) -> None:
    """With a tagger share of 1, audio of a class matches the nearest class of the heads."""
    settings = AssociationEnsembleSettings(zero_shot_weight=0.0, class_match_weight=1.0, tagger_share=1.0)
    among, class_probabilities = zero_shot(), (4, 0, 2)
    known = replace(
        class_heads("image", "audio"), vectors=among.audio_mapping.vectors[list(class_probabilities)]
    )
    local = torch.randn(40, D_M, generator=torch.Generator().manual_seed(5))
    masks = MaskEmbeddings(local, local, torch.rand(40, CLASSES), torch.rand(40, CLASSES))
    output = known.probabilities("image", local)
    assert output is not None
    for head_class, audio_class in enumerate(class_probabilities):
        audio = AudioFeatures(torch.rand(2, D_A), torch.eye(AUDIO_CLASSES)[[audio_class, audio_class]])
        found = AssociationEnsemble(weights, among, known, settings=settings)(masks, audio)
        assert output[int(found.argmax()), head_class] > output[:, head_class].mean()


def test_the_record_names_both_weights(weights: TrainedAssociationWeights) -> None:
    version = AssociationEnsemble(replace(weights, sha256="3" * 64), zero_shot(), class_heads()).version
    assert "3" * 12 in version
    assert "5" * 12 in version


def test_windows_are_scored_independently(
    weights: TrainedAssociationWeights, mask_embeddings: MaskEmbeddings, audio_features: AudioFeatures
) -> None:
    combined = AssociationEnsemble(weights, zero_shot(), class_heads())
    together = combined.similarities(mask_embeddings, audio_features)
    for number in range(len(audio_features.embeddings)):
        alone = only(audio_features, [number])
        for part, joint in zip(combined.similarities(mask_embeddings, alone), together, strict=True):
            assert torch.allclose(part[:, 0], joint[:, number], atol=1e-6)


def test_neither_order_nor_repeats_of_windows_matter(
    weights: TrainedAssociationWeights, mask_embeddings: MaskEmbeddings, audio_features: AudioFeatures
) -> None:
    combined = AssociationEnsemble(weights, zero_shot(), class_heads())
    for rows in ([2, 0, 1], [0, 1, 2, 0, 1, 2]):
        assert torch.allclose(
            combined(mask_embeddings, only(audio_features, rows)),
            combined(mask_embeddings, audio_features),
            atol=1e-5,
        )


def test_without_windows_no_class_matches(
    weights: TrainedAssociationWeights, mask_embeddings: MaskEmbeddings, audio_features: AudioFeatures
) -> None:
    assert torch.equal(
        AssociationEnsemble(weights, zero_shot(), class_heads())(mask_embeddings, only(audio_features, [])),
        torch.zeros(4),
    )


def only(audio_features: AudioFeatures, rows: list[int]) -> AudioFeatures:
    assert audio_features.class_probabilities is not None
    return AudioFeatures(audio_features.embeddings[rows], audio_features.class_probabilities[rows])


def test_order_of_masks_does_not_matter(
    weights: TrainedAssociationWeights, mask_embeddings: MaskEmbeddings, audio_features: AudioFeatures
) -> None:
    order = [2, 0, 3, 1]
    assert mask_embeddings.local_probabilities is not None
    assert mask_embeddings.context_probabilities is not None
    moved = MaskEmbeddings(
        mask_embeddings.local[order],
        mask_embeddings.context[order],
        mask_embeddings.local_probabilities[order],
        mask_embeddings.context_probabilities[order],
    )
    combined = AssociationEnsemble(weights, zero_shot(), class_heads())
    assert torch.allclose(
        combined(moved, audio_features), combined(mask_embeddings, audio_features)[order], atol=1e-6
    )


def test_a_class_with_a_high_prior_has_a_low_weight() -> None:
    class_probabilities, usual = torch.tensor([[0.5, 0.5]]), torch.tensor([0.5, 0.01])
    rare = prior_corrected(class_probabilities, usual, 0.7)[0]
    assert rare[1] > 10 * rare[0]
    assert torch.equal(prior_corrected(class_probabilities, usual, 0.0), class_probabilities)


def test_written_weights_are_read(
    weights: TrainedAssociationWeights,
    mask_embeddings: MaskEmbeddings,
    audio_features: AudioFeatures,
    tmp_path: Path,
) -> None:
    digests = {
        write(weights.module, tmp_path / f"{name}.safetensors", weights.provenance, half=True)
        for name in "abc"
    }
    again = read(tmp_path / "a.safetensors")
    assert digests == {again.sha256}  # equal weights are equal files
    assert again.module.config == weights.module.config
    assert again.provenance == weights.provenance
    before, after = (
        AssociationEnsemble(held, zero_shot(), class_heads())(mask_embeddings, audio_features)
        for held in (weights, again)
    )
    assert torch.allclose(before, after, atol=5e-3)


def test_with_module_replaces_the_module(
    weights: TrainedAssociationWeights, mask_embeddings: MaskEmbeddings, audio_features: AudioFeatures
) -> None:
    first = AssociationEnsemble(weights, zero_shot(), class_heads("image", "audio"))
    torch.manual_seed(1)
    module = AssociationModule(weights.module.config)
    assert torch.equal(
        first.with_module(weights.module)(mask_embeddings, audio_features),
        first(mask_embeddings, audio_features),
    )
    assert not torch.equal(
        first.with_module(module)(mask_embeddings, audio_features), first(mask_embeddings, audio_features)
    )


def test_a_module_without_text_space_is_refused() -> None:
    module = AssociationModule(AssociationConfig(d_m=D_M, d_a=D_A, d=8, width=8, depth=0))
    with pytest.raises(InputError, match="no text space"):
        AssociationEnsemble(TrainedAssociationWeights(module), zero_shot(), class_heads())


def test_no_masks_give_no_similarity(
    weights: TrainedAssociationWeights, mask_embeddings: MaskEmbeddings, audio_features: AudioFeatures
) -> None:
    none = MaskEmbeddings(mask_embeddings.local[:0], mask_embeddings.context[:0])
    assert AssociationEnsemble(weights, zero_shot(), class_heads())(none, audio_features).shape == (0,)


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x08\0\0\0\0\0\0\0{}      "])
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(InputError) as refused:
        read(tmp_path / "a.safetensors")
    assert "\n" not in str(refused.value)


def test_the_shipped_file_is_small_and_made_for_the_shipped_audio_encoder() -> None:
    assert SHIPPED.stat().st_size < 4_000_000
    shipped = read(SHIPPED)
    assert shipped.provenance["audio"] == YamnetStudent.load().version
    assert all(bool(torch.isfinite(value).all()) for value in shipped.module.state_dict().values())


def test_the_shipped_module_has_the_cosines_of_the_former_format() -> None:
    """Module 0 of the former file of four modules and PCA projections, computed at commit 49704fa."""
    draw = torch.Generator().manual_seed(11)
    local, context = (torch.rand(6, 1280, generator=draw) ** 4 for _ in range(2))
    probabilities = [(torch.rand(6, 1000, generator=draw) * 12).softmax(1) for _ in range(2)]
    audio = AudioFeatures(torch.rand(5, 1024, generator=draw) ** 4, torch.rand(5, 521, generator=draw) ** 8)
    masks = MaskEmbeddings(local, context, *probabilities)
    fused = Assembly(ModelSpec()).part("association_method")
    trained = [0.15491831, 0.02515124, 0.12238173, 0.16551591, 0.01868937]
    assert fused.similarities(masks, audio)[0][0].tolist() == pytest.approx(trained, abs=1e-5)


def test_the_shipped_file_given_as_trained_weights_is_the_shipped_model(tmp_path: Path) -> None:
    copied = tmp_path / "association.safetensors"
    copied.write_bytes(SHIPPED.read_bytes())
    models = [load("tiny"), *(load("tiny", association_weights=path) for path in (SHIPPED, copied, tmp_path))]
    associations = [model.stages.association for model in models]
    assert all(isinstance(each, AssociationEnsemble) for each in associations)
    assert len({model.stages.calibration for model in models}) == 1
    assert len({model.stages.versions()["association"] for model in models}) == 1


def test_non_finite_weights_are_not_written(weights: TrainedAssociationWeights, tmp_path: Path) -> None:
    assert weights.module.input_projection is not None
    weights.module.input_projection.audio_basis[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"input_projection\.audio_basis: not finite"):
        write(weights.module, tmp_path / "a.safetensors", half=True)
    assert list(tmp_path.iterdir()) == []
