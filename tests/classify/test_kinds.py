"""Names of taught kinds: joined with the taggers' words, and with what is heard."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.associate.audio.encoder import AudioFeatures
from seac.associate.bridge import Bridge
from seac.associate.embeddings import MaskEmbeddings
from seac.associate.vision.efficientnet_lite import EfficientNetLite
from seac.associate.zero_shot import ZeroShot, ZeroShotSettings
from seac.classify.kinds import KindNetwork, KindsSettings, KindsWeights, Taught, fitting, read, write
from seac.classify.naming import RIVALRY, class_scores, witnesses
from seac.classify.templates import class_embeddings
from seac.errors import InputError
from tests.fakes import COLOURS, ColourText, ColourVision, PitchHearing, fake_model, squares, tone

SHIPPED = Path(str(files("seac").joinpath("assets/kinds.safetensors")))
KINDS = ("red", "blue")
CLASSES = torch.eye(3)


def network() -> KindNetwork:
    torch.manual_seed(0)
    return KindNetwork(torch.rand(6) / 10, torch.randn(6, 4), 8, len(KINDS))


@pytest.fixture
def weights() -> KindsWeights:
    return KindsWeights(network(), KINDS, KindsSettings(), "eyes")


def words() -> ZeroShot:
    """Taggers of the three colours, whose places are the three axes."""
    return ZeroShot(Bridge(CLASSES, torch.ones(3)), Bridge(CLASSES, torch.ones(3)), ZeroShotSettings())


def naming_of(weights: KindsWeights) -> Taught:
    return Taught(weights, words().place_masks, words().hearing, ColourText())


def masks(count: int = 4) -> MaskEmbeddings:
    draw = torch.Generator().manual_seed(2)
    local, context = torch.rand(2, count, 6, generator=draw)
    return MaskEmbeddings(local, context, *torch.rand(2, count, 3, generator=draw))


def heard(tags: torch.Tensor) -> AudioFeatures:
    return AudioFeatures(torch.rand(len(tags), 5, generator=torch.Generator().manual_seed(3)), tags)


def test_without_shares_masks_are_named_by_words(weights: KindsWeights) -> None:
    silent = naming_of(replace(weights, settings=KindsSettings(0, 0)))
    assert torch.equal(silent.sight(masks()), words().place_masks(masks()))
    assert len(silent.sound(heard(torch.rand(2, 3)))) == 0


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_what_is_seen_lies_between_the_tagger_and_the_taught_kinds(
    weights: KindsWeights, share: float
) -> None:
    naming = naming_of(replace(weights, settings=KindsSettings(share, 0)))
    kinds = weights.network.probabilities(masks().local)
    taught = kinds @ class_embeddings(KINDS, ColourText())
    expected = (1 - share) * words().place_masks(masks()) + share * taught
    assert torch.allclose(naming.sight(masks()), expected, atol=1e-6)


def test_what_is_none_of_the_kinds_is_left_to_words(weights: KindsWeights) -> None:
    last = weights.network.kinds
    last.bias.data += torch.tensor([-50.0, -50.0, 50.0])
    naming = naming_of(replace(weights, settings=KindsSettings(0.4, 0)))
    assert torch.allclose(naming.sight(masks()), 0.6 * words().place_masks(masks()), atol=1e-5)


def test_a_sound_decides_between_names_that_look_as_likely(weights: KindsWeights) -> None:
    naming = naming_of(replace(weights, settings=KindsSettings(0, 0.3)))

    def named(tags: torch.Tensor, sounding: int) -> int:
        looks = MaskEmbeddings(torch.rand(1, 6), torch.rand(1, 6), tags, tags)
        said = witnesses(naming.sight(looks), naming.sound(heard(CLASSES[[sounding]])), CLASSES)
        return int(class_scores(said).argmax())

    unsure, sure = torch.tensor([[0.5, 0.5, 0.0]]), CLASSES[:1]
    assert [named(unsure, sounding) for sounding in range(2)] == [0, 1]
    assert named(sure, 1) == 0


def test_no_sound_has_no_say(weights: KindsWeights) -> None:
    naming = naming_of(weights)
    sight, none = naming.sight(masks()), naming.sound(AudioFeatures(torch.zeros(0, 5), torch.zeros(0, 3)))
    said = witnesses(sight, none, CLASSES)
    assert torch.equal(said[:, 0], sight @ CLASSES.T)
    assert torch.equal(class_scores(said), said[:, 0])


def test_a_class_is_heard_in_the_window_that_fits_it_best() -> None:
    sight, sound = torch.zeros(2, 3), torch.tensor([[0.2, 0.0, 0.1], [0.0, 0.3, 0.1], [0.0, 0.1, 0.0]])
    said = witnesses(sight, sound, CLASSES)
    assert torch.allclose(said[:, 1], torch.tensor([[0.2, 0.3, 0.1]] * 2))
    assert torch.equal(witnesses(sight, sound[[2, 0, 1]], CLASSES), said)
    assert torch.allclose(class_scores(said), said[:, 1])  # they look alike: both may be what is heard


def test_what_is_heard_belongs_to_the_mask_that_looks_like_it() -> None:
    guitar, unsure = [0.30, 0.0, 0.05], [0.05, 0.1, 0.12]
    heard = [0.2, 0.0, 0.1]
    together = class_scores(torch.tensor([[guitar, heard], [unsure, heard]]))
    alone = class_scores(torch.tensor([[unsure, heard]]))
    assert alone.argmax(1).tolist() == [0]  # nothing else can be the guitar that is heard
    assert together.argmax(1).tolist() == [0, 2]
    assert together[1, 0] == pytest.approx(0.05 + 0.2 * math.exp(-0.25 / RIVALRY))


@given(st.permutations(range(4)), st.integers(0, 2**31))
def test_names_do_not_depend_on_the_order_of_masks_or_on_masks_that_look_like_nothing(
    order: list[int], seed: int
) -> None:
    said = torch.rand(4, 2, 3, generator=torch.Generator().manual_seed(seed))
    scores = class_scores(said)
    assert torch.equal(class_scores(said[order]), scores[order])
    nothing = torch.tensor([[[-1.0] * 3, [0.5] * 3]])
    assert torch.equal(class_scores(torch.cat([said, nothing]))[:4], scores)


def test_encoders_of_others_name_by_words(weights: KindsWeights) -> None:
    vision, audio = ColourVision(), PitchHearing()
    vision.version = "fake eyes"
    assert fitting(replace(weights, made_by="fake eyes"), vision, audio).settings == weights.settings
    other = fitting(weights, vision, audio).settings
    assert (other.kinds, other.heard) == (0, weights.settings.heard)
    audio.labels = ()
    assert fitting(weights, vision, audio).settings.heard == 0


def test_a_file_gives_back_what_was_written(weights: KindsWeights, tmp_path: Path) -> None:
    sha256 = write(weights, tmp_path / "kinds.safetensors")
    again = read(tmp_path / "kinds.safetensors")
    assert again.sha256 == sha256
    assert (again.settings, again.made_by, again.names) == (weights.settings, weights.made_by, weights.names)
    before, after = (naming_of(w).sight(masks()) for w in (weights, again))
    assert torch.allclose(before, after, atol=5e-3)


def test_a_value_that_is_not_finite_writes_nothing(weights: KindsWeights, tmp_path: Path) -> None:
    weights.network.mean[0] = float("nan")
    with pytest.raises(ValueError, match="mean"):
        write(weights, tmp_path / "kinds.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_another_file_is_refused_in_one_line(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "kinds.safetensors" if content is not None else SHIPPED.with_name("hearing.safetensors")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_what_ships_was_taught_for_the_encoder_that_ships() -> None:
    weights = read(SHIPPED)
    assert weights.made_by == EfficientNetLite.version
    said = weights.network.probabilities(torch.rand(3, EfficientNetLite.dim))
    assert said.shape == (3, len(weights.names))
    assert bool((said.sum(1) <= 1 + 1e-5).all())


def test_a_model_names_by_sound_what_its_naming_listens_to() -> None:
    """The fake's masks are named by colour; a naming that only listens calls all that sounds by the tone."""
    model = fake_model()

    class Listening:
        def sight(self, seen: MaskEmbeddings) -> torch.Tensor:
            return torch.zeros(len(seen), 3)

        def sound(self, audio: AudioFeatures) -> torch.Tensor:
            return audio.embeddings

    model.stages = replace(model.stages, naming=Listening())
    for number, name in enumerate(COLOURS):
        result = model(squares(), tone(name, 1.0), 16_000)
        assert set(result.classes[result.sounding].tolist()) == {number + 1}
    seen, quiet = model.see(squares()), model.hear(tone("silence", 1.0), 16_000)
    names = model.names(seen, quiet, torch.zeros(len(seen.proposals), dtype=torch.bool))
    assert torch.equal(names, seen.named.labels)
