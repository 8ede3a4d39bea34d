"""Jobs on a Ray cluster of two nodes, in which an actor dies once."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import seac
from seac.serve.job_store import JobStore
from seac.serve.ray_backend import RayBackend
from seac.serve.settings import ServeSettings
from seac.serve.worker import Report
from tests.extraction.test_ray_engine import cluster
from tests.serve.runners import SyntheticRunner

__all__ = ["cluster"]
RUNNER = f"{__name__}:NodeRecordingRunner"
MIN_FREE = 3 * 2**30


class NodeRecordingRunner(SyntheticRunner):
    """Names the node of a job in its result; dies once with the job whose vocabulary says so."""

    def segment(self, source: Path, out: Path, settings: Mapping[str, Any], report: Report) -> None:
        import ray

        for once in settings.get("vocabulary", ()):
            if once.startswith("/") and not Path(once).exists():
                Path(once).touch()
                os._exit(7)
        for _ in range(40):
            time.sleep(0.05)
            report({"stage": "segment"})
        super().segment(source, out, {**settings, "vocabulary": "red, green, blue"}, report)
        (out / "node.txt").write_text(ray.get_runtime_context().get_node_id())


def free_memory() -> int:
    """Bytes of memory that programs may still take."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    return 0


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/meminfo").exists() or free_memory() < MIN_FREE,
    reason="two Ray nodes need 3 GiB of memory",
)
def test_two_nodes_share_the_jobs_and_results_come_back(clip, tmp_path, cluster):
    folder = tmp_path / "served"
    settings = ServeSettings(folder, workers=2, exports=("csv",), runner=RUNNER)
    store, backend = JobStore(folder), RayBackend(settings, cluster)
    jobs = []
    for number in range(6):
        source = folder / "jobs" / f"{number}" / "source.mp4"
        source.parent.mkdir(parents=True)
        source.write_bytes(clip.read_bytes())
        chosen = {"exports": ["csv"], "vocabulary": [str(tmp_path / "died")] if number == 1 else ["red"]}
        jobs.append(store.add("clip.mp4", chosen, source.parent, source, 100))
    backend.start()
    try:
        store.cancel(jobs[5].id, 100)
        end = time.monotonic() + 240
        while store.count("queued") + store.count("running") and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        backend.stop()
    found = [store.get(job.id) for job in jobs]
    assert [job.state for job in found] == ["done"] * 5 + ["cancelled"], found
    assert (tmp_path / "died").exists()
    assert found[1].tries == 2
    assert len({(job.folder / "node.txt").read_text() for job in found[:5]}) == 2
    for job in found[:5]:
        assert len(seac.open_result(job.folder)) > 0
        assert (job.folder / "events.csv").is_file()
