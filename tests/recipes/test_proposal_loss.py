"""The loss of proposals: a batch is its pictures, and cells lie where the network has them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recipes.proposal_net.loss import MOST_POSITIVE, loss_of, targets_of
from seac.segment.proposal_net.model import Cells, ProposalNet, grid_of

HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module")
def cells() -> Cells:
    torch.manual_seed(0)
    found: Cells = ProposalNet().eval()(torch.randn(3, 3, HEIGHT, WIDTH))
    return found


def masks() -> list[Tensor]:
    """Two things, none, and one, at stride 4."""
    first = torch.zeros(2, HEIGHT // 4, WIDTH // 4)
    first[0, 2:9, 3:10], first[1, 8:15, 12:22] = 1, 1
    third = torch.zeros(1, HEIGHT // 4, WIDTH // 4)
    third[0, 1:14, 4:20] = 0.75
    return [first, first[:0], third]


def picture(cells: Cells, index: int) -> Cells:
    one = slice(index, index + 1)
    return Cells(
        cells.logits[one],
        cells.kernels[one],
        cells.centres,
        cells.strides,
        cells.features[one],
        cells.context[one],
        cells.edges[one],
        cells.taps,
    )


def drawn() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_cells_lie_row_by_row_from_the_finest_level_on(cells: Cells) -> None:
    expected = [
        (x, y, stride)
        for stride in (8, 16, 32)
        for y in range(stride // 2, HEIGHT, stride)
        for x in range(stride // 2, WIDTH, stride)
    ]
    for centres, strides in ((cells.centres, cells.strides), grid_of(HEIGHT, WIDTH, torch.zeros(()))):
        assert torch.cat([centres, strides[:, None]], 1).tolist() == [list(map(float, c)) for c in expected]
    assert cells.logits.shape == (3, len(expected))


def test_a_batch_is_the_sum_of_its_pictures(cells: Cells) -> None:
    together = loss_of(cells, targets_of(masks(), HEIGHT, WIDTH, drawn()))
    generator, parts, counts = drawn(), [], []
    for index, true in enumerate(masks()):
        targets = targets_of([true], HEIGHT, WIDTH, generator)
        parts.append(loss_of(picture(cells, index), targets))
        counts.append(int(targets.counted.sum()))
    assert counts[0] > 0 == counts[1] < counts[2]
    total = sum(counts)
    for name in ("dice", "bce", "iou"):
        each = sum(getattr(p, name) * n for p, n in zip(parts, counts, strict=True)) / total
        torch.testing.assert_close(getattr(together, name), each)
    score = sum(p.score * max(n, 1) for p, n in zip(parts, counts, strict=True)) / total
    torch.testing.assert_close(together.score, score)


def test_what_fills_a_row_up_teaches_nothing(cells: Cells) -> None:
    targets = targets_of(masks(), HEIGHT, WIDTH, drawn())
    before = loss_of(cells, targets).total
    targets.masks[~targets.counted] = 1
    targets.chosen[~targets.counted] = 7
    torch.testing.assert_close(loss_of(cells, targets).total, before)
    assert targets.chosen.shape == (3, MOST_POSITIVE)


def test_a_batch_of_nothing_teaches_that_nothing_is_there(cells: Cells) -> None:
    loss = loss_of(cells, targets_of([masks()[1]] * 3, HEIGHT, WIDTH, drawn()))
    assert loss.dice == loss.bce == loss.iou == 0
    assert loss.score > 0
    assert torch.isfinite(loss.total)
