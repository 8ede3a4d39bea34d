"""Batches made ready on a thread while the last one is learnt from; how long learning waits is measured."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Given = TypeVar("Given")
Output = TypeVar("Output")


class Prefetch(Generic[Given, Output]):
    """Iterates over ``make(each)``, a few ahead, in order; made on one thread.

    Args:
        given: what there is to make, in order.
        make: makes one; what it raises is raised where the thing is asked for.
        depth: how many may wait; bounds memory.

    Attributes:
        waited: seconds that the one who iterates has waited.
        busy: seconds that the thread has spent making.
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
        except BaseException as error:  # raised again where the batch is asked for
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
