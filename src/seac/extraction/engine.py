"""Local extraction engines: in this process, or in worker processes. ``ray_engine`` runs on a Ray cluster.

An engine maps pairs to outcomes in any order. Only a few outcomes are buffered, so a slow consumer slows the
engine down.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Protocol

import torch

from seac.core.errors import InputError
from seac.datasets.pairs.pair import Pair
from seac.extraction.worker import Extractor, Outcome, Recipe
from seac.pipeline import SeAC

MAX_ATTEMPTS = 2
"""Worker deaths on one clip after which the clip counts as unreadable."""

PREFETCH = 2
"""Clips queued per worker, so that a worker does not wait for its next clip."""


class Engine(Protocol):
    """Runs :class:`Extractor` over pairs; ``name`` describes the engine in log messages."""

    name: str

    def run(self, recipe: Recipe, pairs: Iterable[Pair]) -> Iterator[Outcome]:
        """Yield one outcome per pair, in any order.

        Raises:
            InputError: the engine cannot be started.
        """
        ...


class InProcessEngine:
    """Processes clips one by one in this process.

    Args:
        model: the recipe's model, if it is already loaded.
    """

    name = "in process"

    def __init__(self, model: SeAC | None = None) -> None:
        self._model = model

    def run(self, recipe: Recipe, pairs: Iterable[Pair]) -> Iterator[Outcome]:
        """See :class:`Engine`."""
        extract = Extractor(recipe, self._model)
        for pair in pairs:
            yield extract(pair)


class ProcessEngine:
    """Runs worker processes on this machine; each has its own model and an equal share of the cores.

    A worker that dies is replaced and its clip is retried once; a clip on which two workers died is
    unreadable. Workers are daemons: they end with this process, however it ends.

    Args:
        workers: number of worker processes.
    """

    def __init__(self, workers: int) -> None:
        self.name = f"{workers} processes"
        self._workers = workers

    def run(self, recipe: Recipe, pairs: Iterable[Pair]) -> Iterator[Outcome]:
        """See :class:`Engine`."""
        backlog = _Backlog(iter(pairs))
        threads = max(1, torch.get_num_threads() // self._workers)
        workers: list[_Worker] = []
        try:
            workers += [_Worker.start(recipe, threads) for _ in range(self._workers)]
            for worker in workers:
                worker.fill(backlog)
            while busy := [worker for worker in workers if worker.pairs]:
                ready = wait([worker.pipe for worker in busy])
                for worker in [worker for worker in workers if worker.pipe in ready]:
                    outcome = worker.outcome()
                    if worker.dead:
                        outcome = backlog.collect(worker)
                        workers[workers.index(worker)] = replacement = _Worker.start(recipe, threads)
                        replacement.fill(backlog)
                    else:
                        worker.fill(backlog)
                    if outcome is not None:
                        yield outcome
        finally:
            for worker in workers:
                worker.stop()


class _Backlog:
    """Queue of unprocessed pairs; pairs returned by dead workers come first."""

    def __init__(self, pairs: Iterator[Pair]) -> None:
        self._pairs = pairs
        self._returned: deque[Pair] = deque()
        self._deaths: Counter[str] = Counter()

    def take(self) -> Pair | None:
        """Return the next pair, or None if the queue is empty."""
        return self._returned.popleft() if self._returned else next(self._pairs, None)

    def collect(self, worker: _Worker) -> Outcome | None:
        """Requeue the pairs of a dead worker; return an outcome if its clip reached ``MAX_ATTEMPTS``.

        Raises:
            InputError: the worker died before it loaded the networks.
        """
        if not worker.loaded:
            raise InputError(
                "a worker died while it loaded the networks (out of memory?): use fewer --workers"
            )
        worker.stop()
        first, *others = worker.pairs
        self._returned.extend(others)
        self._deaths[first.id] += 1
        if self._deaths[first.id] < MAX_ATTEMPTS:
            self._returned.appendleft(first)
            return None
        return Outcome(first.id, None, f"{MAX_ATTEMPTS} workers died on this clip (out of memory?)")


@dataclass(eq=False)
class _Worker:
    """A worker process, the parent's end of its pipe, and the pairs queued in it, oldest first."""

    process: multiprocessing.process.BaseProcess
    pipe: Connection
    pairs: deque[Pair]
    loaded: bool = False
    dead: bool = False

    @classmethod
    def start(cls, recipe: Recipe, threads: int) -> _Worker:
        # Spawn, not fork: torch can deadlock after a fork, and a fork inherits the pipes of other workers.
        context = multiprocessing.get_context("spawn")
        parent_end, child_end = context.Pipe()
        process = context.Process(target=work, args=(child_end, recipe, threads), daemon=True)
        process.start()
        child_end.close()
        return cls(process, parent_end, deque())

    def fill(self, backlog: _Backlog) -> None:
        """Send pairs to the worker until :data:`PREFETCH` pairs are queued."""
        while len(self.pairs) < PREFETCH and (pair := backlog.take()) is not None:
            self.pairs.append(pair)
            try:
                self.pipe.send(pair)
            except OSError:  # the worker has died; the next read of the pipe detects it
                return

    def outcome(self) -> Outcome | None:
        """Receive the outcome of the oldest pair; None if the worker reported ready or died.

        Raises:
            RuntimeError: a bug in the worker, with its traceback.
        """
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            self.dead = True
            return None
        if isinstance(message, str):
            raise RuntimeError(f"a worker failed:\n{message}")
        if not isinstance(message, Outcome):
            self.loaded = True
            return None
        self.pairs.popleft()
        return message

    def stop(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join()


def work(pipe: Connection, recipe: Recipe, threads: int) -> None:
    """Run a worker: load the model, report ready, then process pairs until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles ctrl-C
    torch.set_num_threads(threads)
    try:
        extract = Extractor(recipe)
        pipe.send(None)
        while True:
            pipe.send(extract(pipe.recv()))
    except (EOFError, OSError):
        return
    except Exception:
        pipe.send(traceback.format_exc())
