"""Scorers: definition of batches and of positives."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from seac.datasets.clip import Clip
from seac.datasets.flickr_soundnet import FlickrSoundNet
from seac.evaluation.answer import ClipAnswer
from seac.evaluation.scorers import MIN_HEAT, BoxScorer, MaskScorer
from seac.metrics.functional import avsbench
from seac.metrics.functional.avsbench import ROW, averages, frame_curves, frame_rows, pour

CLIP = Clip("c", "c", "test", None, (Path("f"),), Path("s"))
INSIDE, OUTSIDE = (0.0, 0.0, 0.5, 0.5), (-2.9e16, -2.9e16, -1.0, -1.0)


def answer(heatmaps: Tensor, confidence: float = 0.5) -> ClipAnswer:
    frames = len(heatmaps)
    sure = torch.full((frames,), confidence)
    return ClipAnswer(heatmaps, sure, sure > 0, None, torch.full((frames,), float("nan")))


def clips_of(lengths: list[int]) -> list[tuple[Tensor, Tensor]]:
    """Heatmaps and masks of clips; about a quarter of the frames is empty."""
    rng = torch.Generator().manual_seed(sum(lengths))
    found = []
    for frames in lengths:
        heatmaps = torch.rand(frames, 6, 6, generator=rng)
        masks = heatmaps + torch.randn(frames, 6, 6, generator=rng) / 4 > 0.6
        masks[torch.rand(frames, generator=rng) < 0.25] = False
        found.append((heatmaps, masks))
    return found


def official(clips: list[tuple[Tensor, Tensor]]) -> dict[str, float]:
    scorer = MaskScorer(0.5)
    for heatmaps, masks in clips:
        scorer.add(replace(CLIP, frames=CLIP.frames * len(masks)), answer(heatmaps), masks)
    return scorer.protocols()["official"]


def joined(clips: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Logits and masks of all frames."""
    heatmaps, masks = (torch.cat(parts) for parts in zip(*clips, strict=True))
    return torch.logit(heatmaps, eps=MIN_HEAT), masks


@pytest.mark.parametrize("clips", [1, 4, 6, 8])
def test_clips_of_one_length_are_scored_as_their_frames_are(clips: int) -> None:
    given = clips_of([5] * clips)
    rest, closed = torch.zeros(ROW, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for clip in given:
        rest, closed = pour(rest, closed, frame_rows(frame_curves(*joined([clip]))), 20)
    assert official(given) == averages(rest[None], closed)
    assert official(given) == pytest.approx(avsbench(*joined(given)))


@pytest.mark.parametrize(
    "lengths", [[1, 1, 2, 5, 5, 5], [5, 5, 5, 1, 1, 1, 1, 1, 5], [1, 5, 1, 5, 1, 5, 1, 5]]
)
def test_a_batch_is_four_clips_however_long_they_are(lengths: list[int]) -> None:
    clips = clips_of(lengths)
    batches = [clips[first : first + 4] for first in range(0, len(clips), 4)]
    alone = [avsbench(*joined(batch), clips_per_batch=None) for batch in batches]
    wanted = {name: sum(one[name] for one in alone) / len(alone) for name in ("miou", "fscore")}
    assert official(clips) == pytest.approx(wanted)


def test_a_clip_without_truth_has_no_f() -> None:
    own, ious = MaskScorer(0.5).add(
        CLIP, answer(torch.zeros(1, 4, 4)), torch.zeros(1, 4, 4, dtype=torch.bool)
    )
    assert math.isnan(own["fscore"])
    assert (own["iou"], own["iou_fixed"], ious) == (1.0, 1.0, [1.0])


def boxes(*given: tuple[Clip, Tensor], extended: bool = False) -> dict[str, float]:
    """Metrics of clips whose heatmap is the upper left quarter, by descending confidence."""
    heatmap = torch.zeros(1, 8, 8)
    heatmap[:, :4, :4] = 1
    scorer = BoxScorer(0.5, extended=extended)
    for number, (clip, truth) in enumerate(given):
        scorer.add(clip, answer(heatmap, 1 - number / 10), truth)
    return scorer.protocols()["fixed"]


QUARTER = torch.zeros(1, 8, 8)
QUARTER[:, :4, :4] = 1
FOUND = (replace(CLIP, boxes=(INSIDE,)), QUARTER)
LOST = (replace(CLIP, boxes=(OUTSIDE,)), torch.zeros(1, 8, 8))
SILENT = (replace(CLIP, visible=False), torch.zeros(1, 8, 8))


def test_a_clip_whose_boxes_lie_outside_is_a_positive_that_is_never_found() -> None:
    assert boxes(FOUND, LOST)["ciou"] == 0.5
    assert boxes(FOUND, LOST)["auc"] < boxes(FOUND)["auc"]
    assert boxes(FOUND, LOST, extended=True)["loc_acc"] == 0.5
    # The positive is missed at the highest threshold, so the recall is .5 in place of 1.
    assert boxes(FOUND, LOST, extended=True)["max_f1"] == pytest.approx(2 / 3)
    assert boxes(FOUND, SILENT, extended=True)["max_f1"] == 1.0


def test_a_clip_without_boxes_is_no_positive() -> None:
    assert boxes(FOUND, SILENT) == boxes(FOUND)
    assert boxes(FOUND, SILENT, extended=True)["loc_acc"] == 1.0


def test_a_clip_of_flickr_is_a_positive_though_its_boxes_stay_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    corners = "<xmin>{0}</xmin><ymin>{0}</ymin><xmax>{1}</xmax><ymax>{1}</ymax>"
    for name, where in (("here", (0, 128)), ("outside", (-9, -5))):
        box = f"<a><bbox>{corners.format(*where)}</bbox></a>"
        (tmp_path / f"annotations/{name}.xml").write_text(box)
    reader = FlickrSoundNet(tmp_path)
    scorer = BoxScorer(0.5, extended=False)
    for clip in reader.clips:
        truth = reader.truth(clip)
        heatmap = torch.zeros(truth.shape)
        heatmap[:, :112, :112] = 1
        scorer.add(clip, answer(heatmap), truth)
    assert scorer.protocols()["fixed"]["ciou"] == 0.5
