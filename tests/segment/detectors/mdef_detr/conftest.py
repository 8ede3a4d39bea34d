"""Networks that many tests share: the released size with the rule's weights, and a tiny one."""

from __future__ import annotations

import copy

import pytest
import torch

from seac.segment.detectors.mdef_detr import MDefDetr, Sizes
from seac.segment.detectors.mdef_detr.sizes import text_of
from tests.segment.detectors.mdef_detr.weights import ruled

TINY = Sizes(stem=4, channels=64, hidden=32, queries=20, classes=16)


@pytest.fixture(scope="session")
def tiny() -> MDefDetr:
    """A network small enough to ask many times, with the rule's weights."""
    torch.set_num_threads(1)
    return ruled(text_of(33400, 16, 16, 40), TINY)


@pytest.fixture(scope="session")
def double(tiny: MDefDetr) -> MDefDetr:
    """The tiny network in double precision, for pictures of any size.

    The smallest map of a small picture is a single cell, whose group norm is over two channels: where these
    are nearly equal, it turns the last bits of a float32 into the fourth digit of a logit.
    """
    return copy.deepcopy(tiny).double()
