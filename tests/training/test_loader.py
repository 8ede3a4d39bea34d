from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from seac.training.loader import Prefetch


def test_order_is_kept() -> None:
    assert list(Prefetch(range(20), lambda number: number * 2)) == list(range(0, 40, 2))


def test_making_goes_on_while_the_last_is_used() -> None:
    begun = [threading.Event() for _ in range(8)]

    def make(number: int) -> int:
        begun[number].set()
        time.sleep(0.001)
        return number

    loader = Prefetch(range(8), make)
    for number in loader:  # in use for as long as the next is not begun
        assert all(event.wait(timeout=60) for event in begun[number + 1 : number + 2])
    assert loader.busy >= 8 * 0.001
    assert loader.waited > 0  # for the first, at least


def test_a_mistake_is_raised_where_the_batch_is_asked_for() -> None:
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


def test_who_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    loader = iter(Prefetch(range(100), lambda number: number))
    next(loader)
    loader.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
