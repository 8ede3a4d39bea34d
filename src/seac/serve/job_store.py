"""Jobs in SQLite: the queue between the server and its workers, which a killed process does not damage.

A worker claims a job under a new claim; what it writes later counts only while the claim is still its own. A
job that was claimed by a process that died is queued again.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from seac.core.errors import InputError

NAME = "jobs.sqlite"
VERSION = 1
PROGRESS_FIELDS = ("stage", "done", "total", "rate", "key_frames")
BUSY_SECONDS = 30.0


class JobState(StrEnum):
    """State of a job or of an export."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    folder TEXT NOT NULL,
    source TEXT NOT NULL,
    adopted INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    expires REAL,
    error TEXT,
    stage TEXT NOT NULL DEFAULT '',
    done REAL NOT NULL DEFAULT 0,
    total REAL NOT NULL DEFAULT 0,
    rate REAL NOT NULL DEFAULT 0,
    key_frames INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1,
    cancel INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    claim TEXT
);
CREATE INDEX IF NOT EXISTS by_state ON jobs (state, number);
CREATE TABLE IF NOT EXISTS exports (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    format TEXT NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    decision TEXT NOT NULL,
    file TEXT,
    error TEXT,
    started REAL,
    tries INTEGER NOT NULL DEFAULT 0,
    claim TEXT,
    PRIMARY KEY (job, format)
);
"""

NEXT_JOB = "(SELECT coalesce(max(number), 0) + 1 FROM jobs)"
NEXT_EXPORT = "(SELECT coalesce(max(number), 0) + 1 FROM exports)"


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        id: 32 random hexadecimal digits.
        state: where it stands.
        name: of the uploaded file, for display only.
        settings: what the client chose.
        folder: its result folder.
        source: the video.
        adopted: whether the folder was there before; it is never removed.
        created: seconds since 1970; likewise ``started``, ``finished`` and ``expires``.
        error: one line, of a failed job.
        stage: "segment" or "write"; empty before.
        done: seconds of video ("segment") or frames ("write") that are done.
        total: of ``done``; 0 if unknown.
        rate: frames per second.
        key_frames: number of key frames that are done.
        version: grows with every change.
        cancel: whether it is to be cancelled.
        tries: times that it was started.
        claim: of the worker that runs it, which it begins with the name of.
    """

    id: str
    state: JobState
    name: str
    settings: Mapping[str, Any]
    folder: Path
    source: Path
    adopted: bool
    created: float
    started: float | None
    finished: float | None
    expires: float | None
    error: str | None
    stage: str
    done: float
    total: float
    rate: float
    key_frames: int
    version: int
    cancel: bool
    tries: int
    claim: str | None


@dataclass(frozen=True)
class Export:
    """Files of one format, made from the result of a job.

    Attributes:
        job: id of the job.
        format: its name.
        state: where it stands.
        decision: the decision that it shows, as JSON.
        file: path in the result folder; None before it is done.
        error: one line, if it failed.
        claim: of the worker that makes it.
    """

    job: str
    format: str
    state: JobState
    decision: str
    file: str | None
    error: str | None
    claim: str | None


class QueueFullError(Exception):
    """As many jobs or exports wait as the limits allow."""


class ClaimLostError(Exception):
    """Another worker has the job, or it was removed."""


class JobStore:
    """Jobs and exports of a server; processes and threads may use the same file.

    Args:
        folder: of the database; it is created.

    Raises:
        InputError: the folder cannot be written, or the database is of another program.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._open() as database:
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version not in (0, VERSION):
                    raise InputError(f"{self.path}: of another version of seac; give another folder")
                database.execute("PRAGMA journal_mode = WAL")
                database.executescript(SCHEMA)
                database.execute(f"PRAGMA user_version = {VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"{self.path}: cannot be opened ({error}); give another folder") from None

    def add(self, name: str, settings: Mapping[str, Any], folder: Path, source: Path, max_queued: int) -> Job:
        """Queue a job; its id is the name of its folder.

        Raises:
            QueueFullError: ``max_queued`` jobs wait.
        """
        with self._write() as database:
            if _count(database, "jobs", JobState.QUEUED) >= max_queued:
                raise QueueFullError
            row = (folder.name, name, json.dumps(dict(settings)), str(folder), str(source), time.time())
            database.execute(
                "INSERT INTO jobs (id, number, state, name, settings, folder, source, created) VALUES"  # nosec B608
                f" (?, {NEXT_JOB}, 'queued', ?, ?, ?, ?, ?)",
                row,
            )
            return _one_job(database, folder.name)

    def adopt(self, folder: Path, source: Path) -> Job:
        """Add a finished result folder that is there already; it does not expire and is never removed."""
        now = time.time()
        with self._write() as database:
            found = database.execute(
                "SELECT id FROM jobs WHERE folder = ? AND adopted = 1", (str(folder),)
            ).fetchone()
            if found is not None:
                return _one_job(database, found["id"])
            job = new_id()
            database.execute(
                "INSERT INTO jobs (id, number, state, name, settings, folder, source, adopted, created,"  # nosec B608
                f" started, finished) VALUES (?, {NEXT_JOB}, 'done', ?, '{{}}', ?, ?, 1, ?, ?, ?)",
                (job, source.name, str(folder), str(source), now, now, now),
            )
            return _one_job(database, job)

    def get(self, job: str) -> Job | None:
        """The job of an id; None if there is none."""
        with self._open() as database:
            row = database.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
            return None if row is None else _job(row)

    def jobs(self, limit: int = 100) -> list[Job]:
        """The latest jobs, latest first."""
        with self._open() as database:
            rows = database.execute("SELECT * FROM jobs ORDER BY number DESC LIMIT ?", (limit,))
            return [_job(row) for row in rows]

    def running(self) -> list[Job]:
        """The jobs that run."""
        with self._open() as database:
            return [_job(row) for row in database.execute("SELECT * FROM jobs WHERE state = 'running'")]

    def running_exports(self) -> list[tuple[Export, float]]:
        """The exports that are made, each with the time of its start."""
        with self._open() as database:
            rows = database.execute("SELECT * FROM exports WHERE state = 'running'")
            return [(_export(row), float(row["started"])) for row in rows]

    def count(self, state: JobState) -> int:
        """Number of jobs in a state."""
        with self._open() as database:
            return _count(database, "jobs", state)

    def count_exports(self, state: JobState) -> int:
        """Number of exports in a state."""
        with self._open() as database:
            return _count(database, "exports", state)

    def mean_seconds(self, last: int = 20) -> float:
        """Mean time of the last finished jobs in seconds; 30 if there is none."""
        with self._open() as database:
            (mean,) = database.execute(
                "SELECT avg(finished - started) FROM (SELECT * FROM jobs WHERE state = 'done' AND adopted = 0"
                " AND started IS NOT NULL ORDER BY number DESC LIMIT ?)",
                (last,),
            ).fetchone()
            return 30.0 if mean is None else float(mean)

    def claim(self, worker: str, max_tries: int) -> Job | None:
        """Take the next queued job; None if there is none. A job that was tried too often fails.

        Args:
            worker: name of the process that will run it.
            max_tries: times that a job is started.
        """
        with self._write() as database:
            database.execute(
                "UPDATE jobs SET state = 'failed', finished = ?, version = version + 1, error = ?"
                " WHERE state = 'queued' AND tries >= ?",
                (time.time(), f"the worker died {max_tries} times with this video", max_tries),
            )
            row = database.execute(
                "UPDATE jobs SET state = 'running', claim = ?, started = ?, tries = tries + 1, stage = '',"
                " done = 0, total = 0, rate = 0, key_frames = 0, version = version + 1 WHERE id ="
                " (SELECT id FROM jobs WHERE state = 'queued' ORDER BY number LIMIT 1) RETURNING *",
                (_claim(worker), time.time()),
            ).fetchone()
            return None if row is None else _job(row)

    def progress(self, job: Job, values: Mapping[str, Any]) -> bool:
        """Write the progress of a claimed job.

        Args:
            job: as it was claimed.
            values: some of :data:`PROGRESS_FIELDS`.

        Returns:
            whether the job is to be cancelled.

        Raises:
            ClaimLostError: it is not claimed by this worker any more.
        """
        if unknown := set(values) - set(PROGRESS_FIELDS):
            raise ValueError(f"no field of the progress: {unknown}")
        columns = "".join(f", {name} = ?" for name in values)
        with self._write() as database:
            row = database.execute(
                f"UPDATE jobs SET version = version + 1{columns} WHERE id = ? AND claim = ?"  # nosec B608
                " AND state = 'running' RETURNING cancel",
                (*values.values(), job.id, job.claim),
            ).fetchone()
        if row is None:
            raise ClaimLostError(job.id)
        return bool(row["cancel"])

    def finish(self, job: Job, state: JobState, keep_seconds: float, error: str | None = None) -> bool:
        """End a claimed job; False if it is not claimed by this worker any more.

        Args:
            job: as it was claimed.
            state: how it ended.
            keep_seconds: time until it expires.
            error: one line, of a failed job.
        """
        now = time.time()
        with self._write() as database:
            return bool(
                database.execute(
                    "UPDATE jobs SET state = ?, finished = ?, expires = ?, error = ?, claim = NULL,"
                    " version = version + 1 WHERE id = ? AND claim = ? AND state = 'running'",
                    (state, now, now + keep_seconds, error, job.id, job.claim),
                ).rowcount
            )

    def cancel(self, job: str, keep_seconds: float) -> None:
        """Cancel a job: a queued one at once, a running one as soon as its worker sees it."""
        now = time.time()
        with self._write() as database:
            database.execute(
                "UPDATE jobs SET state = 'cancelled', finished = ?, expires = ?, version = version + 1"
                " WHERE id = ? AND state = 'queued'",
                (now, now + keep_seconds, job),
            )
            database.execute(
                "UPDATE jobs SET cancel = 1, version = version + 1 WHERE id = ? AND state = 'running'", (job,)
            )

    def keep(self, job: str) -> None:
        """Let a finished job not expire."""
        with self._write() as database:
            database.execute(
                "UPDATE jobs SET expires = NULL, version = version + 1 WHERE id = ? AND state = 'done'",
                (job,),
            )

    def count_before(self, job: str) -> int:
        """Number of jobs that run or wait before a job that waits; 0 for one that does not wait."""
        with self._open() as database:
            (count,) = database.execute(
                "SELECT count(*) FROM jobs AS other, jobs AS own WHERE own.id = ?"
                " AND own.state = 'queued' AND (other.state = 'running'"
                " OR (other.state = 'queued' AND other.number < own.number))",
                (job,),
            ).fetchone()
            return int(count)

    def requeue(self, worker: str | None = None) -> None:
        """Queue running jobs and exports again whose worker died; a job that was to be cancelled ends.

        Args:
            worker: its name; all if None.
        """
        pattern = "%" if worker is None else f"{worker}/%"
        now = time.time()
        with self._write() as database:
            for table, more in (("jobs", ", version = version + 1"), ("exports", "")):
                database.execute(
                    f"UPDATE {table} SET state = 'queued', claim = NULL{more} WHERE state = 'running'"  # nosec B608
                    " AND claim LIKE ?",
                    (pattern,),
                )
            database.execute(
                "UPDATE jobs SET state = 'cancelled', finished = ?, expires = ?, version = version + 1"
                " WHERE state = 'queued' AND cancel = 1",
                (now, now),
            )

    def remove(self, job: str) -> None:
        """Forget a job."""
        with self._write() as database:
            database.execute("DELETE FROM jobs WHERE id = ?", (job,))

    def expired(self, now: float) -> list[Job]:
        """Finished jobs whose time is over."""
        with self._open() as database:
            rows = database.execute(
                "SELECT * FROM jobs WHERE expires <= ? AND adopted = 0 AND state IN ('done', 'failed',"
                " 'cancelled')",
                (now,),
            )
            return [_job(row) for row in rows]

    def add_export(self, job: str, name: str, decision: str, max_queued: int) -> Export:
        """Queue an export, unless it is there already with the same decision.

        Raises:
            QueueFullError: ``max_queued`` exports wait.
        """
        with self._write() as database:
            row = database.execute(
                "SELECT * FROM exports WHERE job = ? AND format = ?", (job, name)
            ).fetchone()
            if row is not None and row["decision"] == decision and row["state"] != JobState.FAILED:
                return _export(row)
            if _count(database, "exports", JobState.QUEUED) >= max_queued:
                raise QueueFullError
            database.execute(
                "INSERT OR REPLACE INTO exports (job, format, number, state, decision) VALUES"
                f" (?, ?, {NEXT_EXPORT}, 'queued', ?)",
                (job, name, decision),
            )
            return _export(
                database.execute("SELECT * FROM exports WHERE job = ? AND format = ?", (job, name)).fetchone()
            )

    def exports(self, job: str) -> list[Export]:
        """The exports of a job in order of their names."""
        with self._open() as database:
            rows = database.execute("SELECT * FROM exports WHERE job = ? ORDER BY format", (job,))
            return [_export(row) for row in rows]

    def claim_export(self, worker: str, max_tries: int) -> tuple[Export, Job] | None:
        """Take the next queued export and its job; see :meth:`claim`."""
        with self._write() as database:
            database.execute(
                "UPDATE exports SET state = 'failed', error = ? WHERE state = 'queued' AND tries >= ?",
                (f"the worker died {max_tries} times with this export", max_tries),
            )
            row = database.execute(
                "UPDATE exports SET state = 'running', claim = ?, started = ?, tries = tries + 1"
                " WHERE rowid = (SELECT rowid FROM exports WHERE state = 'queued' ORDER BY number LIMIT 1)"
                " RETURNING *",
                (_claim(worker), time.time()),
            ).fetchone()
            return None if row is None else (_export(row), _one_job(database, row["job"]))

    def finish_export(
        self, export: Export, state: JobState, file: str | None = None, error: str | None = None
    ) -> None:
        """End a claimed export."""
        with self._write() as database:
            database.execute(
                "UPDATE exports SET state = ?, file = ?, error = ?, claim = NULL WHERE job = ? AND format = ?"
                " AND claim = ?",
                (state, file, error, export.job, export.format, export.claim),
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as database:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA foreign_keys = ON")
            # With the write-ahead log a killed process loses nothing; a power cut may lose the last write.
            database.execute("PRAGMA synchronous = NORMAL")
            yield database

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")


def new_id() -> str:
    """An id that cannot be guessed."""
    return secrets.token_hex(16)


def _claim(worker: str) -> str:
    """A claim of a worker: its name and random letters."""
    return f"{worker}/{secrets.token_hex(8)}"


def _count(database: sqlite3.Connection, table: str, state: JobState) -> int:
    query = f"SELECT count(*) FROM {table} WHERE state = ?"  # nosec B608
    return int(database.execute(query, (state,)).fetchone()[0])


def _one_job(database: sqlite3.Connection, job: str) -> Job:
    return _job(database.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone())


def _job(row: sqlite3.Row) -> Job:
    values = {name: row[name] for name in row.keys() if name != "number"}  # noqa: SIM118 (a row is no mapping)
    return Job(
        **{
            **values,
            "state": JobState(row["state"]),
            "settings": json.loads(row["settings"]),
            "folder": Path(row["folder"]),
            "source": Path(row["source"]),
            "adopted": bool(row["adopted"]),
            "cancel": bool(row["cancel"]),
        }
    )


def _export(row: sqlite3.Row) -> Export:
    names = ("job", "format", "decision", "file", "error", "claim")
    return Export(**{name: row[name] for name in names}, state=JobState(row["state"]))
