"""report.html in headless Chromium; skipped where there is none."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from seac.export.result_report import ResultReport
from seac.media.encode import VideoWriter
from tests.export.test_result_report import ATTACK
from tests.fixtures.chromium import Page, find_chromium
from tests.fixtures.decided import decided, dog_and_violin, span, square_frames

PROGRAM = find_chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")

BOX = """(() => {{
  const box = document.querySelector('{}').getBoundingClientRect();
  return [box.left, box.top, box.width, box.height];
}})()"""
COLOURED = """(() => {
  const canvas = document.getElementById('outlines');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const colour = [%d, %d, %d];
  let count = 0;
  for (let i = 0; i < data.length; i += 4)
    count += data[i + 3] > 200 && colour.every((part, k) => Math.abs(data[i + k] - part) < 12);
  return count;
})()"""
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    writer = VideoWriter(folder / "overlay.mp4", 25, None)
    for grey in range(150):
        writer.add(np.full((90, 160, 3), grey, np.uint8))
    writer.close()
    video = dog_and_violin()
    report = ResultReport(folder, video)
    for frame in square_frames(video):
        report.add(frame)
    report.close()
    return folder


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["wide", "narrow"])
def page(request, folder, tmp_path):
    assert PROGRAM is not None
    with Page(PROGRAM, tmp_path, request.param, dark=request.param[0] == 390) as found:
        found.open(folder / "report.html")
        found.wait("document.getElementById('player').readyState >= 2")
        yield found


def middle(page, selector, x=0.5, y=0.5):
    left, top, width, height = page.run(BOX.format(selector))
    return left + x * width, top + y * height


def coloured(page, track):
    """Pixels of the picture in the colour of a track."""
    page.run(FRAMES)
    return page.run(COLOURED % dog_and_violin().tracks[track].colour)


def time_of(page):
    return page.run("document.getElementById('player').currentTime")


def arrives(page, seconds):
    page.wait(f"Math.abs(document.getElementById('player').currentTime - {seconds}) < 0.06")
    page.wait("!document.getElementById('player').seeking")


def test_the_page_does_what_it_says(page):
    # A click seeks.
    page.click(*middle(page, '[data-track="1"]', x=4 / 6))
    arrives(page, 4.0)
    assert page.run("document.getElementById('clock').textContent") == "4.0 / 6.0"
    head, lane = page.run(BOX.format("#head")), page.run(BOX.format('[data-track="1"]'))
    assert head[0] == pytest.approx(lane[0] + lane[2] * 4 / 6, abs=2)
    # A lane outlines its track, where it does not sound too.
    page.mouse("mouseMoved", 5, 5)
    thin = coloured(page, 1)
    assert thin > 0
    assert coloured(page, 0) == 0
    page.mouse("mouseMoved", *middle(page, '[data-track="1"]'))
    assert coloured(page, 1) > 1.4 * thin
    page.mouse("mouseMoved", *middle(page, '[data-track="0"]'))
    assert coloured(page, 0) > 0
    page.mouse("mouseMoved", 5, 5)
    # Keys.
    page.key("ArrowLeft", "ArrowLeft")
    arrives(page, 3.0)
    page.key("Home", "Home")
    for seconds in (0.5, 1.0, 2.0):
        page.key("n", "KeyN")
        arrives(page, seconds)
    page.key("p", "KeyP")
    arrives(page, 1.0)
    page.key("Home", "Home")
    arrives(page, 0.0)
    page.key(" ", "Space")
    page.wait("document.getElementById('player').currentTime > 0.1")
    page.key(" ", "Space")
    page.wait("document.getElementById('player').paused")
    # Nothing went wrong, nothing was asked of a network, and nothing is cut off at the right.
    assert page.errors == []
    assert {address.split(":")[0] for address in page.requests} <= {"file", "blob"}
    assert page.run("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.run(
        "[...document.querySelectorAll('.solo')].every((button) => button.getBoundingClientRect().right "
        "<= document.getElementById('scroll').getBoundingClientRect().left + "
        "document.getElementById('scroll').clientWidth + 1)"
    )


def test_outlines_are_switched_off_and_soloed(page):
    page.click(*middle(page, '[data-track="1"]', x=3.1 / 6))
    arrives(page, 3.1)
    page.mouse("mouseMoved", 5, 5)
    assert coloured(page, 0) > 0
    click = "document.querySelectorAll('.{}')[{}].click()"
    page.run(click.format("toggle", 0))
    assert coloured(page, 0) == 0
    assert coloured(page, 1) > 0
    page.run(click.format("toggle", 0))
    page.run(click.format("solo", 0))
    assert coloured(page, 0) > 0
    assert coloured(page, 1) == 0
    page.run("document.getElementById('shown').click()")
    assert coloured(page, 0) == 0


def test_a_large_overlay_is_played_from_beside_the_page_at_the_time_of_a_link(folder, tmp_path):
    assert PROGRAM is not None
    (tmp_path / "page").mkdir()
    shutil.copy(folder / "overlay.mp4", tmp_path / "page/overlay.mp4")
    ResultReport(tmp_path / "page", dog_and_violin(), embed_limit=0).close()
    with Page(PROGRAM, tmp_path / "profile") as page:
        page.open(tmp_path / "page/report.html", "#t=3.5")
        arrives(page, 3.5)
        assert page.run("document.getElementById('missing').hidden")
        assert page.errors == []
        assert page.requests[-1].endswith("/overlay.mp4")


def test_zoomed_lanes_seek_to_the_right_time(page):
    for _ in range(3):
        page.run("document.getElementById('wide').click()")
    page.run("document.getElementById('scroll').scrollLeft = 0")
    left, top, width, height = page.run(BOX.format('[data-track="0"]'))
    label = page.run("document.querySelector('.over').offsetLeft")
    visible = page.run("document.getElementById('scroll').clientWidth") - label
    assert width == pytest.approx(8 * visible, rel=0.02)
    page.click(left + width * 0.5 / 6, top + height / 2)
    arrives(page, 0.5)


def test_every_control_has_a_name(page):
    nameless = page.run(
        "[...document.querySelectorAll('button, [role], video')].filter((element) => "
        "!(element.getAttribute('aria-label') || element.textContent).trim()).length"
    )
    assert nameless == 0


def test_names_are_text(tmp_path):
    assert PROGRAM is not None
    (tmp_path / "page").mkdir()
    video = decided((ATTACK, (span(0, 5),)), off_screen=((ATTACK, span(1, 2)),))
    report = ResultReport(tmp_path / "page", video)
    report.close()
    with Page(PROGRAM, tmp_path / "profile") as page:
        page.open(tmp_path / "page/report.html")
        page.wait("document.querySelectorAll('.lane').length === 4")
        assert page.run("document.title") == "clip.mp4: who sounds when"
        assert page.run("document.querySelector('.row .text').textContent") == f"{ATTACK} (0)"
        assert page.run("document.images.length") == 0
        page.wait("!document.getElementById('missing').hidden")  # there is no video
        page.click(*middle(page, '[data-track="0"]'))
        page.wait("document.getElementById('clock').textContent === '3.0 / 6.0'")
