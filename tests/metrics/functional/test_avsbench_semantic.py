"""AVSBench-semantic: frames, padding and the confusion matrix."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import avsbench_semantic

C = 4


def scene(frames: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    target = torch.randint(0, C - 1, (frames, 6, 6), generator=rng)  # class 3 is never true
    labels = torch.where(
        torch.rand(target.shape, generator=rng) < 0.4,
        torch.randint(0, C, target.shape, generator=rng),
        target,
    )
    return labels, target


def slow(labels: Tensor, target: Tensor) -> dict[str, float]:
    """The official protocol, class by class and frame by frame."""
    ious, fs = [], []
    for k in range(C):
        iou, f, count = 0.0, 0.0, 0
        for p, t in zip(labels == k, target == k, strict=True):
            both, union = int((p & t).sum()), int((p | t).sum())
            if union:
                count += 1
                iou += both / union
            if both:
                precision, recall = both / int(p.sum()), both / int(t.sum())
                f += 1.3 * precision * recall / (0.3 * precision + recall)
        ious.append(iou / count if count else 0.0)
        fs.append(f / count if count else 0.0)
    return {"miou": sum(ious) / C, "fscore": sum(fs) / C}


@given(st.integers(0, 2**31))
@settings(max_examples=20)
def test_official_equals_the_slow_reference(seed: int) -> None:
    labels, target = scene(10, seed)
    found = avsbench_semantic(labels, target, num_classes=C)
    assert {name: found[name] for name in ("miou", "fscore")} == pytest.approx(slow(labels, target))


def test_scores_count_by_their_highest_class() -> None:
    labels, target = scene(10)
    scores = torch.nn.functional.one_hot(labels, C).permute(0, 3, 1, 2).float() - 3
    by_scores, by_labels = (avsbench_semantic(given_, target, num_classes=C) for given_ in (scores, labels))
    assert by_scores["miou"] == by_labels["miou"]
    assert torch.equal(torch.as_tensor(by_scores["per_class"]), torch.as_tensor(by_labels["per_class"]))


def test_short_clips_are_padded_with_background_rightly_found() -> None:
    labels, target = scene(15)
    padded = [torch.cat([x[:5], torch.zeros(5, 6, 6, dtype=x.dtype), x[5:]]) for x in (labels, target)]
    by_lengths = avsbench_semantic(labels, target, num_classes=C, clip_lengths=[5, 10])
    by_frames = avsbench_semantic(*padded, num_classes=C)
    assert by_lengths["miou"] == pytest.approx(by_frames["miou"])
    assert by_lengths["fscore"] == pytest.approx(by_frames["fscore"])


def test_a_clip_longer_than_the_padding_is_not_padded() -> None:
    labels, target = scene(20)
    by_lengths = avsbench_semantic(labels, target, num_classes=C, clip_lengths=[12, 8])
    padded = [torch.cat([x, torch.zeros(2, 6, 6, dtype=x.dtype)]) for x in (labels, target)]
    by_frames = avsbench_semantic(*padded, num_classes=C, frames_per_clip=22)
    assert by_lengths["miou"] == pytest.approx(by_frames["miou"])


def test_padding_does_not_enter_the_data_set_protocol() -> None:
    labels, target = scene(5)
    plain = avsbench_semantic(labels, target, num_classes=C, protocol="dataset")
    assert avsbench_semantic(labels, target, num_classes=C, protocol="dataset", clip_lengths=[5])[
        "miou"
    ] == pytest.approx(plain["miou"])


def test_data_set_protocol_is_one_confusion_matrix() -> None:
    labels, target = scene(7)
    matrix = np.zeros((C, C))
    np.add.at(matrix, (target.numpy().ravel(), labels.numpy().ravel()), 1)
    both, area = np.diag(matrix), matrix.sum(0) + matrix.sum(1)
    found = avsbench_semantic(labels, target, num_classes=C, protocol="dataset")
    np.testing.assert_allclose(torch.as_tensor(found["per_class"]), both / (area - both))
    assert found["miou"] == pytest.approx((both / (area - both)).mean())


def test_a_class_that_never_occurs_is_0_officially_and_left_out_of_the_data_set() -> None:
    _, target = scene(10)
    official, dataset = (
        avsbench_semantic(target, target, num_classes=C, protocol=protocol)
        for protocol in ("official", "dataset")
    )
    assert official["miou"] == pytest.approx((C - 1) / C)
    assert dataset["miou"] == dataset["fscore"] == 1.0
    assert torch.as_tensor(official["per_class"])[3] == 0
    assert torch.as_tensor(dataset["per_class"])[3].isnan()


def test_figures_of_classes_average_to_the_figure() -> None:
    labels, target = scene(10)
    for protocol in ("official", "dataset"):
        found = avsbench_semantic(labels, target, num_classes=C, protocol=protocol)
        assert float(found["per_class"].nanmean()) == pytest.approx(found["miou"])
        assert float(found["per_class_fscore"].nanmean()) == pytest.approx(found["fscore"])


@given(st.integers(0, 2**31))
@settings(max_examples=10)
def test_order_of_frames_does_not_matter(seed: int) -> None:
    labels, target = scene(10, seed)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(seed))
    for protocol in ("official", "dataset"):
        straight, shuffled = (
            avsbench_semantic(x, y, num_classes=C, protocol=protocol)
            for x, y in ((labels, target), (labels[order], target[order]))
        )
        assert straight["miou"] == pytest.approx(shuffled["miou"])


ten = torch.zeros(10, 3, 3, dtype=torch.long)


@pytest.mark.parametrize(
    ("scores", "target", "settings_", "message"),
    [
        (ten[:5], ten[:5], {}, "5 frames are not whole clips of 10: pass clip_lengths"),
        (ten, ten, {"clip_lengths": [5, 4]}, "sum to 9"),
        (ten, ten, {"clip_lengths": [0, 10]}, "lengths of 1 to 10"),
        (ten, ten.float(), {}, "target is torch.float32: pass integers"),
        (ten, ten + C, {}, "target spans 4 to 4: pass 0 to 3"),
        (ten - 1, ten, {}, "labels spans -1 to -1"),
        (torch.zeros(10, 5, 3, 3), ten, {}, "scores have 5 classes, num_classes is 4"),
        (torch.zeros(10, 4, 3, 3) / 0, ten, {}, "NaN"),
        (torch.zeros(10, 4, 2, 3), ten, {}, "differ"),
        (ten.float(), ten, {}, "labels is torch.float32: pass integers"),
        (ten, ten, {"protocol": "best"}, "protocol is 'best': pass one of official, dataset"),
        (ten, ten, {"num_classes": 0}, "num_classes is 0"),
    ],
)
def test_unusable_input_is_one_clear_line(
    scores: Tensor, target: Tensor, settings_: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        avsbench_semantic(scores, target, **{"num_classes": C, **settings_})
    assert "\n" not in str(caught.value)
