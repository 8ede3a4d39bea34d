"""A server of the page for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="pip install 'seac[app]'")
pytest.importorskip("uvicorn", reason="pip install 'seac[app]'")

from seac.app.server import AppSettings, create_app
from seac.serve.limits import ServeLimits
from seac.serve.settings import ServeSettings
from tests.app.serving import Served, free_port, serving
from tests.fixtures.scene import write_scene, write_scene_video


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, scene = tmp_path_factory.mktemp("served"), write_scene(tmp_path_factory.mktemp("scene"))
    settings = ServeSettings(
        folder, runner="tests.app.serving:SceneRunner", limits=ServeLimits(upload_bytes=5_000_000), exports=()
    )
    app, port = create_app(AppSettings(settings)), free_port()
    with serving(app, port):
        opened = app.state.service.store.adopt(scene.resolve(), scene / "clip.mp4").id
        yield Served(f"http://127.0.0.1:{port}", scene, opened, folder)


@pytest.fixture(scope="session")
def scene_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene_video(tmp_path_factory.mktemp("clip") / "scene <b>clip</b>.mp4")
