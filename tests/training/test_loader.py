from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from seac.training.loader import Prefetch


def test_order_is_kept() -> None:
    assert list(Prefetch(range(20), lambda number: number * 2)) == list(range(0, 40, 2))


def test_prefetch_continues_while_a_batch_is_used() -> None:
    begun = [threading.Event() for _ in range(8)]

    def make(number: int) -> int:
        begun[number].set()
        time.sleep(0.001)
        return number

    loader = Prefetch(range(8), make)
    for number in loader:  # the batch is in use until the next one is requested
        assert all(event.wait(timeout=60) for event in begun[number + 1 : number + 2])
    assert loader.busy >= 8 * 0.001
    assert loader.waited > 0  # at least for the first batch


def test_an_exception_is_raised_in_the_iterating_thread() -> None:
    def make(number: int) -> int:
        if number == 2:
            raise KeyError("clip 2")
        return number

    loader = iter(Prefetch(range(5), make))
    assert (next(loader), next(loader)) == (0, 1)
    with pytest.raises(KeyError, match="clip 2"):
        next(loader)


def test_prefetch_is_limited_to_the_depth() -> None:
    started: list[int] = []
    loader = iter(Prefetch(range(100), lambda number: started.append(number) or number, depth=2))
    next(loader)
    time.sleep(0.1)
    assert len(started) <= 4
    assert all(b == a + 1 for a, b in pairwise(started))


def test_an_early_stop_leaves_no_thread() -> None:
    before = threading.active_count()
    loader = iter(Prefetch(range(100), lambda number: number))
    next(loader)
    loader.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
