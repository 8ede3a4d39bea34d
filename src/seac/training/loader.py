"""Batches made ready on a thread while the last one is learnt from; how long learning waits is measured."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


class Prefetch(Generic[Given, Made]):
    """Iterates over ``make(each)``, a few ahead, in order; made on one thread.

    Args:
        given: what there is to make, in order.
        make: makes one; what it raises is raised where the thing is asked for.
        ahead: how many may wait; bounds memory.

    Attributes:
        waited: seconds that the one who iterates has waited.
        busy: seconds that the thread has spent making.
    """

    def __init__(self, given: Iterable[Given], make: Callable[[Given], Made], ahead: int = 2) -> None:
        self.waited = 0.0
        self.busy = 0.0
        self._given = given
        self._make = make
        self._ready: queue.Queue[Made | BaseException | None] = queue.Queue(max(1, ahead))
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prefetch", daemon=True)

    def __iter__(self) -> Iterator[Made]:
        self._thread.start()
        try:
            while True:
                began = time.perf_counter()
                made = self._ready.get()
                self.waited += time.perf_counter() - began
                if made is None:
                    return
                if isinstance(made, BaseException):
                    raise made
                yield made
        finally:
            self._stop()

    def _work(self) -> None:
        try:
            for each in self._given:
                began = time.perf_counter()
                made = self._make(each)
                self.busy += time.perf_counter() - began
                if not self._put(made):
                    return
            self._put(None)
        except BaseException as error:  # raised again where the batch is asked for
            self._put(error)

    def _put(self, made: Made | BaseException | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._ready.put(made, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def _stop(self) -> None:
        self._stopped.set()
        self._thread.join()
