"""The page of the composite benchmarks, from lines of `seac evaluate --json`."""

from __future__ import annotations

from benchmarks.composite import Line, page, table


def line(iou: float, right: int) -> Line:
    """A benchmark with one method."""
    scores = {
        "official": {"miou": iou, "fscore": iou},
        "dataset": {"miou": iou, "fscore": iou},
    }
    return {
        "methods": {"tiny": scores, "whole image": scores},
        "attribution": {"right": right, "lost": 10 - right},
        "n": 10,
        "settings": {"weights": {"vision": "encoder 1"}, "torch": "2"},
    }


def test_seeds_are_averaged_and_their_clips_pooled() -> None:
    rows = table("s4", [line(0.5, 9), line(0.7, 4)])
    assert rows[0] == "## s4 (20 clips)"
    assert [row for row in rows if row.startswith("| tiny ")] == [
        "| tiny | 60.0 ± 14.1 | 60.0 ± 14.1 | 60.0 ± 14.1 |"
    ]
    assert "Clips of “tiny”: right 65 %, lost 35 %." in rows


def test_one_seed_has_no_spread() -> None:
    text = page({"s4": [line(0.5, 9)], "ms3": [line(0.25, 0)]}, [3], "a command")
    assert "±" not in text
    assert "| tiny | 25.0 | 25.0 | 25.0 |" in text
    assert "vision: encoder 1" in text
    assert "`a command`" in text
