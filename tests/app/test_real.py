"""The whole way with the networks: a clip is uploaded in the browser, segmented, and shown as decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from seac.app.server import AppSettings, create_app
from seac.results.decide import decide
from seac.results.reader import open_result
from seac.serve.settings import ServeSettings
from tests.app.serving import free_port, serving
from tests.fixtures.chromium import Page, find_chromium
from tests.fixtures.demo import excerpt

PROGRAM = find_chromium()


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")
def test_a_clip_is_segmented_and_shown(tmp_path: Path) -> None:
    assert PROGRAM is not None
    clip = excerpt(tmp_path / "clip.mp4", 0.0, 2.0)
    app, port = create_app(AppSettings(ServeSettings(tmp_path / "served", exports=()))), free_port()
    with serving(app, port), Page(PROGRAM, tmp_path / "profile") as page:
        page.visit(f"http://127.0.0.1:{port}/")
        page.wait("document.getElementById('limits').textContent.includes('MB')")
        page.choose_files("#file", clip)
        page.wait("!document.getElementById('busy').hidden")
        for _ in range(4):  # each waits for a minute at most
            if page.run("document.getElementById('work').hidden"):
                try:
                    page.wait("!document.getElementById('work').hidden")
                except TimeoutError:
                    continue
        job = page.run("location.hash.slice(1)")
        result = open_result(tmp_path / "served" / "jobs" / job)
        lanes = page.run(
            "[...document.querySelectorAll('.row[data-track]')].map((each) => Number(each.dataset.track))"
        )
        assert lanes == [track.id for track in decide(result).tracks]
        page.wait("document.getElementById('video').readyState >= 2")
        assert not page.errors
