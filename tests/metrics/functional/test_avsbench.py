"""AVSBench S4 and MS3: details of the protocol, against a slow reference implementation."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import avsbench
from seac.metrics.functional.avsbench import (
    ROW,
    avsbench_fixed,
    frame_curves,
    frame_rows,
    pour,
)


def scene(frames: int, seed: int = 0, size: int = 8) -> tuple[Tensor, Tensor]:
    """Random logits and masks; about a quarter of the frames is empty."""
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(frames, size, size, generator=rng) * 4
    masks = torch.randn(frames, size, size, generator=rng) + logits / 4 > 0.5
    masks[torch.rand(frames, generator=rng) < 0.25] = False
    return logits, masks


def slow(logits: Tensor, masks: Tensor, frames_per_batch: int) -> dict[str, float]:
    """The official protocol, as specified in PROTOCOLS.md."""
    miou, fscore = [], []
    for x, g in zip(logits.split(frames_per_batch), masks.split(frames_per_batch), strict=True):
        p = x.sigmoid()
        ious, curves = [], []
        for prob, true in zip(p, g, strict=True):
            on = prob > 0.5
            if not true.any():
                ious.append((~on).float().mean().item())
                continue
            ious.append(((on & true).sum() / ((on | true).sum() + 1e-7)).item())
            curve = []
            for cut in torch.linspace(0, 1 - 1e-10, 255):
                active = prob >= cut
                tp = float((active & true).sum())
                precision, recall = tp / (float(active.sum()) + 1e-20), tp / (float(true.sum()) + 1e-20)
                curve.append(1.3 * precision * recall / (0.3 * precision + recall) if tp else 0.0)
            curves.append(curve)
        miou.append(sum(ious) / len(ious))
        fscore.append(max(sum(at) / len(curves) for at in zip(*curves, strict=True)) if curves else 0.0)
    return {"miou": sum(miou) / len(miou), "fscore": sum(fscore) / len(fscore)}


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
@settings(max_examples=15)
def test_official_equals_the_slow_reference(seed: int, clips: int, clips_per_batch: int, length: int) -> None:
    logits, masks = scene(clips * length, seed, size=5)
    found = avsbench(logits, masks, frames_per_clip=length, clips_per_batch=clips_per_batch)
    assert found == pytest.approx(slow(logits, masks, length * clips_per_batch), abs=1e-6)


def test_a_last_batch_of_fewer_clips_counts_as_much_as_any() -> None:
    logits, masks = scene(15)
    found = avsbench(logits, masks, clips_per_batch=2)
    halves = [avsbench(logits[cut], masks[cut], clips_per_batch=2) for cut in (slice(0, 10), slice(10, 15))]
    for name in found:
        assert found[name] == pytest.approx((halves[0][name] + halves[1][name]) / 2)


def test_a_batch_without_truth_has_f_0_and_the_iou_of_inactive_pixels() -> None:
    logits = torch.full((5, 4, 4), -9.0)
    logits[:, 0] = 9
    assert avsbench(logits, torch.zeros(5, 4, 4, dtype=torch.bool)) == {"miou": 0.75, "fscore": 0.0}


def test_one_batch_of_everything_is_the_data_set_protocol() -> None:
    logits, masks = scene(20)
    whole = avsbench(logits, masks, clips_per_batch=None)
    assert avsbench(logits, masks, clips_per_batch=4) == pytest.approx(whole)
    assert avsbench(logits, masks, clips_per_batch=99) == pytest.approx(whole)


@given(st.integers(0, 2**31))
@settings(max_examples=15)
def test_order_of_frames_does_not_matter_to_the_data_set_protocol(seed: int) -> None:
    logits, masks = scene(9, seed)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(seed))
    shuffled = avsbench(logits[order], masks[order], clips_per_batch=None)
    assert avsbench(logits, masks, clips_per_batch=None) == pytest.approx(shuffled)


def test_order_of_clips_does_matter_to_the_official_f() -> None:
    logits, masks = scene(40, seed=3)
    order = torch.arange(40).view(8, 5)[[0, 2, 4, 6, 1, 3, 5, 7]].flatten()
    assert avsbench(logits, masks, clips_per_batch=2)["fscore"] != pytest.approx(
        avsbench(logits[order], masks[order], clips_per_batch=2)["fscore"], abs=1e-6
    )


@pytest.mark.parametrize("clips_per_batch", [4, None])
def test_a_perfect_prediction_gives_1(clips_per_batch: int | None) -> None:
    _, masks = scene(20)
    masks[:, 0, 0] = True
    logits = torch.where(masks, math.inf, -math.inf)  # torch.logit of a 0/1 heatmap
    found = avsbench(logits, masks, clips_per_batch=clips_per_batch)
    assert found == pytest.approx({"miou": 1.0, "fscore": 1.0}, abs=1e-6)


def test_a_logit_too_small_to_move_the_sigmoid_is_not_above_half() -> None:
    masks = torch.ones(5, 2, 2, dtype=torch.bool)
    assert avsbench(torch.full((5, 2, 2), 1e-9), masks)["miou"] == 0.0


def test_half_precision_is_scored_as_its_single_precision() -> None:
    logits, masks = scene(5)
    half = logits.half()
    assert avsbench(half, masks) == avsbench(half.float(), masks)


def test_strided_frames_score_like_their_copies() -> None:
    logits, masks = scene(5, size=9)
    turned = avsbench(logits.transpose(1, 2), masks.transpose(1, 2))
    assert turned == pytest.approx(avsbench(logits, masks))


def test_iou_of_frames_averages_to_miou_and_frames_without_truth_are_not_occupied() -> None:
    logits, masks = scene(10, seed=5)
    curves = frame_curves(logits, masks)
    assert float(curves.iou.mean()) == pytest.approx(avsbench(logits, masks, clips_per_batch=None)["miou"])
    assert torch.equal(curves.occupied, masks.any(2).any(1))


def test_a_fixed_threshold_takes_no_sigmoid_and_is_strict() -> None:
    masks = torch.tensor([[[True, True, False, False]], [[False] * 4]])
    heatmaps = torch.tensor([[[0.9, 0.4, 0.6, 0.0]], [[0.4, 0.5, 0.0, 0.0]]])
    found = avsbench_fixed(heatmaps, masks, threshold=0.4)
    precision = recall = 0.5
    assert found["miou"] == pytest.approx((1 / 3 + 3 / 4) / 2, abs=1e-6)
    assert found["fscore"] == pytest.approx(1.3 * precision * recall / (0.3 * precision + recall))


def test_frames_scored_together_are_frames_scored_alone() -> None:
    logits, masks = scene(6)  # a GPU takes blocks, the CPU one at a time
    together = frame_curves(logits, masks)
    alone = torch.cat([frame_curves(logits[at : at + 1], masks[at : at + 1]).iou for at in range(6)])
    torch.testing.assert_close(together.iou, alone, rtol=0, atol=1e-12)
    assert together.iou.dtype == together.precision.dtype == together.recall.dtype == torch.float64


@pytest.mark.gpu
def test_a_gpu_gives_the_figures_of_the_cpu() -> None:
    logits, masks = scene(200, size=32)
    for clips in (4, None):
        on_gpu = avsbench(logits.cuda(), masks.cuda(), clips_per_batch=clips)
        assert on_gpu == pytest.approx(avsbench(logits, masks, clips_per_batch=clips), abs=1e-6)


@pytest.mark.parametrize("size", [0, 4, 5])
def test_a_size_that_shrinks_while_a_batch_is_open_is_refused(size: int) -> None:
    rows = frame_rows(frame_curves(*scene(5)))
    rest, closed = torch.zeros(ROW, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    rest, closed = pour(rest, closed, rows, 20)
    with pytest.raises(InputError, match=f"holds 5 frames and a full one {size}: pour with one size"):
        pour(rest, closed, rows, size)


bad = torch.zeros(5, 4, 4)
true = torch.zeros(5, 4, 4, dtype=torch.bool)


@pytest.mark.parametrize(
    ("logits", "masks", "settings_", "message"),
    [
        (bad[0], true[0], {}, r"logits has shape \(4, 4\)"),
        (bad, true[:4], {}, "differ"),
        (bad[:0], true[:0], {}, "nothing to score"),
        (bad, bad, {}, "masks is torch.float32: pass bool"),
        (bad, true.byte(), {}, "masks is torch.uint8: pass bool"),
        (bad.long(), true, {}, "logits is torch.int64: pass floating point"),
        (bad / 0, true, {}, "NaN"),
        (bad[:4], true[:4], {}, "4 frames are not whole clips of 5"),
        (bad, true, {"frames_per_clip": 0}, "frames_per_clip is 0"),
        (bad, true, {"clips_per_batch": 0}, "clips_per_batch is 0"),
        (bad, true, {"clips_per_batch": 2.5}, "clips_per_batch is 2.5"),
        (bad.numpy(), true, {}, "logits is a ndarray: pass a tensor"),
    ],
)
def test_unusable_input_is_one_clear_line(
    logits: Tensor, masks: Tensor, settings_: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        avsbench(logits, masks, **settings_)
    assert "\n" not in str(caught.value)


def test_heatmaps_out_of_range_are_refused_at_a_fixed_threshold() -> None:
    with pytest.raises(InputError, match=r"heatmaps spans \[0, 3\]"):
        avsbench_fixed(torch.tensor([[[0.0, 3.0]]]), torch.tensor([[[True, False]]]))
