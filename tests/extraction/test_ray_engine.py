"""Extraction on a real Ray cluster of two nodes, one of whose workers is killed in the middle."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from seac.core.errors import InputError
from seac.datasets.pairs.pair import Excerpt, ExcerptConfig
from seac.extraction.engine import Here
from seac.extraction.ray_engine import OnRay, connected
from seac.features import open_store
from seac.features.unreadable import read_unreadable
from seac.features.verify import verify
from seac.jobs.extract import extract
from tests.conftest import REPO
from tests.extraction.test_engines import assert_same
from tests.fixtures.pairs import RECIPE, SyntheticPair

MEMORY = 80 * 2**20


@dataclass(frozen=True)
class Signed(SyntheticPair):
    """Leaves a file that tells which node has read it."""

    folder: Path = Path()

    def excerpt(self, cut: ExcerptConfig) -> Excerpt:
        import ray

        excerpt = super().excerpt(cut)
        (self.folder / ray.get_runtime_context().get_node_id()).touch()
        return excerpt


@pytest.fixture
def cluster(monkeypatch) -> Iterator[str]:
    """Address of a cluster of two nodes with a core each."""
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
    made = Cluster(initialize_head=True, head_node_args=node)
    made.add_node(num_cpus=1, object_store_memory=MEMORY)
    made.wait_for_nodes()
    try:
        yield made.address
    finally:
        ray.shutdown()
        made.shutdown()


@pytest.mark.slow
def test_a_cluster_of_two_nodes_makes_the_same_store_and_a_killed_worker_loses_nothing(tmp_path, cluster):
    (tmp_path / "nodes").mkdir()
    pairs = [Signed(n, pause=0.1, folder=tmp_path / "nodes") for n in range(24)]
    pairs[9] = Signed(9, once=tmp_path / "died", folder=tmp_path / "nodes")
    pairs.append(Signed(30, fails=True))
    tally = extract(pairs, RECIPE, tmp_path / "ray", OnRay(cluster, 2))
    assert (tmp_path / "died").exists()
    assert (tally.new, tally.unreadable) == (24, 1)
    assert read_unreadable(tmp_path / "ray") == {"synthetic/0030": "clip 30 is broken"}
    assert verify(tmp_path / "ray", deep=True).problems == ()
    assert len(list((tmp_path / "nodes").iterdir())) == 2
    extract([SyntheticPair(n) for n in range(24)], RECIPE, tmp_path / "here", Here())
    assert_same(tmp_path / "ray", tmp_path / "here")
    assert len(open_store(tmp_path / "ray")) == 24


def test_without_ray_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(InputError, match=r"seac\[ray\]"):
        connected("auto")
