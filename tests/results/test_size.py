"""An hour of video takes less than 200 MB, and memory does not grow with its length."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.decide import store_size, write_hour
from seac.results.decide import decide
from seac.results.reader import open_result
from seac.results.rle import encode_rle
from tests.results.synthetic import make_info, make_masks, make_values, write_result

MINUTES = 1
LIMIT = 200_000_000
SIZE = (256, 448)


def test_an_hour_takes_less_than_200_mb(tmp_path: Path) -> None:
    frames, steps, tracks = make_values(0, 4)
    rng = np.random.default_rng(0)
    ragged = [
        replace(frame, masks=encode_rle(make_masks(rng, len(frame), SIZE) & (rng.uniform(size=SIZE) < 0.999)))
        for frame in frames
    ]
    info = replace(make_info(), size=SIZE, original_size=SIZE)
    first = open_result(write_result(tmp_path / "first", (ragged, steps, tracks), info))
    hour = tmp_path / "hour"
    write_hour(hour, first, masks=20, rate=2.0, tracks=4000 * MINUTES // 60, seconds=60 * MINUTES)
    assert store_size(hour) * 60 / MINUTES < LIMIT
    found = open_result(hour)
    assert (len(found), len(found.steps)) == (120 * MINUTES, 600 * MINUTES)
    decide(found)


def test_key_frames_are_read_in_groups(tmp_path: Path) -> None:
    """Reading 2,000 key frames one by one holds no more than reading 500."""
    peaks = []
    for count in (500, 2000):
        result = open_result(write_result(tmp_path / str(count), make_values(1, count)))
        tracemalloc.start()
        for _ in result.key_frames():
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
