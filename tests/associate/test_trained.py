from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from seac.associate.model import AssociationConfig, AssociationModule
from seac.associate.trained import FILE, Trained, TrainedAssociationWeights, read, write
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.audio.mobilenet_student import MobileNetStudent
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from seac.presets.load import load
from tests.fixtures.parts import ColourImageEncoder, PitchAudioEncoder

CONFIG = AssociationConfig(d_m=3, d_a=4, d=8, width=8, depth=1, heads=2, lam=0.25)


class ConstantAssociation:
    """A zero-shot association with constant outputs."""

    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        return torch.linspace(-1, 1, len(masks))

    def of_windows(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        return torch.linspace(-1, 1, len(masks)).expand(len(audio.embeddings), len(masks))

    def to_text_space(self, masks: MaskEmbeddings) -> Tensor:
        return torch.eye(len(masks))


def module(**changes: object) -> AssociationModule:
    torch.manual_seed(0)
    return AssociationModule(replace(CONFIG, **changes))  # type: ignore[arg-type]


def mask_embeddings(count: int = 5) -> MaskEmbeddings:
    generator = torch.Generator().manual_seed(1)
    return MaskEmbeddings(
        torch.randn(count, 3, generator=generator), torch.randn(count, 3, generator=generator)
    )


def audio_features() -> AudioFeatures:
    return AudioFeatures(torch.randn(6, 4, generator=torch.Generator().manual_seed(2)), None)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_each_window_has_the_similarity_that_it_has_by_itself(share: float) -> None:
    weights = TrainedAssociationWeights(module(zero_shot_weight=share))
    association, masks, audio = (
        Trained(weights, zero_shot=ConstantAssociation()),
        mask_embeddings(),
        audio_features(),
    )
    alone = [association(masks, AudioFeatures(row[None], None)) for row in audio.embeddings]
    torch.testing.assert_close(association.of_windows(masks, audio), torch.stack(alone))
    assert association.of_windows(masks, AudioFeatures(torch.zeros(0, 4), None)).shape == (0, 5)


def test_similarity_is_the_cosine_of_the_mixed_views_in_the_trained_space() -> None:
    network = module().eval()
    masks, audio_input = mask_embeddings(), audio_features()
    mixed = 0.25 * masks.local + 0.75 * masks.context
    projected = network.embed_masks(mixed[None], torch.zeros(1, 5, dtype=torch.bool))[0]
    audio = network.embed_audio(audio_input.embeddings[None], torch.zeros(1, 6, dtype=torch.bool))
    expected = torch.cosine_similarity(projected, audio, dim=1)
    torch.testing.assert_close(
        Trained(TrainedAssociationWeights(network))(masks, audio_input), expected.detach()
    )


def test_written_weights_are_read(tmp_path: Path) -> None:
    network = module(variant="grid", zero_shot_weight=0.3, zero_shot_scale=2.0)
    digest = write(network, tmp_path / FILE, {"vision": "synthetic image encoder"})
    weights = read(tmp_path)
    assert (weights.module.config, weights.sha256) == (network.config, digest)
    assert weights.provenance == {"vision": "synthetic image encoder"}
    for name, value in network.state_dict().items():
        assert torch.equal(weights.module.state_dict()[name], value)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_the_zero_shot_similarity_takes_its_share() -> None:
    masks, audio_input = mask_embeddings(), audio_features()
    alone = Trained(TrainedAssociationWeights(module()))(masks, audio_input)
    both = Trained(
        TrainedAssociationWeights(module(zero_shot_weight=0.25, zero_shot_scale=0.5)),
        zero_shot=ConstantAssociation(),
    )(masks, audio_input)
    torch.testing.assert_close(both, 0.75 * alone + 0.25 * 0.5 * torch.linspace(-1, 1, 5))
    assert torch.equal(
        Trained(TrainedAssociationWeights(module()), zero_shot=ConstantAssociation())(masks, audio_input),
        alone,
    )


def test_a_zero_shot_share_without_text_is_refused() -> None:
    with pytest.raises(InputError, match="adds the zero-shot similarity, and there is none"):
        Trained(TrainedAssociationWeights(module(zero_shot_weight=0.5)))


def test_text_space_embeddings_are_those_of_the_class_names() -> None:
    assert torch.equal(
        Trained(TrainedAssociationWeights(module()), zero_shot=ConstantAssociation()).to_text_space(
            mask_embeddings(2)
        ),
        torch.eye(2),
    )
    with pytest.raises(InputError, match="without a zero-shot"):
        Trained(TrainedAssociationWeights(module())).to_text_space(mask_embeddings())


def test_no_masks_give_no_similarity() -> None:
    assert Trained(TrainedAssociationWeights(module(zero_shot_weight=0.5)), zero_shot=ConstantAssociation())(
        mask_embeddings(0), audio_features()
    ).shape == (0,)


def test_its_version_names_its_weights(tmp_path: Path) -> None:
    digest = write(module(), tmp_path / FILE)
    assert digest[:12] in Trained.load(tmp_path).version


def test_features_of_another_size_or_network_are_refused() -> None:
    vision, audio = ColourImageEncoder(), PitchAudioEncoder()
    with pytest.raises(InputError, match="audio features of size 4, this audio encoder gives 3"):
        Trained(TrainedAssociationWeights(module())).checked(vision, audio)
    fits = module(d_a=4, pool_heads=1)
    audio.dim = 4
    assert Trained(TrainedAssociationWeights(fits, {"audio": "synthetic audio encoder"})).checked(
        vision, audio
    )
    with pytest.raises(
        InputError, match="trained on features of another audio encoder, this is synthetic audio encoder"
    ):
        Trained(TrainedAssociationWeights(fits, {"audio": "another audio encoder"})).checked(vision, audio)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "holds no association.safetensors: finish it with"),
        (
            lambda path: path.write_bytes(b"\x10\0\0\0\0\0\0\0not json at all!"),
            "cannot be read as safetensors",
        ),
        (lambda path: path.write_bytes(b""), "cannot be read as safetensors"),
    ],
)
def test_invalid_files_are_refused_in_one_line(tmp_path: Path, make: object, message: str) -> None:
    make(tmp_path / "run")  # type: ignore[operator]
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_other_weights_and_other_versions_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / FILE
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="holds other weights"):
        read(path)
    notes = {"format": "seac association 1", "config": {"d_m": 3, "d_a": 4, "gone": 1}}
    save_file({"x": torch.zeros(1)}, path, {"seac": json.dumps(notes)})
    with pytest.raises(InputError, match="of another version of seac"):
        read(path)


def test_a_run_is_loaded_into_a_preset_and_refused_where_it_does_not_fit(tmp_path: Path) -> None:
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.mkdir()
    right.mkdir()
    write(module(), wrong / FILE)
    with pytest.raises(InputError, match="vision features of size 3, this vision encoder gives 1280"):
        load("tiny", association_weights=wrong, segmenter="classic")
    write(
        AssociationModule(
            AssociationConfig(
                EfficientNetLite.dim,
                MobileNetStudent.dim,
                d=8,
                width=8,
                depth=1,
                heads=1,
                zero_shot_weight=0.5,
            )
        ),
        right / FILE,
    )
    model = load("tiny", association_weights=right, segmenter="classic")
    version = model.stages.versions()["association"]
    assert version.startswith("trained association sha256:")
    assert isinstance(model.stages.association, Trained)
    assert model.stages.association.zero_shot is not None


@pytest.mark.parametrize("variant", ["grid", "masks"])
def test_grid_and_mask_associations_do_not_accept_each_others_association(
    tmp_path: Path, variant: str
) -> None:
    write(module(variant=variant, d_m=EfficientNetLite.dim, d_a=MobileNetStudent.dim), tmp_path / FILE)
    own, other = ("grid", "tiny") if variant == "grid" else ("tiny", "grid")
    load("tiny", association_weights=tmp_path, segmenter=own, top_n=81)
    with pytest.raises(InputError, match="trained on"):
        load("tiny", association_weights=tmp_path, segmenter=other, top_n=81)
