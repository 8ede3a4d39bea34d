"""The routes of masks: ranges, tracks, the cache, and one line for whatever is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="pip install 'seac[serve]'")

from fastapi.testclient import TestClient

from seac.results.rle import decode_rle
from seac.serve.http.application import create_app
from seac.serve.http.service import Service
from seac.serve.settings import ServeSettings
from tests.fixtures.scene import SIZE, scene_masks, write_scene


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def client(folder: Path, tmp_path: Path) -> TestClient:
    """A client whose addresses begin with that of the job of the scene; no worker runs."""
    app = create_app(ServeSettings(tmp_path / "served"))
    service: Service = app.state.service
    job = service.store.adopt(folder, folder / "clip.mp4")
    return TestClient(app, base_url=f"http://testserver/v1/jobs/{job.id}/")


def test_parts_can_be_asked_for_one_after_another_to_the_end(client: TestClient) -> None:
    time, times = 0.0, []
    while time < 6.0:
        part = client.get(f"masks?from={time}&to={time + 0.01}").json()
        assert part["from"] <= time < part["to"]
        times += [frame["time"] for frame in part["frames"]]
        time = part["to"]
    assert times == pytest.approx([number / 10 for number in range(60)])


def test_a_range_is_covered_by_whole_parts(client: TestClient) -> None:
    found = client.get("masks?from=1.9&to=2.1").json()
    assert (found["from"], found["to"]) == (0.0, 4.0)
    assert [frame["time"] for frame in found["frames"]] == pytest.approx(
        [number / 10 for number in range(40)]
    )
    assert found["size"] == list(SIZE)


def test_masks_are_those_of_the_scene(client: TestClient) -> None:
    frame = client.get("masks?from=1&to=1.01").json()["frames"][10]
    (found,) = decode_rle([frame["masks"]["0"].encode()], SIZE)
    wanted = scene_masks(1.0)[0]
    assert (found & wanted).sum() > 0.95 * (found | wanted).sum()


def test_tracks_can_be_named(client: TestClient) -> None:
    frames = client.get("masks?from=0&to=1&tracks=1").json()["frames"]
    assert frames
    assert all(set(frame["masks"]) == {"1"} for frame in frames)


def test_a_part_is_kept_outside_of_the_result_folder(
    client: TestClient, folder: Path, tmp_path: Path
) -> None:
    there = sorted(folder.rglob("*"))
    first = client.get("masks?from=0&to=1").text
    (kept,) = (tmp_path / "served" / "masks").rglob("*.json")
    stamp = kept.stat().st_mtime_ns
    assert client.get("masks?from=0&to=1").text == first
    assert kept.stat().st_mtime_ns == stamp
    assert sorted(folder.rglob("*")) == there


def test_masks_of_key_frames_in_a_range_or_of_the_nearest(client: TestClient) -> None:
    found = client.get("key-masks?from=1&to=2").json()
    assert [frame["time"] for frame in found["frames"]] == [1.0, 1.5, 2.0]
    (nearest,) = client.get("key-masks?from=1.7&to=1.7").json()["frames"]
    assert nearest["time"] == 1.5
    assert set(nearest["masks"]) == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("query", "needed"),
    [
        ("from=2&to=1", "more than 0"),
        ("from=0&to=100", "at most 30"),
        ("from=0&to=1&tracks=99", "numbers of its tracks"),
        ("from=0&to=1&tracks=a", "numbers of its tracks"),
        (f"from=0&to=1&tracks={','.join(['1'] * 60)}", "at most 50"),
    ],
)
def test_a_wrong_request_is_one_line(client: TestClient, query: str, needed: str) -> None:
    answer = client.get(f"masks?{query}")
    assert answer.status_code == 422
    assert needed in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
