from __future__ import annotations

import threading
import time

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seac.core.errors import InputError
from seac.serve.expiry import remove_expired, remove_leftovers
from seac.serve.job_store import (
    FINISHED,
    ClaimLostError,
    JobState,
    JobStore,
    QueueFullError,
    new_id,
)


def add(store, folder, max_queued=100):
    place = folder / "jobs" / new_id()
    place.mkdir(parents=True)
    (place / "source.mp4").write_text("x")
    return store.add("clip", {"fps": 2.0}, place, place / "source.mp4", max_queued)


def test_jobs_are_taken_in_order_and_each_once(tmp_path):
    store = JobStore(tmp_path)
    jobs = [add(store, tmp_path) for _ in range(20)]
    taken, lock = [], threading.Lock()

    def work(name):
        own = JobStore(tmp_path)
        while job := own.claim(name, 3):
            with lock:
                taken.append(job.id)
            own.finish(job, JobState.DONE, 10)

    threads = [threading.Thread(target=work, args=(f"worker-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(job.id for job in jobs)
    assert store.count(JobState.DONE) == 20
    assert jobs[0].settings == {"fps": 2.0}


def test_a_worker_that_lost_its_job_changes_nothing(tmp_path):
    store = JobStore(tmp_path)
    add(store, tmp_path)
    first = store.claim("a", 3)
    store.requeue("a")
    second = store.claim("b", 3)
    assert second.tries == 2
    with pytest.raises(ClaimLostError):
        store.progress(first, {"done": 5.0})
    assert not store.finish(first, JobState.DONE, 10)
    assert not store.progress(second, {"done": 1.0})
    assert store.get(first.id).done == 1.0
    store.requeue("a")
    assert store.get(first.id).state is JobState.RUNNING


def test_a_job_is_tried_a_few_times(tmp_path):
    store = JobStore(tmp_path)
    job = add(store, tmp_path)
    for _ in range(2):
        assert store.claim("a", 2)
        store.requeue()
    assert store.claim("a", 2) is None
    assert store.get(job.id).state is JobState.FAILED


def test_the_queue_has_an_end(tmp_path):
    store = JobStore(tmp_path)
    add(store, tmp_path, 1)
    with pytest.raises(QueueFullError):
        add(store, tmp_path, 1)
    assert store.claim("a", 3)
    add(store, tmp_path, 1)


def test_an_export_is_made_once_for_each_decision(tmp_path):
    store = JobStore(tmp_path)
    job = add(store, tmp_path)
    first = store.add_export(job.id, "srt", "{}", 2)
    assert store.add_export(job.id, "srt", "{}", 2) == first
    claimed, of = store.claim_export("a", 3)
    assert of.id == job.id
    store.finish_export(claimed, JobState.DONE, file="exports/srt/a")
    assert store.add_export(job.id, "srt", "{}", 2).state is JobState.DONE
    assert store.add_export(job.id, "srt", '{"threshold": 1}', 2).state is JobState.QUEUED
    store.finish_export(claimed, JobState.FAILED)  # of the earlier decision
    assert store.exports(job.id)[0].state is JobState.QUEUED
    store.add_export(job.id, "vtt", "{}", 2)
    with pytest.raises(QueueFullError):
        store.add_export(job.id, "csv", "{}", 2)
    store.remove(job.id)
    assert store.claim_export("a", 3) is None


def test_results_expire(tmp_path):
    store = JobStore(tmp_path)
    jobs = [add(store, tmp_path) for _ in range(3)]
    mine = tmp_path / "mine"
    mine.mkdir()
    adopted = store.adopt(mine, mine / "a.mp4")
    for _ in range(2):
        store.finish(store.claim("a", 3), JobState.DONE, keep_seconds=100)
    assert remove_expired(store, time.time() + 50) == 0
    assert remove_expired(store, time.time() + 101) == 2
    assert [job.folder.exists() for job in jobs] == [False, False, True]
    assert store.get(adopted.id)
    assert mine.exists()


def test_leftovers_of_a_killed_server_are_removed(tmp_path):
    store = JobStore(tmp_path)
    job = add(store, tmp_path)
    (tmp_path / "jobs/lost").mkdir()
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming/half").write_text("x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "jobs/link").symlink_to(outside)
    remove_leftovers(store, tmp_path / "jobs", tmp_path / "incoming")
    assert job.folder.exists()
    assert outside.exists()
    assert not (tmp_path / "jobs/lost").exists()
    assert not list((tmp_path / "incoming").iterdir())


def test_a_damaged_store_is_an_error_of_one_line(tmp_path):
    (tmp_path / "jobs.sqlite").write_text("no database" * 100)
    with pytest.raises(InputError, match=r"jobs\.sqlite"):
        JobStore(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError):
        JobStore(tmp_path / "file")


class StoreMachine(RuleBasedStateMachine):
    """Any order of requests, workers and deaths loses no job and runs none twice at a time."""

    folder = None

    def __init__(self):
        super().__init__()
        self.place = self.folder / new_id()
        self.store = JobStore(self.place)
        self.jobs, self.claims, self.ended = [], {}, {}

    @rule()
    def add(self):
        self.jobs.append(add(self.store, self.place).id)

    @rule()
    def claim(self):
        job = self.store.claim(f"w{len(self.claims)}", 1000)
        if job:
            assert job.id not in self.claims
            self.claims[job.id] = job

    @precondition(lambda self: self.claims)
    @rule()
    def finish(self):
        job = self.claims.pop(next(iter(self.claims)))
        assert self.store.finish(job, JobState.DONE, 10)
        self.ended[job.id] = JobState.DONE

    @precondition(lambda self: self.claims)
    @rule()
    def die(self):
        job = self.claims.pop(next(iter(self.claims)))
        self.store.requeue(job.claim.partition("/")[0])

    @precondition(lambda self: self.jobs)
    @rule()
    def cancel(self):
        self.store.cancel(self.jobs[0], 10)
        if self.store.get(self.jobs[0]).state is JobState.CANCELLED:
            self.ended.setdefault(self.jobs[0], JobState.CANCELLED)

    @rule()
    def restart(self):
        self.store = JobStore(self.place)
        self.store.requeue()
        self.claims = {}

    @invariant()
    def nothing_is_lost(self):
        for job in self.jobs:
            state = self.store.get(job).state
            assert (state is JobState.RUNNING) == (job in self.claims)
            if job in self.ended:
                assert state in FINISHED


def test_any_order_loses_no_job(tmp_path):
    StoreMachine.folder = tmp_path
    case = StoreMachine.TestCase
    case.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
    case("runTest").debug()
