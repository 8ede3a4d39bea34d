"""Run-length codes are checked before native code reads them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from seac.core.run_length import checked_codes, read_runs

SIZE = (9, 7)


def encode(mask: np.ndarray) -> bytes:
    return bytes(coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"])


@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40), st.floats(0, 1))
def test_codes_of_pycocotools_are_accepted_and_read_as_their_runs(seed, height, width, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat]).astype(int)))
    runs = np.diff(np.concatenate([[0], edges, [height * width]]))
    assert read_runs(encode(mask)).tolist() == runs.tolist()
    (found,) = checked_codes([encode(mask)], (height, width))
    assert np.array_equal(coco.decode(found), mask)


@settings(max_examples=300)
@given(st.binary(max_size=30) | st.lists(st.sampled_from(b"01@PQ`op~\x00\xff"), max_size=12).map(bytes))
def test_any_bytes_are_refused_or_cover_the_mask(code):
    try:
        found = checked_codes([code], SIZE)
    except ValueError:
        return
    assert int(read_runs(code).sum()) == SIZE[0] * SIZE[1]
    assert coco.decode(found).shape == (*SIZE, 1)


@pytest.mark.parametrize("size", [(0, 3), (3, 0), (-1, -1), (2**16, 2**16), (7, 9)])
def test_a_code_of_another_size_is_refused(size):
    code = encode(np.eye(*SIZE, dtype=bool))
    if size == (7, 9):  # as many pixels
        checked_codes([code], size)
        return
    with pytest.raises(ValueError, match="a mask"):
        checked_codes([code], size)


@pytest.mark.parametrize("code", [b"", b"`", b"ooooooooo0", b"\xff", b"n1"])
def test_damaged_codes_are_refused(code):
    with pytest.raises(ValueError, match=r"a mask is no|letters"):
        checked_codes([code], SIZE)
