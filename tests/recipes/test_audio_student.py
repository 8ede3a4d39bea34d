"""The recipe of the audio student: training samples and training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("ai_edge_litert", reason="the teacher's runtime comes with seac[distil]")

from recipes.audio_student.samples import COLUMNS, TeacherSamples, label_mixtures, write
from recipes.audio_student.train import Schedule, compute_loss, evaluate, train_student
from recipes.common.mixtures import WINDOW, Mixture, compute_audibility, render_mixture, single_source
from recipes.common.recordings import Group, list_held_out
from recipes.common.synthetic_calls import RATE, SECONDS, synthesise_call
from seac.encoders.audio.yamnet_student import YamnetStudentNetwork


@pytest.fixture
def teacher_batch() -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(8, *shape, generator=generator) for shape in COLUMNS.values())


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_call_is_never_silent(seed: int) -> None:
    waveform = synthesise_call(np.random.default_rng(seed))
    assert len(waveform) == round(RATE * SECONDS)
    assert np.abs(waveform.astype(int)).max() > 20_000


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_mixture_is_a_finite_window_and_the_same_for_the_same_seed(seed: int) -> None:
    waveforms = tuple(synthesise_call(np.random.default_rng(number)) for number in range(2))
    groups = [Group("none", 1, ()), Group("long", 1, waveforms), Group("short", 1, (waveforms[0][:900],))]
    mixed, again = (render_mixture(groups, np.random.default_rng(seed)) for _ in range(2))
    assert mixed.waveform.shape == (WINDOW,)
    assert mixed.waveform.dtype == np.float32
    assert (mixed.waveform == again.waveform).all()
    assert mixed.parts.shape == (len(mixed.audibility), WINDOW)
    assert len(mixed.audibility) != 1
    for window in (mixed.waveform, *mixed.parts):
        assert np.isfinite(window).all()
        assert np.abs(window).max() <= 1
    assert np.abs(mixed.parts).max(initial=0) <= 10 * np.abs(mixed.waveform).max()  # scaled with the mixture
    assert (mixed.audibility >= 0).all()
    assert len(mixed.audibility) == 0 or mixed.audibility.max() == 1


def test_audibility_falls_with_the_level_below_the_loudest() -> None:
    parts = np.ones((4, WINDOW), np.float32) * 10 ** (-np.array([[0], [8], [12], [20]], np.float32) / 20)
    np.testing.assert_allclose(compute_audibility(parts), [1, 1, 0.5, 0], atol=1e-3)
    np.testing.assert_allclose(compute_audibility(0.01 * parts), compute_audibility(parts), atol=1e-3)


def test_a_label_of_two_sources_holds_the_classes_of_each_alone() -> None:
    def teacher(window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A class for the sign of the first sample."""
        class_probabilities = np.zeros(521, np.float32)
        class_probabilities[int(window[0] > 0)] = 0.8
        return class_probabilities, np.full(1024, 1 + window[0], np.float32)

    one, other = np.full((2, WINDOW), [[0.5], [-0.5]], np.float32)
    both = Mixture(one, np.stack([one, other]), np.array([1, 0.5], np.float32))
    samples = label_mixtures([single_source(one), both, single_source(other)], teacher)
    np.testing.assert_allclose(
        samples.class_probabilities[:, :2], [[0, 0.8], [0.4, 0.8], [0.8, 0]], atol=1e-3
    )
    np.testing.assert_allclose(samples.embedding[:, 0], [1.5, 1.5, 0.5])
    assert (samples.logmel[0] == samples.logmel[1]).all()


def test_every_weight_has_a_gradient_and_the_loss_falls(teacher_batch: tuple[torch.Tensor, ...]) -> None:
    torch.manual_seed(0)
    network = YamnetStudentNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    losses = []
    for step in range(4):
        loss = compute_loss(*network(teacher_batch[0]), (teacher_batch[1], teacher_batch[2]))
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            frozen = [
                n for n, v in network.named_parameters() if v.grad is None or not v.grad.abs().sum() > 0
            ]
            assert frozen == []
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def test_outputs_equal_to_the_teacher_have_perfect_metrics() -> None:
    network = YamnetStudentNetwork().eval()
    logmel = torch.randn(6, 96, 64)
    with torch.no_grad():
        embedding, logits = network(logmel.half().float())
    confident = logits.sigmoid().clamp_min(0.31)
    held_out = TeacherSamples(*(part.numpy().astype(np.float16) for part in (logmel, confident, embedding)))
    metrics = evaluate(network.train(), held_out)
    assert network.training
    assert metrics["cosine"] > 0.999
    assert metrics["top5"] >= metrics["top1"] > 0.5


def test_training_starts_from_the_given_weights(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    samples = TeacherSamples(
        *(random.uniform(size=(64, *shape)).astype(np.float16) for shape in COLUMNS.values())
    )
    write(tmp_path / "00000", samples)
    write(
        tmp_path / "held_out",
        TeacherSamples(samples.logmel[:4], samples.class_probabilities[:4], samples.embedding[:4]),
    )
    start = YamnetStudentNetwork().requires_grad_(requires_grad=False)
    trained = train_student(tmp_path, tmp_path / "out", Schedule(minutes=0.001, rate=0.0), start)
    for name, value in trained.named_parameters():
        torch.testing.assert_close(value, start.get_parameter(name))
    assert (tmp_path / "out" / "checkpoint.pt").exists()


def test_classes_with_few_recordings_have_no_held_out_recording(tmp_path: Path) -> None:
    for name, count in (("cat", 4), ("drum", 5)):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "sounds" / name / f"{number}.ogg").touch()
    assert [path.parent.name for path in list_held_out(tmp_path)] == ["drum"]
