"""The server of the page without a browser: headers, visits, keeping, folders."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from seac.app.example import find_example
from seac.app.server import AppSettings, create_app
from seac.app.visits import Visits
from seac.core.errors import InputError
from seac.serve.http.service import Service
from seac.serve.job_store import Job, JobState
from seac.serve.settings import LOOPBACK_NAMES, ServeSettings
from tests.fixtures.scene import write_scene, write_scene_video


class NoBackend:
    """Runs nothing."""

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(tmp_path_factory.mktemp("scene"))


def make_client(folder: Path, opened: Path | None = None, *, local: bool = True) -> TestClient:
    settings = ServeSettings(folder, hosts=LOOPBACK_NAMES, exports=())
    app = create_app(AppSettings(settings, opened, local=local), NoBackend())
    app.state.service.incoming.mkdir(parents=True, exist_ok=True)  # as the start of the server does
    app.state.service.jobs_folder.mkdir(exist_ok=True)
    return TestClient(app, base_url="http://127.0.0.1")


def finished_job(client: TestClient, name: str = "clip.mp4") -> Job:
    """A job that was uploaded and has a result."""
    service: Service = client.app.state.service  # type: ignore[attr-defined]
    video = write_scene_video(service.settings.folder / "upload.mp4")
    answer = client.post("/v1/jobs", files={"file": (name, video.read_bytes())})
    assert answer.status_code == 202
    job = service.store.claim("test", 3)
    assert job is not None
    write_scene(job.folder, job.source)
    service.store.finish(job, JobState.DONE, 1000.0)
    found = service.store.get(job.id)
    assert found is not None
    return found


def test_the_page_may_load_nothing_of_others(tmp_path: Path) -> None:
    client = make_client(tmp_path)
    for path in ("/", "/main.js", "/style.css", "/icon.svg"):
        answer = client.get(path)
        policy = dict(
            part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert client.get("/main.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/nothing.js").status_code == 404
    assert client.get("/../server.py").status_code == 404


def test_the_page_names_no_other_host() -> None:
    from seac.app.server import PAGE

    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text, path
        assert "https:" not in text, path
        assert "innerHTML" not in text, path
        assert len(text.splitlines()) < 250, path


def test_pages_of_others_are_refused(tmp_path: Path) -> None:
    client = make_client(tmp_path)
    assert client.get("/v1/jobs", headers={"Host": "evil.example"}).status_code == 421
    answer = client.post("/v1/app/seen", json={"jobs": []}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert client.post("/v1/app/seen", json={"jobs": []}).status_code == 204


def test_it_opens_on_a_folder_which_it_never_removes(tmp_path: Path, scene: Path) -> None:
    there = sorted(scene.rglob("*"))
    with make_client(tmp_path, scene) as client:
        opened = client.get("/v1/app").json()["opened"]
        assert client.get(f"/v1/jobs/{opened}").json()["state"] == "done"
        assert client.get(f"/v1/app/jobs/{opened}").json()["kept"] == "opened"
        assert client.get(f"/v1/jobs/{opened}/masks?from=0&to=1").status_code == 200
        assert client.delete(f"/v1/jobs/{opened}").status_code == 204
    assert sorted(scene.rglob("*")) == there


def test_a_folder_without_a_result_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no result"):
        make_client(tmp_path / "served", tmp_path)


def test_jobs_that_no_page_shows_are_removed_and_kept_ones_stay(tmp_path: Path) -> None:
    client, now = make_client(tmp_path), [0.0]
    service: Service = client.app.state.service  # type: ignore[attr-defined]
    visits = Visits(service, 300, lambda: now[0])
    shown, left, kept = (finished_job(client, f"{name}.mp4") for name in ("shown", "left", "kept"))
    assert client.post(f"/v1/app/jobs/{kept.id}/keep").json() == {"kept": True}
    visits.remove_unseen()
    for now[0] in (100.0, 200.0, 300.0):
        visits.name([shown.id])
        assert visits.remove_unseen() == 0
    now[0] = 301.0
    assert visits.remove_unseen() == 1
    assert not left.folder.exists()
    assert shown.folder.exists()
    visits.remove_all()
    assert not shown.folder.exists()
    assert kept.folder.exists()
    assert client.get(f"/v1/app/jobs/{kept.id}").json()["kept"] is True


def test_what_is_not_kept_is_gone_when_the_server_ends(tmp_path: Path) -> None:
    with make_client(tmp_path) as client:
        job, kept = finished_job(client), finished_job(client)
        client.post(f"/v1/app/jobs/{kept.id}/keep")
        client.get(f"/v1/jobs/{job.id}/masks?from=0&to=1")
    assert not job.folder.exists()
    assert kept.folder.exists()


def test_the_result_folder_is_shown_on_this_machine_only_and_comes_as_a_zip_file(tmp_path: Path) -> None:
    client = make_client(tmp_path)
    job = finished_job(client, "my clip.mp4")
    assert client.get(f"/v1/app/jobs/{job.id}").json()["folder"] == str(job.folder)
    answer = client.get(f"/v1/app/jobs/{job.id}/result.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {"store/manifest.json", "store/steps.parquet"} <= set(archive.namelist())
    assert "my%20clip.zip" in answer.headers["content-disposition"]
    other = make_client(tmp_path / "other", local=False)
    assert other.get(f"/v1/app/jobs/{finished_job(other).id}").json()["folder"] == ""


def test_a_job_says_how_many_are_before_it(tmp_path: Path) -> None:
    client = make_client(tmp_path)
    video = write_scene_video(tmp_path / "upload.mp4", 1.0).read_bytes()
    ids = [client.post("/v1/jobs", files={"file": ("a.mp4", video)}).json()["id"] for _ in range(3)]
    assert [client.get(f"/v1/app/jobs/{each}").json()["before"] for each in ids] == [0, 1, 2]


def test_the_example_is_queued(tmp_path: Path) -> None:
    client = make_client(tmp_path)
    assert find_example() is not None
    assert client.get("/v1/app").json()["example"]
    assert client.post("/v1/app/example", json={"fps": 2}).json()["state"] == "queued"
    assert client.post("/v1/app/example", json={"fps": -2}).status_code == 422
