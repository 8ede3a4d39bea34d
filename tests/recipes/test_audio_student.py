"""The recipe of the ears: what lessons are made of, and what the student learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("ai_edge_litert", reason="the teacher's runtime comes with seac[distil]")

from recipes.audio_student.samples import COLUMNS, Lessons, lessons_of, write
from recipes.audio_student.train import Schedule, examined, learn, loss_of
from recipes.common.mixtures import WINDOW, Mixture, alone, heard_of, mixture
from recipes.common.recordings import Group, held_out
from recipes.common.synthetic_calls import RATE, SECONDS, call
from seac.encoders.audio.yamnet_student import HearingNetwork


@pytest.fixture
def lesson() -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(8, *shape, generator=generator) for shape in COLUMNS.values())


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_call_is_never_silent(seed: int) -> None:
    sound = call(np.random.default_rng(seed))
    assert len(sound) == round(RATE * SECONDS)
    assert np.abs(sound.astype(int)).max() > 20_000


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_mixture_is_a_finite_window_and_the_same_for_the_same_seed(seed: int) -> None:
    sounds = tuple(call(np.random.default_rng(number)) for number in range(2))
    groups = [Group("none", 1, ()), Group("long", 1, sounds), Group("short", 1, (sounds[0][:900],))]
    mixed, again = (mixture(groups, np.random.default_rng(seed)) for _ in range(2))
    assert mixed.sound.shape == (WINDOW,)
    assert mixed.sound.dtype == np.float32
    assert (mixed.sound == again.sound).all()
    assert mixed.parts.shape == (len(mixed.heard), WINDOW)
    assert len(mixed.heard) != 1
    for window in (mixed.sound, *mixed.parts):
        assert np.isfinite(window).all()
        assert np.abs(window).max() <= 1
    assert np.abs(mixed.parts).max(initial=0) <= 10 * np.abs(mixed.sound).max()  # as quiet as the whole
    assert (mixed.heard >= 0).all()
    assert len(mixed.heard) == 0 or mixed.heard.max() == 1


def test_what_is_far_below_the_loudest_is_not_heard() -> None:
    parts = np.ones((4, WINDOW), np.float32) * 10 ** (-np.array([[0], [8], [12], [20]], np.float32) / 20)
    np.testing.assert_allclose(heard_of(parts), [1, 1, 0.5, 0], atol=1e-3)
    np.testing.assert_allclose(heard_of(0.01 * parts), heard_of(parts), atol=1e-3)


def test_a_lesson_of_two_sounds_says_what_each_is_alone() -> None:
    def teacher(window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hears the sign of the first sample and nothing else."""
        tags = np.zeros(521, np.float32)
        tags[int(window[0] > 0)] = 0.8
        return tags, np.full(1024, 1 + window[0], np.float32)

    one, other = np.full((2, WINDOW), [[0.5], [-0.5]], np.float32)
    both = Mixture(one, np.stack([one, other]), np.array([1, 0.5], np.float32))
    made = lessons_of([alone(one), both, alone(other)], teacher)
    np.testing.assert_allclose(made.tags[:, :2], [[0, 0.8], [0.4, 0.8], [0.8, 0]], atol=1e-3)
    np.testing.assert_allclose(made.embedding[:, 0], [1.5, 1.5, 0.5])
    assert (made.logmel[0] == made.logmel[1]).all()


def test_every_weight_learns_and_the_loss_falls(lesson: tuple[torch.Tensor, ...]) -> None:
    torch.manual_seed(0)
    network = HearingNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    course = []
    for step in range(4):
        loss = loss_of(*network(lesson[0]), (lesson[1], lesson[2]))
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            still = [n for n, v in network.named_parameters() if v.grad is None or not v.grad.abs().sum() > 0]
            assert still == []
        optimizer.step()
        course.append(float(loss.detach()))
    assert course[-1] < 0.9 * course[0]


def test_who_answers_as_the_teacher_has_full_marks() -> None:
    network = HearingNetwork().eval()
    logmel = torch.randn(6, 96, 64)
    with torch.no_grad():
        embedding, logits = network(logmel.half().float())
    sure = logits.sigmoid().clamp_min(0.31)
    paper = Lessons(*(part.numpy().astype(np.float16) for part in (logmel, sure, embedding)))
    marks = examined(network.train(), paper)
    assert network.training
    assert marks["cosine"] > 0.999
    assert marks["top5"] >= marks["top1"] > 0.5


def test_a_course_goes_on_from_the_weights_it_is_given(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    made = Lessons(*(random.uniform(size=(64, *shape)).astype(np.float16) for shape in COLUMNS.values()))
    write(tmp_path / "00000", made)
    write(tmp_path / "exam", Lessons(made.logmel[:4], made.tags[:4], made.embedding[:4]))
    start = HearingNetwork().requires_grad_(requires_grad=False)
    learnt = learn(tmp_path, tmp_path / "out", Schedule(minutes=0.001, rate=0.0), start)
    for name, value in learnt.named_parameters():
        torch.testing.assert_close(value, start.get_parameter(name))
    assert (tmp_path / "out" / "checkpoint.pt").exists()


def test_no_class_gives_its_few_recordings_away(tmp_path: Path) -> None:
    for name, count in (("cat", 4), ("drum", 5)):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "sounds" / name / f"{number}.ogg").touch()
    assert [path.parent.name for path in held_out(tmp_path)] == ["drum"]
