"""Work on the next items while the last one is being used: answers in order, a few at a time.

Frames of a video do not wait for one another until they are tracked, and small networks gain little from
several cores each; so a frame gets a core, and while it is drawn and written the next ones are looked at.
Whoever has a core keeps to it: numpy's linear algebra, too, takes no more threads meanwhile, and a thread
waits for Python itself half a millisecond at most.
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
"""Frames at once when nobody says how many: each takes memory."""
PATIENCE = 5e-4
"""Seconds that a thread runs Python while another wants to; Python's own are ten times as many."""


def workers_of(asked: int) -> int:
    """How many frames at once: as asked, or for 0 as many as torch may use cores, at most four."""
    return asked if asked > 0 else max(1, min(MAX_WORKERS, torch.get_num_threads()))


@contextmanager
def sharing_cores(each: int) -> Iterator[None]:
    """While several threads work: no library has more than ``each`` cores, and none waits long for Python."""
    threads, patience = torch.get_num_threads(), sys.getswitchinterval()
    torch.set_num_threads(each)
    sys.setswitchinterval(min(patience, PATIENCE))
    try:
        with threadpool_limits(each, user_api="blas"):
            yield
    finally:
        sys.setswitchinterval(patience)
        torch.set_num_threads(threads)  # the workers' number is also that of threads yet to come


def prefetch(
    items: Iterable[Item],
    work: Callable[[Item], Answer],
    workers: int = 1,
    key: Callable[[Item], object] = lambda item: item,
) -> Iterator[tuple[Item, Answer]]:
    """Every item with its answer, in order, ``workers`` of them worked on at a time.

    Args:
        items: asked for by the thread that reads the answers, never more than ``workers`` + 1 too early.
        work: run in threads, so it must not change what others see.
        workers: threads; torch's own threads are divided among them, and until the last answer the
            thread that reads has no more than one share.
        key: items in a row whose keys are one and the same object share one answer.

    Raises:
        What ``items`` or ``work`` raises, when its turn comes.
    """
    each = max(1, torch.get_num_threads() // workers)
    pool = ThreadPoolExecutor(workers, "ahead", initializer=torch.set_num_threads, initargs=(each,))
    waiting: deque[tuple[Item, Future[Answer]]] = deque()
    last: tuple[Item, Future[Answer]] | None = None
    broken: Exception | None = None
    source = iter(items)
    with sharing_cores(each):  # who reads has a share too: more threads than cores wait for one another
        try:
            while True:
                while broken is None and len(waiting) <= workers:
                    try:
                        item = next(source)
                    except StopIteration:
                        break
                    except Exception as error:  # frames before the broken one are answered first
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
