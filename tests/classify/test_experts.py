"""Names of masks that sound: taggers and taught kinds as experts, and whose sound it is."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.classify.base import RIVALRY, ByWords, Witnesses, class_scores
from seac.classify.experts import Taught, TaughtSettings
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.class_heads import KindNetwork, Kinds, KindsWeights
from seac.encoders.labels.conse import Bridge, NoBridge
from seac.encoders.labels.descriptions import Group, audioset_names, groups_of, visible
from tests.fixtures.parts import COLOURS, fake_model, squares, tone

CLASSES = torch.eye(3)
KINDS = ("red", "blue")
D = 6


def kinds(*senses: str) -> Kinds:
    torch.manual_seed(0)
    networks = {
        sense: KindNetwork(torch.rand(D) / 10, torch.randn(D, 4), 8, len(KINDS)).eval() for sense in senses
    }
    return Kinds(KindsWeights(networks, KINDS, dict.fromkeys(senses, "")), CLASSES[[0, 2]])


def bridge() -> Bridge:
    """A tagger of the three colours, whose places are the three axes."""
    return Bridge(CLASSES, torch.ones(3))


def naming(*senses: str, settings: TaughtSettings | None = None) -> Taught:
    return Taught(kinds(*senses), bridge(), bridge(), settings)


def masks(tags: torch.Tensor) -> MaskEmbeddings:
    local, context = torch.rand(2, len(tags), D, generator=torch.Generator().manual_seed(2))
    return MaskEmbeddings(local, context, tags, tags)


def heard(tags: torch.Tensor) -> AudioFeatures:
    return AudioFeatures(torch.rand(len(tags), D, generator=torch.Generator().manual_seed(3)), tags)


def both(
    named: Taught, seen: MaskEmbeddings, sound: AudioFeatures, classes: torch.Tensor = CLASSES
) -> torch.Tensor:
    """What is said of each class by the looks of each mask, and in the last row by ear: (N + 1, K)."""
    witnesses = named.among(classes)
    return torch.cat([witnesses.sight(seen), witnesses.sound(sound)[None]])


def certain(network: KindNetwork, column: int) -> None:
    """Make it say one thing, whatever it is asked."""
    with torch.no_grad():
        network.kinds.bias[:] = 0
        network.kinds.bias[column] = 60


def test_in_words_a_mask_is_named_by_its_cosine_and_nothing_is_heard() -> None:
    places = torch.nn.functional.normalize(torch.rand(4, 3), dim=1)
    witnesses = ByWords(lambda seen: places).among(CLASSES)
    seen, sound = witnesses.sight(masks(torch.rand(4, 3))), witnesses.sound(heard(torch.rand(2, 3)))
    assert torch.equal(seen, places @ CLASSES.T)
    assert not sound.any()
    assert torch.equal(class_scores(seen, sound), seen)


def test_a_sound_decides_between_names_that_look_as_likely() -> None:
    witnesses = naming().among(CLASSES)

    def named(tags: torch.Tensor, sounding: int) -> int:
        scores = class_scores(witnesses.sight(masks(tags)), witnesses.sound(heard(CLASSES[[sounding]])))
        return int(scores.argmax())

    unsure = torch.tensor([[0.5, 0.5, 0.0]])
    assert [named(unsure, sounding) for sounding in range(2)] == [0, 1]


def test_no_expert_can_rule_out_a_word() -> None:
    scores = both(naming("sight", "sound"), masks(CLASSES[:1]), heard(CLASSES[1:2])).sum(0)
    most = math.log1p(1.0 / TaughtSettings().floor)
    assert bool((scores.abs() < 4 * most).all())


@pytest.mark.parametrize("sense", ["sight", "sound"])
def test_a_kind_speaks_for_its_word_and_leaves_alone_what_it_does_not_know(sense: str) -> None:
    taught = naming(sense)
    certain(taught.kinds.weights.networks[sense], 0)
    flat, silent = torch.full((1, 3), 1 / 3), torch.full((1, 3), 1 / 3)
    place = ("sight", "sound").index(sense)
    red, green, blue = both(taught, masks(flat), heard(silent))[place].tolist()  # green was never taught
    assert red > green > blue
    without = both(naming(), masks(flat), heard(silent))[place]
    assert float(without[1]) == pytest.approx(green, abs=1e-6)


def test_what_is_none_of_the_kinds_is_likelier_a_word_they_do_not_know() -> None:
    taught = naming("sight")
    certain(taught.kinds.weights.networks["sight"], len(KINDS))
    seen = taught.among(CLASSES).sight(masks(torch.full((1, 3), 1 / 3)))[0]
    assert int(seen.argmax()) == 1


def test_a_word_is_judged_by_itself() -> None:
    """What is said of a class does not depend on which other classes there are."""
    taught = naming("sight", "sound")
    seen, sound = masks(torch.rand(4, 3)), heard(torch.rand(2, 3))
    every, some = (both(taught, seen, sound, CLASSES[rows]) for rows in ([0, 1, 2], [2, 0]))
    assert torch.allclose(every[:, [2, 0]], some, atol=1e-6)


def test_no_sound_has_no_say() -> None:
    witnesses = naming("sight", "sound").among(CLASSES)
    none = AudioFeatures(torch.zeros(0, D), torch.zeros(0, 3))
    assert not witnesses.sound(none).any()


def test_neither_order_nor_repeats_of_windows_matter() -> None:
    witnesses, sound = naming("sound").among(CLASSES), heard(torch.rand(3, 3))
    assert sound.tags is not None
    for rows in ([2, 0, 1], [0, 1, 2, 0, 1, 2]):
        again = AudioFeatures(sound.embeddings[rows], sound.tags[rows])
        assert torch.allclose(witnesses.sound(again), witnesses.sound(sound), atol=1e-6)


def test_encoders_without_classes_name_by_where_they_are_among_words() -> None:
    """Their space is that of words; of ears without classes the taught kinds alone say something."""
    taught = Taught(kinds(), NoBridge(), Bridge(torch.zeros(0, 3), torch.zeros(0)))
    witnesses = taught.among(CLASSES)
    seen = witnesses.sight(MaskEmbeddings(CLASSES, CLASSES))
    assert seen.argmax(1).tolist() == [0, 1, 2]
    assert not witnesses.sound(AudioFeatures(torch.rand(2, D), None)).any()


def test_what_is_heard_belongs_to_the_mask_that_looks_like_it() -> None:
    guitar, unsure = [3.0, 0.0, 0.5], [0.5, 1.0, 1.2]
    sound = torch.tensor([2.0, 0.0, 1.0])
    together = class_scores(torch.tensor([guitar, unsure]), sound)
    alone = class_scores(torch.tensor([unsure]), sound)
    assert alone.argmax(1).tolist() == [0]  # nothing else can be the guitar that is heard
    assert together.argmax(1).tolist() == [0, 2]
    assert together[1, 0] == pytest.approx(0.5 + 2 * math.exp(-2.5 / RIVALRY))


@given(st.permutations(range(4)), st.integers(0, 2**31))
def test_names_do_not_depend_on_the_order_of_masks_or_on_masks_that_look_like_nothing(
    order: list[int], seed: int
) -> None:
    draw = torch.Generator().manual_seed(seed)
    seen, sound = torch.rand(4, 3, generator=draw), torch.rand(3, generator=draw)
    scores = class_scores(seen, sound)
    assert torch.equal(class_scores(seen[order], sound), scores[order])
    nothing = torch.full((1, 3), -1.0)
    assert torch.equal(class_scores(torch.cat([seen, nothing]), sound)[:4], scores)


def test_a_model_names_by_sound_what_its_naming_listens_to() -> None:
    """The fake's masks are named by colour; a naming that only listens calls all that sounds by the tone."""
    model = fake_model()

    class Listening:
        def among(self, classes: torch.Tensor) -> Witnesses:
            return Witnesses(
                lambda seen: torch.zeros(len(seen), 3), lambda audio: audio.embeddings.mean(0) @ classes.T
            )

    model.stages = replace(model.stages, naming=Listening())
    for number, name in enumerate(COLOURS):
        result = model(squares(), tone(name, 1.0), 16_000)
        assert set(result.classes[result.sounding].tolist()) == {number + 1}
    seen, quiet = model.see(squares()), model.hear(tone("silence", 1.0), 16_000)
    names = model.names(seen, quiet, torch.zeros(len(seen.proposals), dtype=torch.bool))
    assert torch.equal(names, seen.named.labels)


def test_a_group_that_is_heard_speaks_a_little_for_its_sorts_and_for_nothing_else() -> None:
    """Of three sounds the first is a group whose only sort is the second."""
    ears = replace(bridge(), groups=(Group(0, 1, 1),))

    def told(share: float, sounding: int) -> list[float]:
        taught = Taught(kinds(), bridge(), ears, TaughtSettings(group=share))
        said: list[float] = taught.among(CLASSES).sound(heard(CLASSES[[sounding]])).tolist()
        return said

    own, sort, other = told(0.2, 0)
    assert own > sort > other
    assert [own, other] == pytest.approx(told(0, 0)[::2])
    assert told(0.2, 1) == pytest.approx(told(0, 1))  # a sort does not speak for its group
    assert told(0, 0)[1] == pytest.approx(other)
    assert told(1, 0)[1] == pytest.approx(own)


def test_the_table_of_groups_names_groups_and_sorts_that_can_be_seen() -> None:
    names = audioset_names()
    seen, groups = visible(names), groups_of(names)
    assert {names[group.number] for group in groups} > {"Animal", "Music", "Vehicle"}
    for group in groups:
        assert group.number < group.first <= group.last < len(names)
        assert seen[group.number]
        assert all(seen[group.first : group.last + 1])
    assert groups_of(("dog", "cat")) == ()
