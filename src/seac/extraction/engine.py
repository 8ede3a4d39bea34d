"""Where clips are worked on: here, or in processes of this machine. ``on_ray`` is the third place.

An engine takes pairs and gives outcomes, in any order, holding no more than a few at a time; whoever takes
outcomes slowly slows the engine down.
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

CHANCES = 2
"""Workers that a clip may take down before it counts as unreadable."""

PREFETCH = 2
"""Clips that a worker has in hand, so that it need not wait for the next."""


class Engine(Protocol):
    """Runs :class:`Extractor` over pairs; ``name`` says where, for people."""

    name: str

    def run(self, recipe: Recipe, pairs: Iterable[Pair]) -> Iterator[Outcome]:
        """Outcomes of pairs, one each, in any order.

        Raises:
            InputError: the engine cannot be started.
        """
        ...


class Here:
    """One clip after another, in this process.

    Args:
        model: the recipe's model, if it is loaded already.
    """

    name = "in process"

    def __init__(self, model: SeAC | None = None) -> None:
        self._model = model

    def run(self, recipe: Recipe, pairs: Iterable[Pair]) -> Iterator[Outcome]:
        """See :class:`Engine`."""
        extract = Extractor(recipe, self._model)
        for pair in pairs:
            yield extract(pair)


class Processes:
    """Processes of this machine, each with a model of its own and its share of the cores.

    A worker that dies is replaced and its clip tried once more; a clip that takes down two workers is
    unreadable. Workers end with this process, however it ends.

    Args:
        workers: how many.
    """

    def __init__(self, workers: int) -> None:
        self.name = f"{workers} processes"
        self._workers = workers

    def run(self, recipe: Recipe, pairs: Iterable[Pair]) -> Iterator[Outcome]:
        """See :class:`Engine`."""
        backlog = _Backlog(iter(pairs))
        threads = max(1, torch.get_num_threads() // self._workers)
        crew: list[_Worker] = []
        try:
            crew += [_Worker.start(recipe, threads) for _ in range(self._workers)]
            for worker in crew:
                worker.fill(backlog)
            while busy := [worker for worker in crew if worker.pairs]:
                ready = wait([worker.pipe for worker in busy])
                for worker in [worker for worker in crew if worker.pipe in ready]:
                    outcome = worker.outcome()
                    if worker.dead:
                        outcome = backlog.collect(worker)
                        crew[crew.index(worker)] = fresh = _Worker.start(recipe, threads)
                        fresh.fill(backlog)
                    else:
                        worker.fill(backlog)
                    if outcome is not None:
                        yield outcome
        finally:
            for worker in crew:
                worker.stop()


class _Backlog:
    """Pairs that are still to be given out, those that come back first."""

    def __init__(self, pairs: Iterator[Pair]) -> None:
        self._pairs = pairs
        self._back: deque[Pair] = deque()
        self._deaths: Counter[str] = Counter()

    def take(self) -> Pair | None:
        """The next pair."""
        return self._back.popleft() if self._back else next(self._pairs, None)

    def collect(self, worker: _Worker) -> Outcome | None:
        """Take back what a dead worker had in hand; an outcome if its clip has had its chances."""
        if not worker.loaded:
            raise InputError(
                "a worker died while it loaded the networks (out of memory?): use fewer --workers"
            )
        worker.stop()
        first, *others = worker.pairs
        self._back.extend(others)
        self._deaths[first.id] += 1
        if self._deaths[first.id] < CHANCES:
            self._back.appendleft(first)
            return None
        return Outcome(first.id, None, f"{CHANCES} workers died over it (out of memory?)")


@dataclass(eq=False)
class _Worker:
    """A process, our end of its pipe, and the pairs that it has in hand, oldest first."""

    process: multiprocessing.process.BaseProcess
    pipe: Connection
    pairs: deque[Pair]
    loaded: bool = False
    dead: bool = False

    @classmethod
    def start(cls, recipe: Recipe, threads: int) -> _Worker:
        # Spawned, not forked: a forked torch may stand still, and holds the pipes of its siblings open.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, recipe, threads), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours, deque())

    def fill(self, backlog: _Backlog) -> None:
        """Give it pairs up to :data:`PREFETCH`."""
        while len(self.pairs) < PREFETCH and (pair := backlog.take()) is not None:
            self.pairs.append(pair)
            try:
                self.pipe.send(pair)
            except OSError:  # it has just died, which the pipe will say when it is read
                return

    def outcome(self) -> Outcome | None:
        """What it says of its oldest pair; None if it says only that it is ready, or has died.

        Raises:
            RuntimeError: a fault of ours in the worker, with its traceback.
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
    """The life of a worker: load, say so, then answer pairs until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is the parent's affair
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
