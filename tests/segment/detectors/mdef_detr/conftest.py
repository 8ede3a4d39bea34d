"""Shared networks of small size with the reference weights."""

from __future__ import annotations

import copy

import pytest
import torch

from seac.segment.detectors.mdef_detr import MDefDetr, Sizes
from seac.segment.detectors.mdef_detr.sizes import text_of
from tests.segment.detectors.mdef_detr.weights import build_reference

TINY = Sizes(stem=4, channels=64, hidden=32, queries=20, classes=16)


@pytest.fixture(scope="session")
def tiny() -> MDefDetr:
    """A small network with the reference weights."""
    torch.set_num_threads(1)
    return build_reference(text_of(33400, 16, 16, 40), TINY)


@pytest.fixture(scope="session")
def double(tiny: MDefDetr) -> MDefDetr:
    """The small network in double precision, for images of any size.

    The coarsest map of a small image has a single location, whose group norm is over two channels. If these
    are nearly equal, the rounding of float32 changes the fourth digit of a logit.
    """
    return copy.deepcopy(tiny).double()
