"""Load on ``seac serve`` over loopback: writes a table into docs/serve.md.

    python -m benchmarks.serve_load --clients 8 --seconds 120 --write docs/serve.md

Each client uploads a clip, follows its events to the end, reads its result, a range of its video and a
decision, deletes the job, and begins again. With ``--runner stub`` jobs give a stored result: the time is
that of HTTP, store and queue; with ``--runner model`` the networks of the preset run. A job is lost if it
does not end as done with its result.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.command import publish
from benchmarks.tables import machine, table
from seac.presets.spec import ModelSpec
from seac.serve.worker import Report

STORED = "SEAC_LOAD_RESULT"
RUNNERS = {"stub": "benchmarks.serve_load:StubRunner", "model": "seac.serve.runner:ModelRunner"}
STEPS = ("upload", "whole job", "result", "range", "decide", "delete")
REQUEST_SECONDS = 300.0


class StubRunner:
    """Gives the result folder that an environment variable names to every job."""

    def __init__(self, model: ModelSpec) -> None: ...

    def segment(self, source: Path, out: Path, settings: Mapping[str, Any], report: Report) -> None:
        """See :class:`seac.serve.worker.Runner`."""
        report({"stage": "segment", "done": 1.0, "total": 1.0})
        shutil.copytree(os.environ[STORED], out, dirs_exist_ok=True)


@dataclass
class Counts:
    """What the clients saw; a lock guards it.

    Attributes:
        seconds: by step.
        done: jobs that ended with their result.
        lost: jobs that did not.
        refused: answers 429.
        errors: other answers and exceptions, one line each.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in STEPS})
    done: int = 0
    lost: int = 0
    refused: int = 0
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, step: str, began: float) -> None:
        """Add the time of a step that began at ``began``."""
        with self.lock:
            self.seconds[step].append(time.monotonic() - began)


@contextmanager
def server(folder: Path, runner: str, stored: Path, queued: int, workers: int) -> Iterator[str]:
    """Address of a server in a process of its own."""
    code = (
        "import sys; from pathlib import Path; from seac.serve.run import Address, run_server;"
        "from seac.serve.settings import ServeSettings; from seac.serve.limits import ServeLimits;"
        "folder, runner, queued, workers = sys.argv[1:];"
        "run_server(ServeSettings(Path(folder), limits=ServeLimits(queued_jobs=int(queued)), runner=runner,"
        " workers=int(workers), exports=('csv',)), Address(port=0))"
    )
    path = os.pathsep.join([*sys.path, str(Path.cwd())])
    environment = {**os.environ, STORED: str(stored), "PYTHONPATH": path}
    command = [sys.executable, "-c", code, str(folder), runner, str(queued), str(workers)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            address = None
            while address is None:
                line = process.stderr.readline()
                if not line:
                    raise RuntimeError("the server has ended")
                address = re.search(r"http://[\w.:]+", line)
            yield address.group()
        finally:
            process.terminate()
            process.communicate(timeout=60)


def use(address: str, clip: bytes, end: float, counts: Counts) -> None:
    """A client: jobs one after another until ``end``."""
    with httpx.Client(base_url=address, timeout=REQUEST_SECONDS, trust_env=False) as client:
        while time.monotonic() < end:
            try:
                one_job(client, clip, counts)
            except Exception as error:
                with counts.lock:
                    counts.lost += 1
                    counts.errors.append(f"{type(error).__name__}: {str(error)[:150]}")


def one_job(client: httpx.Client, clip: bytes, counts: Counts) -> None:
    """Upload a clip, wait for its result and use it.

    Raises:
        RuntimeError: the job is lost.
    """
    began = time.monotonic()
    answer = client.post("/v1/jobs", files={"file": ("clip.mp4", clip)}, data={"settings": '{"fps": 1}'})
    if answer.status_code == 429:
        with counts.lock:
            counts.refused += 1
        time.sleep(min(float(answer.headers["Retry-After"]), 1.0))
        return
    check(answer, 202)
    counts.add("upload", began)
    job = f"/v1/jobs/{answer.json()['id']}"
    state = ""
    with client.stream("GET", f"{job}/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                state = json.loads(line.removeprefix("data: "))["state"]
    if state != "done":
        raise RuntimeError(f"the job ended as {state!r}")
    counts.add("whole job", began)
    asks: tuple[tuple[str, int, Callable[[], httpx.Response]], ...] = (
        ("result", 200, lambda: client.get(f"{job}/result")),
        ("range", 206, lambda: client.get(f"{job}/source", headers={"Range": "bytes=100-9999"})),
        ("decide", 200, lambda: client.post(f"{job}/decide", json={"threshold": 0.4})),
        ("delete", 204, lambda: client.delete(job)),
    )
    for step, status, ask in asks:
        began = time.monotonic()
        check(ask(), status)
        counts.add(step, began)
    with counts.lock:
        counts.done += 1


def check(answer: httpx.Response, status: int) -> None:
    """Check the status of an answer.

    Raises:
        RuntimeError: it is another.
    """
    if answer.status_code != status:
        raise RuntimeError(
            f"{answer.request.method} {answer.url.path}: {answer.status_code} {answer.text[:100]}"
        )


def load(clip: Path, given: argparse.Namespace) -> tuple[Counts, float]:
    """What the clients saw, and the seconds that it took."""
    counts = Counts()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        stored = segment_once(clip, place / "stored") if given.runner == "stub" else place
        runner = RUNNERS[given.runner]
        with server(place / "served", runner, stored, given.queued, given.workers) as address:
            one_job(httpx.Client(base_url=address, timeout=600, trust_env=False), clip.read_bytes(), Counts())
            began = time.monotonic()
            arguments = (address, clip.read_bytes(), began + given.seconds, counts)
            clients = [threading.Thread(target=use, args=arguments) for _ in range(given.clients)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            return counts, time.monotonic() - began


def segment_once(clip: Path, out: Path) -> Path:
    """A result of the clip, which every job of the stub gives."""
    from seac.jobs.segment import SegmentJob, segment_all

    segment_all(SegmentJob(str(clip), out, fps=1.0, exports=("csv",)))
    return out


def cut_clip(clip: Path, seconds: float, out: Path) -> Path:
    """The first seconds of a clip as a file of its own."""
    from seac.media.encode import VideoWriter
    from seac.media.presentation import timed_frames

    writer = VideoWriter(out, 25.0, clip, audio_stop=seconds)
    try:
        for frame in timed_frames(clip):
            if frame.time >= seconds:
                break
            writer.add(np.ascontiguousarray(frame.rgb((168, 240))), frame.time, frame.duration)
    finally:
        writer.close()
    return out


def main() -> None:
    """Run and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--clip", type=Path, default=Path("demo/clip.mp4"))
    parser.add_argument("--length", type=float, default=2.0, help="seconds of the clip that are used")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--queued", type=int, default=20)
    parser.add_argument("--runner", choices=tuple(RUNNERS), default="stub")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = cut_clip(given.clip, given.length, Path(folder) / "clip.mp4")
        counts, seconds = load(clip, given)
    publish(page(counts, given, seconds), given.write, f"load {given.runner}")


def page(counts: Counts, given: argparse.Namespace, seconds: float) -> list[str]:
    """The table of docs/serve.md."""
    rows: list[list[object]] = []
    for step, values in counts.seconds.items():
        if values:
            shares = np.percentile(np.array(values) * 1000, [50, 95, 99])
            rows.append([step, len(values), *(f"{value:.0f}" for value in shares)])
    command = (
        f"python -m benchmarks.serve_load --runner {given.runner} --clients {given.clients} "
        f"--seconds {given.seconds:g} --length {given.length:g} --workers {given.workers} "
        f"--queued {given.queued}"
    )
    return [
        f"`{command}` wrote this table ({machine()}): {counts.done} jobs done in {seconds:.0f} s, "
        f"{counts.lost} lost, {counts.refused} refused with 429.",
        "",
        *table(("step", "count", "p50 ms", "p95 ms", "p99 ms"), rows),
        *([""] if counts.errors else []),
        *(f"- {line}" for line in sorted(set(counts.errors))[:10]),
    ]


if __name__ == "__main__":
    main()
