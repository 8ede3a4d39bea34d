"""The association that ships: learnt and through words, in one file."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.associate.ensemble import (
    Combined,
    CombinedSettings,
    CombinedWeights,
    Reductions,
    read,
    soft_maximum,
    weighed,
    write,
)
from seac.associate.model import AssociationConfig, AssociationModule
from seac.associate.zero_shot import ZeroShot, ZeroShotSettings
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.audio.yamnet_student import Hearing
from seac.encoders.class_heads import KindNetwork, Kinds, KindsWeights
from seac.encoders.labels.conse import Bridge

SHIPPED = Path(str(files("seac").joinpath("assets/association.safetensors")))
D_M, D_A, CLASSES, TAGS, TEXT = 20, 16, 7, 5, 12


@pytest.fixture
def weights() -> CombinedWeights:
    draw = torch.Generator().manual_seed(0)
    made = Reductions(
        torch.rand(D_M, generator=draw), torch.rand(D_M, 6, generator=draw),
        torch.rand(D_A, generator=draw), torch.rand(D_A, 4, generator=draw),
        torch.rand(TEXT, 4, generator=draw),
        torch.rand(CLASSES, generator=draw), torch.rand(TAGS, generator=draw),
    )  # fmt: skip
    torch.manual_seed(0)
    config = AssociationConfig(d_m=10, d_a=8, d=8, width=8, depth=1, heads=2)
    modules = (AssociationModule(config), AssociationModule(config))
    return CombinedWeights(modules, made, CombinedSettings(), {"vision": "v"})


def words() -> ZeroShot:
    draw = torch.Generator().manual_seed(1)
    sight, hearing = (
        Bridge(torch.nn.functional.normalize(torch.randn(n, TEXT, generator=draw), dim=1), torch.ones(n))
        for n in (CLASSES, TAGS)
    )
    return ZeroShot(sight, hearing, ZeroShotSettings())


def kinds(*senses: str) -> Kinds:
    draw = torch.Generator().manual_seed(4)
    networks = {
        sense: KindNetwork(torch.rand(d) / 10, torch.randn(d, 4), 8, 3).eval()
        for sense, d in (("sight", D_M), ("sound", D_A))
        if sense in senses
    }
    vectors = torch.nn.functional.normalize(torch.randn(3, TEXT, generator=draw), dim=1)
    return Kinds(KindsWeights(networks, ("a", "b", "c"), {"sight": "v", "sound": "a"}, "5" * 64), vectors)


@pytest.fixture
def seen() -> MaskEmbeddings:
    draw = torch.Generator().manual_seed(2)
    local, context = torch.rand(2, 4, D_M, generator=draw)
    local_tags, context_tags = torch.rand(2, 4, CLASSES, generator=draw)
    return MaskEmbeddings(local, context, local_tags, context_tags)


@pytest.fixture
def heard() -> AudioFeatures:
    draw = torch.Generator().manual_seed(3)
    return AudioFeatures(torch.rand(3, D_A, generator=draw), torch.rand(3, TAGS, generator=draw))


def test_the_answer_lies_between_what_was_learnt_and_words(
    weights: CombinedWeights, seen: MaskEmbeddings, heard: AudioFeatures
) -> None:
    softness = weights.settings.softness
    learnt, said = (
        soft_maximum(part, softness) for part in Combined(weights, words(), kinds()).parts(seen, heard)
    )
    for share in (0.0, 0.25, 1.0):
        combined = Combined(replace(weights, settings=CombinedSettings(words=share)), words(), kinds())
        assert torch.allclose(combined(seen, heard), (1 - share) * learnt + share * said, atol=1e-6)


def test_kinds_take_their_share_from_what_was_learnt(
    weights: CombinedWeights, seen: MaskEmbeddings, heard: AudioFeatures
) -> None:
    known = Combined(weights, words(), kinds("sight", "sound"))
    alike = known.alike(seen, heard)
    assert alike is not None
    assert bool((alike.abs() <= 1).all())
    learnt, said = (soft_maximum(part, weights.settings.softness) for part in known.parts(seen, heard))
    shares = weights.settings
    rest = 1 - shares.words - shares.kinds
    expected = rest * learnt + shares.words * said + shares.kinds * alike
    assert torch.allclose(known(seen, heard), expected, atol=1e-6)


@pytest.mark.parametrize("senses", [(), ("sight",), ("sound",)])
def test_kinds_of_one_sense_associate_nothing(
    weights: CombinedWeights, seen: MaskEmbeddings, heard: AudioFeatures, senses: tuple[str, ...]
) -> None:
    assert Combined(weights, words(), kinds(*senses)).alike(seen, heard) is None


def test_a_tagger_tells_the_kind_that_its_class_is_closest_to(weights: CombinedWeights) -> None:
    """With all of hearing left to the tagger, a sound of the class that means a kind is of that kind."""
    settings = CombinedSettings(words=0.0, kinds=1.0, tagged=1.0)
    among, tags = words(), (4, 0, 2)
    known = replace(kinds("sight", "sound"), vectors=among.hearing.vectors[list(tags)])
    local = torch.randn(40, D_M, generator=torch.Generator().manual_seed(5))
    masks = MaskEmbeddings(local, local, torch.rand(40, CLASSES), torch.rand(40, CLASSES))
    said = known.of("sight", local)
    assert said is not None
    for kind, tag in enumerate(tags):
        sound = AudioFeatures(torch.rand(2, D_A), torch.eye(TAGS)[[tag, tag]])
        found = Combined(replace(weights, settings=settings), among, known)(masks, sound)
        assert said[int(found.argmax()), kind] > said[:, kind].mean()


def test_the_record_names_both_weights(weights: CombinedWeights) -> None:
    version = Combined(replace(weights, sha256="3" * 64), words(), kinds()).version
    assert "3" * 12 in version
    assert "5" * 12 in version


def test_what_was_learnt_is_the_mean_over_modules(
    weights: CombinedWeights, seen: MaskEmbeddings, heard: AudioFeatures
) -> None:
    together, _ = Combined(weights, words(), kinds()).parts(seen, heard)
    apart = [
        Combined(replace(weights, modules=(module,)), words(), kinds()).parts(seen, heard)[0]
        for module in weights.modules
    ]
    assert not torch.allclose(*apart, atol=1e-3)
    assert torch.allclose(together, torch.stack(apart).mean(0), atol=1e-6)


def test_a_window_is_heard_as_if_it_were_all(
    weights: CombinedWeights, seen: MaskEmbeddings, heard: AudioFeatures
) -> None:
    combined = Combined(weights, words(), kinds())
    together = combined.parts(seen, heard)
    for number in range(len(heard.embeddings)):
        alone = only(heard, [number])
        for part, whole in zip(combined.parts(seen, alone), together, strict=True):
            assert torch.allclose(part[:, 0], whole[:, number], atol=1e-6)


def test_neither_order_nor_repeats_of_windows_matter(
    weights: CombinedWeights, seen: MaskEmbeddings, heard: AudioFeatures
) -> None:
    combined = Combined(weights, words(), kinds())
    for rows in ([2, 0, 1], [0, 1, 2, 0, 1, 2]):
        assert torch.allclose(combined(seen, only(heard, rows)), combined(seen, heard), atol=1e-5)


def test_without_windows_nothing_is_alike(
    weights: CombinedWeights, seen: MaskEmbeddings, heard: AudioFeatures
) -> None:
    assert torch.equal(Combined(weights, words(), kinds())(seen, only(heard, [])), torch.zeros(4))


def only(heard: AudioFeatures, rows: list[int]) -> AudioFeatures:
    assert heard.tags is not None
    return AudioFeatures(heard.embeddings[rows], heard.tags[rows])


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=9), st.floats(0.01, 10), st.floats(-0.5, 0.5)
)
def test_a_soft_maximum_lies_between_mean_and_maximum(
    values: list[float], softness: float, more: float
) -> None:
    cosine = torch.tensor(values, dtype=torch.float64)
    found = float(soft_maximum(cosine, softness))
    assert cosine.mean() - 1e-6 <= found <= cosine.max() + 1e-6
    assert float(soft_maximum(cosine + more, softness)) == pytest.approx(found + more, abs=1e-6)
    assert float(soft_maximum(cosine, softness * 2)) <= found + 1e-6
    assert float(soft_maximum(cosine[:1].repeat(5), softness)) == pytest.approx(values[0], abs=1e-6)


def test_order_of_masks_does_not_matter(
    weights: CombinedWeights, seen: MaskEmbeddings, heard: AudioFeatures
) -> None:
    order = [2, 0, 3, 1]
    assert seen.local_tags is not None
    assert seen.context_tags is not None
    moved = MaskEmbeddings(
        seen.local[order], seen.context[order], seen.local_tags[order], seen.context_tags[order]
    )
    combined = Combined(weights, words(), kinds())
    assert torch.allclose(combined(moved, heard), combined(seen, heard)[order], atol=1e-6)


def test_a_tag_that_is_always_said_counts_less() -> None:
    tags, usual = torch.tensor([[0.5, 0.5]]), torch.tensor([0.5, 0.01])
    rare = weighed(tags, usual, 0.7)[0]
    assert rare[1] > 10 * rare[0]
    assert torch.equal(weighed(tags, usual, 0.0), tags)


def test_what_is_written_is_read(
    weights: CombinedWeights, seen: MaskEmbeddings, heard: AudioFeatures, tmp_path: Path
) -> None:
    digests = {write(weights, tmp_path / f"{name}.safetensors") for name in "abc"}
    again = read(tmp_path / "a.safetensors")
    assert digests == {again.sha256}  # equal weights are equal files
    assert again.settings == weights.settings
    assert again.made_by == weights.made_by
    before, after = (Combined(held, words(), kinds())(seen, heard) for held in (weights, again))
    assert torch.allclose(before, after, atol=5e-3)


def test_no_masks_no_similarity(weights: CombinedWeights, seen: MaskEmbeddings, heard: AudioFeatures) -> None:
    none = MaskEmbeddings(seen.local[:0], seen.context[:0])
    assert Combined(weights, words(), kinds())(none, heard).shape == (0,)


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x08\0\0\0\0\0\0\0{}      "])
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(InputError) as refused:
        read(tmp_path / "a.safetensors")
    assert "\n" not in str(refused.value)


def test_the_shipped_file_is_small_and_made_for_the_shipped_ears() -> None:
    assert SHIPPED.stat().st_size < 4_000_000
    shipped = read(SHIPPED)
    assert shipped.made_by["audio"] == Hearing.load().embeds
    states = [module.state_dict() for module in shipped.modules]
    assert all(bool(torch.isfinite(value).all()) for state in states for value in state.values())


def test_what_is_not_finite_is_not_written(weights: CombinedWeights, tmp_path: Path) -> None:
    weights.reductions.sound[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"made\.sound: not finite"):
        write(weights, tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []
