"""The recipe of the audio encoder: segments, mixtures, training, metrics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("ai_edge_litert", reason="YAMNet's runtime comes with seac[distil]")

from recipes.audio_student import evaluate
from recipes.audio_student.export import export
from recipes.audio_student.metrics import (
    Labelled,
    auroc,
    class_hits,
    mix_pairs,
    nothing_clips,
    short_clip,
    thing_score,
)
from recipes.audio_student.mixtures import LENGTH, Mixer, compute_audibility, fill
from recipes.audio_student.segments import (
    Accepted,
    Recording,
    Segments,
    files_hash,
    label_recording,
    list_recordings,
    raise_accepted,
    read_accepted,
)
from recipes.audio_student.teacher import low_rate_of, to_logits
from recipes.audio_student.train import Schedule, compute_loss, freeze, train_student
from seac.encoders.audio.mobilenet_student import MobileNetStudent, MobileNetStudentNetwork
from seac.encoders.labels.descriptions import audioset_names
from tests.fixtures.parts import write_wav

NAMES = audioset_names()
DOG, BARK, ANIMAL, SPEECH = (NAMES.index(name) for name in ("Dog", "Bark", "Animal", "Speech"))
CLASSES = {"dog": Accepted(DOG, (DOG, BARK)), "speech": Accepted(SPEECH, (SPEECH,))}


def logits_for(index: int, height: float = 3.0) -> np.ndarray:
    logits = np.full(521, -7, np.float32)
    logits[index] = height
    return logits


@pytest.fixture
def segments() -> Segments:
    random = np.random.default_rng(0)
    lengths = [LENGTH, 20_000, LENGTH, 7_000]
    return Segments(
        (8_000 * random.standard_normal(sum(lengths))).clip(-32_000, 32_000).astype(np.int16),
        np.cumsum([0, *lengths]),
        np.stack([logits_for(index) for index in (DOG, DOG, SPEECH, ANIMAL)]).astype(np.float16),
        ("recordings/dog", "recordings/dog", "recordings/speech", "packages/x"),
        ("dog", "dog", "speech", ""),
    )


def test_an_accepted_class_comes_first_after_it_is_raised() -> None:
    probabilities = np.full(521, 0.01, np.float32)
    probabilities[[ANIMAL, DOG, BARK]] = 0.8, 0.3, 0.5
    raised = raise_accepted(probabilities, CLASSES["dog"], 1.0)
    assert raised[[DOG, BARK]].max() > raised[ANIMAL]
    np.testing.assert_array_equal(raise_accepted(probabilities, CLASSES["dog"], 0.0), probabilities)
    assert probabilities[ANIMAL] == np.float32(0.8)


@given(st.floats(0, 1), st.integers(0, 1_000))
def test_raised_probabilities_are_probabilities(strength: float, seed: int) -> None:
    probabilities = np.random.default_rng(seed).uniform(0, 1, 521).astype(np.float32)
    raised = raise_accepted(probabilities, CLASSES["dog"], strength)
    assert 0 <= raised.min() <= raised.max() <= 1
    assert raised[DOG] >= probabilities[DOG]


def test_a_long_recording_is_cut_into_segments_and_silent_ones_are_left_out() -> None:
    waveform = torch.cat([0.5 * torch.randn(2 * LENGTH), torch.zeros(LENGTH)])
    labelled = list(label_recording(waveform, lambda high, low: torch.zeros(521)))
    assert [len(piece) for piece, _ in labelled] == [LENGTH, LENGTH]
    assert labelled[0][0].dtype == np.int16


def test_the_hash_of_the_files_depends_on_their_content(tmp_path: Path) -> None:
    (tmp_path / "recordings/dog").mkdir(parents=True)
    (tmp_path / "media/sounds/owl").mkdir(parents=True)
    for path in (tmp_path / "recordings/dog/a.ogg", tmp_path / "media/sounds/owl/b.ogg"):
        path.write_bytes(b"one")
    listed = list_recordings(tmp_path / "recordings", tmp_path / "media", tmp_path, CLASSES, 0)
    assert [(item.group, item.known) for item in listed] == [("recordings/dog", "dog"), ("media/owl", "")]
    before = files_hash(listed)
    (tmp_path / "recordings/dog/a.ogg").write_bytes(b"two")
    assert files_hash(listed) != before
    assert isinstance(listed[0], Recording)


def test_accepted_names_that_audioset_lacks_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("class,audioset,accepted\ndog,Dog,Dog|Bark|Unheard of\n")
    assert read_accepted(tmp_path / "classes.csv") == {"dog": Accepted(DOG, tuple(sorted((DOG, BARK))))}


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_mixture_is_a_finite_window_and_the_same_for_the_same_seed(seed: int) -> None:
    random = np.random.default_rng(0)
    mixer = Mixer(
        Segments(
            (9_000 * random.standard_normal(2 * LENGTH)).clip(-32_000, 32_000).astype(np.int16),
            np.array([0, LENGTH, 2 * LENGTH]),
            np.stack([logits_for(DOG), logits_for(SPEECH)]).astype(np.float16),
            ("recordings/dog", "packages/x"),
            ("dog", ""),
        ),
        CLASSES,
        0.5,
    )
    mixed, again = (mixer(np.random.default_rng(seed)) for _ in range(2))
    assert mixed.waveform.shape == (LENGTH,)
    assert mixed.waveform.dtype == mixed.target.dtype == np.float32
    assert np.abs(mixed.waveform).max() <= 1
    assert 0 <= mixed.target.min() <= mixed.target.max() <= 1
    np.testing.assert_array_equal(mixed.waveform, again.waveform)
    np.testing.assert_array_equal(mixed.target, again.target)


def test_audibility_falls_from_8_to_18_db_below_the_loudest_part() -> None:
    parts = np.ones((4, 100), np.float32) * 10 ** (-np.array([[0], [8], [13], [18]], np.float32) / 20)
    np.testing.assert_allclose(compute_audibility(parts), [1, 1, 0.5, 0], atol=1e-3)


def test_a_short_piece_is_filled() -> None:
    random = np.random.default_rng(0)
    for _ in range(10):
        filled = fill(np.ones(1_000, np.float32), random)
        assert filled.shape == (LENGTH,)
        assert filled.max() == 1


def test_half_the_rate_keeps_low_tones() -> None:
    times = torch.arange(LENGTH) / 32_000
    low = low_rate_of(torch.sin(2 * torch.pi * 440 * times))
    torch.testing.assert_close(low, torch.sin(2 * torch.pi * 440 * times[::2]), atol=1e-3, rtol=0)


def test_the_loss_falls_and_frozen_blocks_keep_their_weights(segments: Segments, tmp_path: Path) -> None:
    start = MobileNetStudentNetwork().eval()
    trained = train_student(
        start,
        Mixer(segments, CLASSES, 0.5),
        tmp_path,
        Schedule(minutes=0.02, batch=2, evaluate_every=1.0),
        lambda network: {"score": 0.0},
    )
    for name, value in start.named_parameters():
        changed = not torch.equal(value, trained.get_parameter(name))
        frozen = name.startswith(("stem", "blocks.0.", "blocks.3."))
        assert changed is not frozen or value.grad is None
        if frozen:
            assert not changed
    assert (tmp_path / "best.pt").exists()
    assert (tmp_path / "log.jsonl").exists()


def test_every_unfrozen_weight_has_a_gradient_and_the_loss_falls() -> None:
    torch.manual_seed(0)
    network = MobileNetStudentNetwork().train()
    freeze(network, 4)
    assert not any(part.training for part in network.modules() if isinstance(part, torch.nn.BatchNorm2d))
    logmel, target = torch.rand(4, 128, 200), torch.rand(4, 521) * 0.1
    weights = [value for value in network.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(weights, 1e-2)
    losses = []
    for _ in range(4):
        loss = compute_loss(network(logmel)[1], target)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(value.grad is not None for value in weights)
    assert losses[-1] < 0.9 * losses[0]


def test_exported_weights_are_loaded(tmp_path: Path) -> None:
    network = MobileNetStudentNetwork()
    export(network, tmp_path / "a.safetensors")
    loaded = MobileNetStudent.load(path=tmp_path / "a.safetensors")
    torch.testing.assert_close(loaded.network.classify.weight, network.classify.weight, atol=1e-3, rtol=1e-3)


def test_hits_count_accepted_classes_in_the_top() -> None:
    recordings = [Labelled("dog", torch.zeros(2)), Labelled("dog", torch.zeros(2))]
    logits = torch.from_numpy(np.stack([logits_for(BARK), logits_for(ANIMAL)]))
    logits[1, DOG] = 0
    found = class_hits(logits, recordings, CLASSES)
    assert found["all"] == {"count": 2, "top1": 0.5, "top5": 1.0}
    assert found["class/dog"] == found["animals"]


def test_pairs_share_no_accepted_class() -> None:
    recordings = [Labelled(name, torch.randn(70_000)) for name in ("dog", "dog", "speech")]
    for pair in mix_pairs(recordings, CLASSES, 5, 0):
        assert set(pair.names) == {"dog", "speech"}
        assert pair.waveform.shape == (64_000,)


def test_the_loudest_two_seconds_are_kept() -> None:
    waveform = torch.zeros(5 * 32_000)
    waveform[96_000:] = 1
    assert short_clip(waveform).mean() == 1
    assert len(short_clip(torch.zeros(10))) == 10


def test_nothing_is_silent_or_noise_and_a_visible_class_is_a_thing() -> None:
    clips = nothing_clips(2, 0)
    assert {len(clip) for part in clips.values() for clip in part} == {64_000}
    scores = thing_score(to_logits(torch.eye(521)[[NAMES.index("Silence"), DOG]]))
    assert scores[0] < scores[1]


def test_the_tables_have_a_column_for_each_classifier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "PAIRS", 2)
    monkeypatch.setattr(evaluate, "NOTHING", 1)
    (tmp_path / "classes.csv").write_text("class,audioset,accepted\ndog,Dog,Dog|Bark\nspeech,Speech,Speech\n")
    for name in ("dog", "speech"):
        (tmp_path / "dev" / name).mkdir(parents=True)
        write_wav(tmp_path / "dev" / name / "a.ogg", 0.1 * np.ones(40_000), 32_000)
    material = evaluate.Material.load(tmp_path / "dev", None, 0)
    always_dog = material.classify(lambda waveform, low: torch.from_numpy(logits_for(DOG)))
    never = {part: torch.full_like(values, -7.0) for part, values in always_dog.items()}
    mean = evaluate.mean_logits([always_dog, never])
    metrics = {"one": material.metrics(always_dog), "mean": material.metrics(mean)}
    assert metrics["one"]["hits"]["all"]["top1"] == 0.5
    assert metrics["one"] == metrics["mean"]
    page = evaluate.markdown({"recordings": 2, **metrics})
    assert "| metric | one | mean |" in page
    assert "| dog | 1 | 1.00/1.00 | 1.00/1.00 |" in page


def test_auroc_is_a_half_for_equal_scores() -> None:
    assert auroc(np.array([1.0, 1.0]), np.array([1.0])) == 0.5
    assert auroc(np.array([2.0, 3.0]), np.array([1.0])) == 1.0
