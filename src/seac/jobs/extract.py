"""Implementation of ``seac extract``: features of training data into a store, resumable per clip."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from seac.core.errors import InputError
from seac.datasets.pairs.benchmarks import FPS, SECONDS
from seac.datasets.pairs.pair import Pair
from seac.datasets.pairs.table import AUTO, FORMATS, exclude_pairs, find_pairs, read_excluded
from seac.extraction.engine import Engine, InProcessEngine, ProcessEngine
from seac.extraction.frozen import load_frozen
from seac.extraction.worker import STAGES, Outcome, Recipe
from seac.features.unreadable import Unreadable
from seac.features.writer import SHARD_BYTES, StoreWriter, check_store
from seac.jobs.download import download_bar
from seac.jobs.progress import print_line
from seac.pipeline import SeAC
from seac.presets.spec import ModelSpec

WRITE = "write"


@dataclass(frozen=True)
class ExtractJob:
    """Options of ``seac extract``."""

    source: Path
    store: Path
    model: ModelSpec = ModelSpec()
    kind: str = AUTO
    split: str = "train"
    seconds: float = SECONDS
    fps: float = FPS
    class_probabilities: bool = True
    workers: int | None = None
    ray: str | None = None
    limit: int | None = None
    exclude: Path | None = None
    shard_bytes: int = SHARD_BYTES

    def recipe(self) -> Recipe:
        """Recipe of the features."""
        build: Callable[..., SeAC] = partial(load_frozen, self.model, progress=download_bar)
        spec = self.model
        return Recipe(build, spec.preset, spec.device, self.seconds, self.fps, self.class_probabilities)


@dataclass
class Tally:
    """Counts and times of a run.

    Attributes:
        store: folder of the store.
        engine: name of the engine.
        kind: type of training data.
        listed: clips in the data, after exclusion and limit.
        before: listed clips that the store already had.
        new: clips that were extracted.
        frames: frames of the new clips.
        unreadable: clips that could not be read; the reasons are in ``unreadable.csv``.
        seconds: wall time from the first clip to the last, without loading.
        by_stage: wall seconds by stage, summed over the workers.
        cpu_by_stage: CPU seconds by stage, less affected by other processes than wall time.
    """

    store: str
    engine: str
    kind: str
    listed: int
    before: int
    new: int = 0
    frames: int = 0
    unreadable: int = 0
    seconds: float = 0.0
    by_stage: dict[str, float] = field(default_factory=lambda: dict.fromkeys((*STAGES, WRITE), 0.0))
    cpu_by_stage: dict[str, float] = field(default_factory=lambda: dict.fromkeys((*STAGES, WRITE), 0.0))

    @property
    def rate(self) -> float:
        """Clips per second."""
        return self.new / self.seconds if self.seconds else 0.0

    def count(self, outcome: Outcome) -> None:
        """Add an outcome."""
        for stage, seconds in outcome.seconds.items():
            self.by_stage[stage] += seconds
            self.cpu_by_stage[stage] += outcome.cpu[stage]
        self.new += outcome.content is not None
        self.unreadable += outcome.content is None
        self.frames += outcome.frames

    def record(self) -> dict[str, Any]:
        """The tally for JSON; stages in clips per second of one worker."""
        rates = {stage: round(self.new / s, 3) if s else None for stage, s in self.by_stage.items()}
        seconds = {stage: round(s, 4) for stage, s in self.by_stage.items()}
        values = {name: value for name, value in self.__dict__.items() if "by_stage" not in name}
        values["seconds"] = round(self.seconds, 3)
        return {
            **values,
            "clips_per_second": round(self.rate, 3),
            "stage_seconds": seconds,
            "stage_cpu_seconds": {stage: round(s, 4) for stage, s in self.cpu_by_stage.items()},
            "stage_clips_per_second": rates,
        }


def extract_all(job: ExtractJob, *, as_json: bool = False) -> Tally:
    """Extract features into a store.

    Raises:
        InputError: wrong input, a store of other features, a folder of other files, or no readable clip.
    """
    console = Console(stderr=True)
    check_store(job.store)
    kind, pairs = chosen(job)
    recipe = job.recipe()
    tally = extract(pairs, recipe, job.store, engine_of(job), kind, job.shard_bytes, console)
    _print_tally(console, tally)
    if as_json:
        sys.stdout.write(json.dumps(tally.record()) + "\n")
    if tally.unreadable and tally.unreadable == tally.listed:
        raise InputError(f"none of {tally.listed} clips could be read: see {job.store}/unreadable.csv")
    return tally


def chosen(job: ExtractJob) -> tuple[str, list[Pair]]:
    """Type of data and clips of a job.

    Raises:
        InputError: no clip is left, or excerpt options for data with fixed excerpts.
    """
    kind, pairs = find_pairs(job.source, job.kind, job.split)
    if FORMATS[kind].fixed and (job.seconds, job.fps) != (SECONDS, FPS):
        raise InputError(f"clips of {kind} are 5 s at 1 frame/s: leave --seconds and --fps out")
    if job.exclude is not None:
        pairs = exclude_pairs(pairs, read_excluded(job.exclude))
    if not pairs:
        raise InputError(f"{job.source}: no clip is left after the exclusion of {job.exclude}")
    return kind, pairs[: job.limit]


def engine_of(job: ExtractJob) -> Engine:
    """Engine of a job: a cluster, several processes, or this process."""
    if job.ray is not None:
        from seac.extraction.ray_engine import RayEngine

        return RayEngine(job.ray, job.workers)
    workers = job.workers or 1
    return ProcessEngine(workers) if workers > 1 else InProcessEngine()


def extract(
    pairs: list[Pair],
    recipe: Recipe,
    store: Path,
    engine: Engine,
    kind: str = "",
    shard_bytes: int = SHARD_BYTES,
    console: Console | None = None,
) -> Tally:
    """Extract the features of clips into a store; clips that it already has are skipped.

    Args:
        pairs: clips.
        recipe: recipe of the features.
        store: folder of the store; made if missing.
        engine: engine that runs the extraction.
        kind: type of training data, for the record.
        shard_bytes: approximate size of a shard in bytes.
        console: console for progress; None for no progress.

    Raises:
        InputError: the store has features of another recipe, or cannot be written.
    """
    here = isinstance(engine, InProcessEngine)
    # With other engines the networks are loaded by the workers; here only their description is read.
    model = recipe.build(device=recipe.device if here else "cpu")
    provenance = recipe.provenance_of(model)
    if here:
        engine = InProcessEngine(model)
    del model
    with StoreWriter(store, provenance, shard_bytes=shard_bytes) as writer:
        if writer.lost and console is not None:
            print_line(
                console, f"{store}: {writer.lost} clips are missing; those in the data are extracted again"
            )
        waiting = [pair for pair in pairs if pair.id not in writer]
        tally = Tally(str(store), engine.name, kind, len(pairs), len(pairs) - len(waiting))
        unreadable = Unreadable(store)
        with _shown(console, len(waiting)) as advance:
            for outcome in _timed(engine.run(recipe, waiting), tally) if waiting else ():
                with _timed_write(tally):
                    if _kept(outcome, writer, unreadable):
                        tally.count(outcome)
                advance(tally)
        with _timed_write(tally):
            unreadable.compact()
            writer.compact()
    return tally


def _kept(outcome: Outcome, writer: StoreWriter, unreadable: Unreadable) -> bool:
    """Write an outcome; returns whether it was new (a cluster may extract a clip twice)."""
    if outcome.content is None:
        unreadable.add(outcome.id, outcome.reason)
        return True
    unreadable.drop(outcome.id)
    return writer.add(outcome.content)


@contextmanager
def _timed_write(tally: Tally) -> Iterator[None]:
    """Add the time of the block to the stage of writing."""
    began, used = time.perf_counter(), time.process_time()
    yield
    tally.by_stage[WRITE] += time.perf_counter() - began
    tally.cpu_by_stage[WRITE] += time.process_time() - used


def _timed(outcomes: Iterator[Outcome], tally: Tally) -> Iterator[Outcome]:
    """Yield outcomes with the seconds since the start of the iteration."""
    began = time.perf_counter()
    for outcome in outcomes:
        yield outcome
        tally.seconds = time.perf_counter() - began


@contextmanager
def _shown(console: Console | None, total: int) -> Iterator[Callable[[Tally], None]]:
    if console is None:
        yield lambda tally: None
        return
    columns = (
        TextColumn("extracting"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("clips", total=total, rate="")

        def advance(tally: Tally) -> None:
            progress.update(task, advance=1, rate=f"{tally.rate:.2f} clips/s")

        yield advance


def _print_tally(console: Console, tally: Tally) -> None:
    """Print a line about the run and a line of times by stage."""
    print_line(
        console,
        f"{tally.listed} clips: {tally.new} extracted, {tally.before} already stored, {tally.unreadable} "
        f"unreadable; {tally.seconds:.1f} s, {tally.rate:.2f} clips/s {tally.engine} -> {tally.store}",
    )
    if tally.new:
        spent = ", ".join(f"{stage} {1000 * s / tally.new:.0f}" for stage, s in tally.by_stage.items())
        print_line(console, f"ms per clip and worker: {spent}")
    if tally.unreadable:
        print_line(console, f"see {tally.store}/unreadable.csv")
