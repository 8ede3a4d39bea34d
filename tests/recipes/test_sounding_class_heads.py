"""Training of class heads on separable embeddings, and the model cards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from recipes.sounding import class_heads as recipe
from recipes.sounding.frames import UNMATCHED
from recipes.sounding.model_card import Training, write_cards
from recipes.sounding.store import apply_heads, half_of
from recipes.sounding.train import HeadTraining
from seac.encoders.class_heads import ClassHead
from seac.encoders.labels.sound_sources import source_names
from tests.fixtures.sounding_scenes import COUNT

DIM = 4
SOURCES = torch.tensor([source_names().index(name) for name in ("dog", "violin", "bus")])


def separable(count: int, classes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings (n, DIM) near one axis for each class, and the class of each (n,)."""
    generator = torch.Generator().manual_seed(seed)
    found = torch.arange(count) % classes
    return torch.eye(DIM)[found] + 0.1 * torch.randn(count, DIM, generator=generator), found


def test_the_image_head_learns_separable_classes_and_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "IMAGE", replace(recipe.IMAGE, width=32, batch=64, steps=120, rate=1e-2))
    targets = torch.cat([SOURCES, torch.tensor([UNMATCHED])])
    embeddings, classes = separable(120, 4, 0)
    even = torch.full((1, 1000), 1e-3)
    head = recipe.train_image_head(embeddings, even.expand(120, -1), targets[classes], torch.ones(120), 0)
    assert not head.training
    held_out, classes = separable(40, 4, 1)
    probabilities = head.probabilities(held_out, even.expand(40, -1))
    assert probabilities.shape == (40, COUNT + 1)
    right = torch.where(targets == UNMATCHED, COUNT, targets)[classes]
    assert float((probabilities.argmax(1) == right).float().mean()) > 0.95
    without_samples = torch.ones(COUNT + 1, dtype=torch.bool)
    without_samples[right] = False
    assert not head.classify.weight[without_samples].any()


def test_the_audio_head_learns_separable_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "AUDIO", replace(recipe.AUDIO, width=32, batch=64, steps=120, rate=1e-2))
    embeddings, classes = separable(90, 3, 0)
    audible = torch.zeros(90, COUNT, dtype=torch.bool)
    audible[range(90), SOURCES[classes]] = True
    even = torch.full((1, 521), 0.05)
    recordings = [f"{row % 30}.ogg" for row in range(90)]
    head = recipe.train_audio_head(embeddings, even.expand(90, -1), audible, torch.zeros(90), recordings, 0)
    held_out, classes = separable(30, 3, 1)
    probabilities = head.probabilities(held_out, even.expand(30, -1))
    assert probabilities.shape == (30, COUNT)
    trained = probabilities[:, SOURCES]
    assert float((trained.argmax(1) == classes).float().mean()) > 0.95
    assert not head.classify.weight[source_names().index("cat")].any()


def test_the_head_of_the_other_half_is_applied() -> None:
    first, second = (
        ClassHead(torch.zeros(3), torch.eye(3), 4, torch.eye(2), exclusive=False) for _ in range(2)
    )
    embeddings, classes = torch.rand(5, 3), torch.rand(5, 2)
    which = torch.tensor([0, 1, 1, 0, 1])
    both = apply_heads([first, second], embeddings, classes, which)
    each = [head.probabilities(embeddings, classes) for head in (first, second)]
    torch.testing.assert_close(both, torch.where(which[:, None] == 0, each[0], each[1]))


def test_both_halves_have_names() -> None:
    halves = [half_of(f"{number}.jpg") for number in range(100)]
    assert set(halves) == {0, 1}
    assert abs(sum(halves) - 50) < 20


def test_model_cards_are_tables(tmp_path: Path) -> None:
    training = Training(
        HeadTraining(steps=7),
        {"train": {"frames": 3, "clips": 4}, "dev": {"frames": 1, "clips": 2}},
        {"masks_top1": 0.75},
        {"peak": 0.5},
        {"vision": "vision 1"},
    )
    write_cards(training, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["class_heads.md", "sounding_head.md"]
    for name, score in (("class_heads", "| masks_top1 | 0.750 |"), ("sounding_head", "| peak | 0.500 |")):
        text = (tmp_path / f"{name}.md").read_text(encoding="utf-8")
        assert score in text
        assert "| vision | vision 1 |" in text
        assert text.startswith("# ")
        for block in text.split("\n\n"):
            rows = [line for line in block.splitlines() if line.startswith("|")]
            assert len({row.count("|") for row in rows}) <= 1, block
    card = (tmp_path / "sounding_head.md").read_text(encoding="utf-8")
    assert "| steps | 7 |" in card
    assert f"| rate | {HeadTraining().rate} |" in card
