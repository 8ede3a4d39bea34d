"""Prefetch of batches on a thread, with measured waiting time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Given = TypeVar("Given")
Output = TypeVar("Output")


class Prefetch(Generic[Given, Output]):
    """Iterator over ``make(item)`` in order; results are prefetched on one thread.

    Args:
        given: input items, in order.
        make: function that makes a result; its exceptions are raised in the iterating thread.
        depth: maximum number of waiting results; bounds memory.

    Attributes:
        waited: seconds that the iterating thread has waited.
        busy: seconds that the prefetch thread has spent in ``make``.
    """

    def __init__(self, given: Iterable[Given], make: Callable[[Given], Output], depth: int = 2) -> None:
        self.waited = 0.0
        self.busy = 0.0
        self._given = given
        self._make = make
        self._ready: queue.Queue[Output | BaseException | None] = queue.Queue(max(1, depth))
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prefetch", daemon=True)

    def __iter__(self) -> Iterator[Output]:
        self._thread.start()
        try:
            while True:
                began = time.perf_counter()
                item = self._ready.get()
                self.waited += time.perf_counter() - began
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._stop()

    def _work(self) -> None:
        try:
            for each in self._given:
                began = time.perf_counter()
                item = self._make(each)
                self.busy += time.perf_counter() - began
                if not self._put(item):
                    return
            self._put(None)
        except BaseException as error:  # raised again in the iterating thread
            self._put(error)

    def _put(self, item: Output | BaseException | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def _stop(self) -> None:
        self._stopped.set()
        self._thread.join()
