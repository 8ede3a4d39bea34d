"""The race is fair: same weights, same answers; and what it says of agreement is true."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import seac.profiling.compare
from seac.cli import app
from seac.cli.profile import parse_size
from seac.core.errors import InputError
from seac.profiling.agreement import differing_share, min_cosine, min_overlap, rank_correlation
from seac.profiling.roofline import arithmetic
from seac.profiling.synthetic import scene
from seac.profiling.timing import Timing, compare
from tests.fixtures import checkpoints


def embeddings(count: int = 20) -> torch.Tensor:
    return torch.randn(count, 16, generator=torch.Generator().manual_seed(0))


def test_the_same_answers_agree_fully() -> None:
    masks = scene(40, 60, 5).masks
    assert differing_share(masks, masks) == 0
    assert min_overlap(masks, masks) == 1
    assert min_cosine(embeddings(), embeddings()) == pytest.approx(1)
    assert rank_correlation(embeddings(), embeddings()) == pytest.approx(1)


def test_other_answers_do_not() -> None:
    masks = scene(40, 60, 5).masks
    moved = masks.roll(7, 2)
    assert differing_share(masks, moved) > 0.01
    assert min_overlap(masks, moved) < 0.9
    shuffled = embeddings()[torch.randperm(20, generator=torch.Generator().manual_seed(1))]
    assert abs(rank_correlation(shuffled, embeddings())) < 0.3
    noisy = embeddings() + 0.05 * torch.randn(20, 16, generator=torch.Generator().manual_seed(2))
    assert 0.9 < rank_correlation(noisy, embeddings()) < 1


def test_a_comparison_is_turn_by_turn_and_the_first_round_does_not_count() -> None:
    order: list[str] = []
    times, answers = compare({"a": lambda: order.append("a"), "b": lambda: order.append("b") or 7}, 2, "cpu")
    assert order == ["a", "b"] * 3
    assert len(times["a"].seconds) == 2
    assert answers["b"] == 7
    assert Timing((1.0, 2.0, 9.0)).median == 2


def test_a_scene_is_the_same_for_the_same_seed() -> None:
    first, second = scene(50, 70, 6, seed=3), scene(50, 70, 6, seed=3)
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.masks, second.masks)
    assert bool(first.masks.flatten(1).any(1).all())
    assert not torch.equal(first.image, scene(50, 70, 6, seed=4).image)


def test_paper_is_compared_with_the_same_weights_and_the_same_masks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("segment_anything")
    pytest.importorskip("open_clip")
    for name, build in {
        "clip-rn50": lambda place: checkpoints._clip(place, "resnet"),
        "sam-vit-b": lambda place: torch.save(
            checkpoints.reference_sam().state_dict(), place / "sam_vit_b_01ec64.pth"
        ),
    }.items():
        (tmp_path / name).mkdir()
        build(tmp_path / name)
    arguments = [
        "--weights-dir",
        str(tmp_path),
        "--segmenter",
        "sam-vit-b",
        "--masks",
        "4",
        "--size",
        "96x64",
    ]
    assert app.run(["profile", "--preset", "paper", *arguments, "--repeats", "1", "--json"]) == 0
    message = json.loads(capsys.readouterr().out.splitlines()[-1])
    rows = {row["stage"]: row for row in message["stages"]}
    assert rows["masks: the boxes"]["fidelity"]["ours"]["pixels that differ"] < 2e-3
    assert rows["embeddings: the views"]["fidelity"]["ours"]["min cosine"] > 0.9999
    assert set(rows["stages 1-2"]["ratio"]) == {"ours", "fast"}
    assert all(0 < row["roofline"] < row["seconds"]["ours"]["p50"] for row in rows.values())


def test_operations_of_products_convolutions_and_attention_are_counted() -> None:
    a, b, maps, layer = torch.ones(3, 5), torch.ones(5, 7), torch.ones(1, 2, 6, 6), torch.nn.Conv2d(2, 4, 3)
    query = torch.ones(1, 2, 9, 8)
    with torch.inference_mode():
        assert arithmetic(lambda: a @ b) == 2 * 3 * 5 * 7
        assert arithmetic(lambda: layer(maps)) == 2 * 9 * 2 * 4 * 4 * 4
        attention = torch.nn.functional.scaled_dot_product_attention
        assert arithmetic(lambda: attention(query, query, query)) == 2 * (2 * 2 * 9 * 9 * 8)


def test_what_cannot_be_compared_is_refused_in_one_line() -> None:
    for size in ("1024", "axb", "0x10", "20x"):
        with pytest.raises(InputError, match="WIDTHxHEIGHT"):
            parse_size(size)
    assert parse_size("1024X768") == (1024, 768)
    for arguments in (["--preset", "modern"], ["--masks", "1"], ["--clock", "sun"]):
        assert app.run(["profile", *arguments]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--vision", "foo"], "unknown vision 'foo': choose from"),
        (["--preset", "paper", "--segmenter", "sam-vit-x"], "unknown segmenter 'sam-vit-x': did you mean"),
        (["--preset", "paper", "--segmenter", "classic"], "the plain path is of"),
        (["--threads", "-1"], "--threads is -1: give 0"),
        (["--threads", "4294967296"], "--threads is 4294967296: give 0"),
        (["--random-weights"], "give --preset paper"),
        (["--segmenter", "sam-vit-b"], "give --preset paper"),
    ],
)
def test_what_an_option_cannot_be_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert app.run(["profile", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


FAST = ["profile", "--masks", "2", "--size", "64x48", "--repeats", "1"]


@pytest.mark.parametrize("place", ["file/card.md", "folder", f"{'a' * 254}.md"])
def test_a_path_that_takes_no_page_is_refused_before_the_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(seac.profiling.compare, "run", lambda *given: pytest.fail("the race was run"))
    assert app.run([*FAST, "--card", str(tmp_path / place)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot write to" in line or "is a folder" in line


def test_a_page_is_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    assert app.run([*FAST, "-o", str(tmp_path / "new" / "card.md")]) == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["card.md"]
    assert "Speed of `tiny`" in (tmp_path / "new" / "card.md").read_text()
