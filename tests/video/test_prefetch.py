"""Prefetching gives the same results as a sequential loop."""

from __future__ import annotations

import sys
import threading
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from seac.video.prefetch import prefetch, workers_of


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers()), st.integers(1, 5))
def test_results_come_in_order_for_any_number_of_workers(items, workers):
    def slow(item):
        time.sleep((item % 7) / 5000)
        return item * 2

    assert list(prefetch(items, slow, workers)) == [(item, item * 2) for item in items]


def test_items_are_read_at_most_as_far_as_they_are_processed():
    read = 0

    def counting():
        nonlocal read
        for number in range(100):
            read += 1
            yield number

    for number, _ in prefetch(counting(), lambda item: item, 2):
        assert read <= number + 3


def test_the_same_image_is_encoded_once():
    looked = []
    still = object()
    answers = list(prefetch([still] * 9, lambda item: looked.append(item) or len(looked), 3))
    assert looked == [still]
    assert {answer for _, answer in answers} == {1}


@pytest.mark.parametrize("workers", [1, 3])
def test_results_before_an_error_come_first(workers):
    def broken():
        yield from range(4)
        raise ValueError("the end is missing")

    results = []
    with pytest.raises(ValueError, match="the end is missing"):
        results.extend(item for item, _ in prefetch(broken(), lambda item: item, workers))
    results = []
    with pytest.raises(ZeroDivisionError):
        results.extend(item for item, _ in prefetch([1, 2, 0, 3], lambda item: 1 / item, workers))
    assert results == [1, 2]


def test_an_early_stop_leaves_no_thread_and_restores_torch():
    before, threads = torch.get_num_threads(), threading.active_count()
    answers = prefetch(range(1000), lambda item: item, 3)
    next(answers)
    answers.close()
    assert threading.active_count() == threads
    found = []
    later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert found == [before] == [torch.get_num_threads()]


def test_cores_are_divided_among_workers():
    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        assert workers_of(0) == 4
        assert workers_of(2) == 2
        assert [answer for _, answer in prefetch([0, 1], lambda _: torch.get_num_threads(), 2)] == [2, 2]
    finally:
        torch.set_num_threads(threads)


def test_the_process_settings_are_restored() -> None:
    before = torch.get_num_threads(), sys.getswitchinterval(), blas_threads()
    during = [blas_threads() for _ in prefetch(range(3), lambda item: item, workers=torch.get_num_threads())]
    assert all(each <= 1 for number in during for each in number)
    assert (torch.get_num_threads(), sys.getswitchinterval(), blas_threads()) == before


def blas_threads() -> list[int]:
    """Thread limit of each linear algebra library."""
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
