"""Prefetching: process the next items in threads while the current result is in use, in order.

Frames of a video are independent until tracking, and small networks gain little from several cores. Each
frame is therefore encoded on its own share of the cores while earlier frames are rendered and written.
During prefetching, the thread pools of numpy's linear algebra are limited to that share, and the switch
interval of the Python interpreter is half a millisecond.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MAX_WORKERS = 4
"""Maximum number of concurrent frames if the number is not given; each frame takes memory."""
PATIENCE = 5e-4
"""Switch interval of the Python interpreter in seconds; the default of Python is 5e-3."""


def workers_of(asked: int) -> int:
    """Number of concurrent frames: ``asked``, or for 0 the number of torch threads, at most four."""
    return asked if asked > 0 else max(1, min(MAX_WORKERS, torch.get_num_threads()))


@contextmanager
def sharing_cores(each: int) -> Iterator[None]:
    """Limit the threads of all libraries to ``each``, and shorten the interpreter's switch interval."""
    threads, patience = torch.get_num_threads(), sys.getswitchinterval()
    torch.set_num_threads(each)
    sys.setswitchinterval(min(patience, PATIENCE))
    try:
        with threadpool_limits(each, user_api="blas"):
            yield
    finally:
        sys.setswitchinterval(patience)
        torch.set_num_threads(threads)  # torch threads that start later use this number too


def prefetch(
    items: Iterable[Item],
    work: Callable[[Item], Answer],
    workers: int = 1,
    key: Callable[[Item], object] = lambda item: item,
) -> Iterator[tuple[Item, Answer]]:
    """Yield every item with its result, in order; ``workers`` items are processed concurrently.

    Args:
        items: iterated by the thread that consumes the results, at most ``workers`` + 1 items in advance.
        work: function of an item; it runs in threads, so it must not change shared state.
        workers: number of threads. Torch's own threads are divided among them; until the last result, the
            consuming thread is limited to one share.
        key: consecutive items whose keys are the same object share one result.

    Raises:
        Exception: any exception of ``items`` or ``work``, after the results of all earlier items.
    """
    each = max(1, torch.get_num_threads() // workers)
    pool = ThreadPoolExecutor(workers, "ahead", initializer=torch.set_num_threads, initargs=(each,))
    waiting: deque[tuple[Item, Future[Answer]]] = deque()
    last: tuple[Item, Future[Answer]] | None = None
    broken: Exception | None = None
    source = iter(items)
    # The consuming thread has a share too: more threads than cores would block one another.
    with sharing_cores(each):
        try:
            while True:
                while broken is None and len(waiting) <= workers:
                    try:
                        item = next(source)
                    except StopIteration:
                        break
                    except Exception as error:  # results of earlier items come first
                        broken = error
                        break
                    same = last is not None and key(last[0]) is key(item)
                    last = item, last[1] if last is not None and same else pool.submit(work, item)
                    waiting.append(last)
                if not waiting:
                    break
                item, answer = waiting.popleft()
                yield item, answer.result()
            if broken is not None:
                raise broken
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
