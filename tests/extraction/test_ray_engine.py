"""Extraction on a Ray cluster of two nodes, one of whose workers is killed during the run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from seac.core.errors import InputError
from seac.datasets.pairs.pair import Excerpt, ExcerptConfig
from seac.extraction.engine import InProcessEngine
from seac.extraction.ray_engine import RayEngine, connect
from seac.features import open_store
from seac.features.unreadable import read_unreadable
from seac.features.verify import verify
from seac.jobs.extract import extract
from tests.conftest import REPO
from tests.extraction.test_engines import assert_same
from tests.fixtures.pairs import RECIPE, SyntheticPair

MEMORY = 80 * 2**20


@dataclass(frozen=True)
class NodeRecordingPair(SyntheticPair):
    """Writes a file named after the node that reads the pair."""

    folder: Path = Path()

    def excerpt(self, config: ExcerptConfig) -> Excerpt:
        import ray

        excerpt = super().excerpt(config)
        (self.folder / ray.get_runtime_context().get_node_id()).touch()
        return excerpt


@pytest.fixture
def cluster(monkeypatch) -> Iterator[str]:
    """Address of a cluster of two nodes with one core each."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'seac[ray]'")
    path = os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")])
    for name, value in {
        "PYTHONPATH": path,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_DEDUP_LOGS": "0",
        "OMP_NUM_THREADS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": MEMORY, "include_dashboard": False}
    nodes = Cluster(initialize_head=True, head_node_args=node)
    nodes.add_node(num_cpus=1, object_store_memory=MEMORY)
    nodes.wait_for_nodes()
    try:
        yield nodes.address
    finally:
        ray.shutdown()
        nodes.shutdown()


@pytest.mark.slow
def test_a_cluster_of_two_nodes_makes_the_same_store_and_a_killed_worker_loses_nothing(tmp_path, cluster):
    (tmp_path / "nodes").mkdir()
    pairs = [NodeRecordingPair(n, pause=0.1, folder=tmp_path / "nodes") for n in range(24)]
    pairs[9] = NodeRecordingPair(9, once=tmp_path / "died", folder=tmp_path / "nodes")
    pairs.append(NodeRecordingPair(30, fails=True))
    tally = extract(pairs, RECIPE, tmp_path / "ray", RayEngine(cluster, 2))
    assert (tmp_path / "died").exists()
    assert (tally.new, tally.unreadable) == (24, 1)
    assert read_unreadable(tmp_path / "ray") == {"synthetic/0030": "clip 30 is broken"}
    assert verify(tmp_path / "ray", deep=True).problems == ()
    assert len(list((tmp_path / "nodes").iterdir())) == 2
    extract([SyntheticPair(n) for n in range(24)], RECIPE, tmp_path / "local", InProcessEngine())
    assert_same(tmp_path / "ray", tmp_path / "local")
    assert len(open_store(tmp_path / "ray")) == 24


def test_without_ray_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(InputError, match=r"seac\[ray\]"):
        connect("auto")
