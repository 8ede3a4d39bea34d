"""The page in headless Chromium; skipped where there is none."""

from __future__ import annotations

import json
import random
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from seac.results.decide import DecideOptions, decide
from seac.results.decision_file import read_decision
from seac.results.reader import open_result
from seac.results.values import STEP
from seac.serve.evidence import evidence_values
from tests.app.serving import Served
from tests.fixtures.chromium import Page, find_chromium
from tests.fixtures.scene import SECONDS
from tests.results.synthetic import make_values, write_result

PROGRAM = find_chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")

PIXELS = """(() => {
  const canvas = document.getElementById('overlay'), context = canvas.getContext('2d');
  const x = Math.round(%f * canvas.width), y = Math.round(%f * canvas.height);
  return [...context.getImageData(x, y, 1, 1).data];
})()"""
DRAWN = """(() => {
  const canvas = document.getElementById('overlay');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 3; i < data.length; i += 4) count += data[i] > 40;
  return count / (data.length / 4);
})()"""
READY = (
    "!document.getElementById('start').hidden && document.getElementById('limits').textContent.includes('MB')"
)
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
SQUARE = (0.25, 0.47)
"""Where the square of the scene is at one second, from 0 to 1; the disc and the wall without the square:"""
DISC, WALL = (0.81, 0.5), (0.55, 0.3)


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["wide", "narrow"])
def page(request: pytest.FixtureRequest, served: Served, tmp_path: Path) -> Iterator[Page]:
    assert PROGRAM is not None
    with Page(PROGRAM, tmp_path / "profile", request.param, dark=request.param[0] == 390) as found:
        yield found
        assert not found.errors
        assert all(
            address.startswith((served.address, "blob:", "data:", "about:")) for address in found.requests
        )


@pytest.fixture
def wide(served: Served, tmp_path: Path) -> Iterator[Page]:
    assert PROGRAM is not None
    with Page(PROGRAM, tmp_path / "profile") as found:
        yield found


def open_scene(page: Page, served: Served, seconds: float = 1.0) -> None:
    """Open the scene at a time, with its masks."""
    served.forget_decision()
    page.visit(f"{served.address}/#{served.opened}")
    page.wait("!document.getElementById('work').hidden")
    page.wait("document.getElementById('video').readyState >= 2")
    go_to(page, seconds)


def go_to(page: Page, seconds: float) -> None:
    page.run(f"document.getElementById('video').currentTime = {seconds}")
    page.wait("!document.getElementById('video').seeking && document.getElementById('loading').hidden")
    page.wait(f"document.getElementById('clock').textContent.startsWith('{seconds:.1f}')")
    page.run(FRAMES)


def drawn(page: Page) -> float:
    """Share of the canvas that is drawn on."""
    page.run(FRAMES)
    return float(page.run(DRAWN))


def alpha(page: Page, point: tuple[float, float]) -> int:
    page.run(FRAMES)
    return int(page.run(PIXELS % point)[3])


def slide(page: Page, name: str, value: float) -> None:
    page.run(
        f"(() => {{ const each = document.getElementById('{name}'); each.value = {value};"
        " each.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    page.run(FRAMES)


def click(page: Page, selector: str) -> None:
    page.run(f"document.querySelector({json.dumps(selector)}).click()")
    page.run(FRAMES)


def click_on_frame(page: Page, point: tuple[float, float]) -> None:
    page.run("document.getElementById('frame').scrollIntoView({block: 'center'})")
    left, top, width, height = page.run(
        "(() => { const b = document.getElementById('overlay').getBoundingClientRect();"
        " return [b.left, b.top, b.width, b.height]; })()"
    )
    page.click(left + point[0] * width, top + point[1] * height)
    page.wait("!document.getElementById('card').hidden")


def names(page: Page) -> list[str]:
    """Names of the lanes of tracks."""
    found = page.run("[...document.querySelectorAll('.name input[type=text]')].map((each) => each.value)")
    return list(found)


def wait_for_decision(served: Served, field: str, value: object) -> None:
    """The page has written its decision into the result folder."""
    end = time.monotonic() + 30
    while getattr(read_decision(served.scene), field) != value:
        assert time.monotonic() < end, read_decision(served.scene)
        time.sleep(0.05)


def test_masks_are_drawn_where_the_sounding_thing_is(page: Page, served: Served) -> None:
    open_scene(page, served)
    assert names(page) == ["dog"]
    assert alpha(page, SQUARE) > 60
    assert alpha(page, DISC) == alpha(page, WALL) == 0
    red, green, blue, _ = page.run(PIXELS % SQUARE)
    assert red > 150  # orange, the colour of track 0
    assert red > green > blue
    go_to(page, 0.1)  # silent
    assert drawn(page) == 0


def test_nothing_scrolls_sideways(page: Page, served: Served) -> None:
    open_scene(page, served)
    for _ in range(2):
        wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert page.run(wide)
        page.run("location.hash = ''")
        page.wait("!document.getElementById('start').hidden")


def test_a_slider_changes_lanes_and_masks_without_a_request_for_masks(page: Page, served: Served) -> None:
    open_scene(page, served, 4.0)
    assert drawn(page) == 0
    page.requests.clear()
    slide(page, "threshold", 0.3)
    assert names(page) == ["dog", "cat"]
    assert alpha(page, DISC) > 60
    slide(page, "threshold", 0.95)
    assert names(page) == []
    assert drawn(page) == 0
    assert not [address for address in page.requests if "masks" in address]
    slide(page, "threshold", 0.3)
    slide(page, "duration", 2.5)
    assert names(page) == []
    wait_for_decision(served, "min_duration", 2.5)


def test_mute_solo_and_undo(page: Page, served: Served) -> None:
    open_scene(page, served)
    click(page, ".row[data-track='0'] .mute")
    # What the muted square covered takes its place.
    assert set(names(page)) == {"dog", "piano"}
    assert alpha(page, WALL) > 60
    click(page, "#undo")
    assert names(page) == ["dog"]
    assert alpha(page, WALL) == 0
    click(page, "#redo")
    assert alpha(page, WALL) > 60
    click(page, ".row[data-track='0'] .solo")
    wait_for_decision(served, "solo", (0,))
    click(page, "#reset")
    assert alpha(page, SQUARE) > 60
    wait_for_decision(served, "mute", ())


def test_keys(page: Page, served: Served) -> None:
    open_scene(page, served)
    page.key("ArrowRight", "ArrowRight")
    page.wait("document.getElementById('clock').textContent.startsWith('2.0')")
    page.key("m", "KeyM")
    page.wait(
        "document.querySelector('.row[data-track=\"0\"] .mute').getAttribute('aria-pressed') === 'true'"
    )
    page.key("z", "KeyZ", 2)
    page.wait(
        "document.querySelector('.row[data-track=\"0\"] .mute').getAttribute('aria-pressed') === 'false'"
    )
    page.key("p", "KeyP")
    page.wait("document.getElementById('clock').textContent.startsWith('0.5')")
    page.key("?", "Slash", 8)
    page.wait("document.getElementById('keys').open")
    page.key("Escape", "Escape")
    page.run("document.getElementById('keys').close()")
    page.wait("document.activeElement === document.body")
    page.run(
        "(() => { window.heard = []; for (const name of ['play', 'pause'])"
        " document.getElementById('video').addEventListener(name, () => heard.push(name)); })()"
    )
    page.key(" ", "Space")
    page.wait("heard.includes('play')")
    page.key(" ", "Space")
    page.wait("heard.includes('pause')")


def test_a_name_that_is_a_script_is_text(page: Page, served: Served) -> None:
    open_scene(page, served)
    attack = "<script>document.title='x'</script><img src=y onerror=\"document.title='x'\">"
    page.run("document.querySelector('.row[data-track=\"0\"] input[type=text]').select()")
    page.run("document.querySelector('.row[data-track=\"0\"] input[type=text]').focus()")
    page.write(attack)
    page.key("Enter", "Enter")
    page.run(
        "document.querySelector('.row[data-track=\"0\"] input[type=text]')"
        ".dispatchEvent(new Event('change', {bubbles: true}))"
    )
    wait_for_decision(served, "rename", {0: attack})
    assert page.run("document.getElementById('now').textContent").startswith(attack)
    assert not page.run("document.querySelector('#work script, #work img:not(#preview)')")
    assert page.run("document.title") != "x"
    page.visit(f"{served.address}/#{served.opened}")  # it comes back from the server
    page.call("Page.reload")
    page.wait("document.querySelector('.row[data-track=\"0\"]') !== null")
    assert names(page) == [attack]
    assert page.run("document.title") != "x"


def test_a_thing_is_dropped_and_another_added_by_clicks(page: Page, served: Served) -> None:
    open_scene(page, served)
    click_on_frame(page, SQUARE)
    assert "dog" in page.run("document.getElementById('card').textContent")
    click(page, "#card .main")
    wait_for_decision(served, "mute", (0,))
    click_on_frame(page, DISC)
    assert "cat" in page.run("document.getElementById('card').textContent")
    click(page, "#card .main")
    assert "cat" in names(page)
    go_to(page, 5.5)  # where the disc is improbable
    page.wait(f"({PIXELS % DISC})[3] > 60")
    wait_for_decision(served, "add", (1,))
    click(page, "#undo")
    assert alpha(page, DISC) == 0


def test_a_colour_is_that_of_the_masks(wide: Page, served: Served) -> None:
    open_scene(wide, served)
    wide.run(
        "(() => { const each = document.querySelector('.row[data-track=\"0\"] .swatch');"
        " each.value = '#0000ff';"
        " each.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    wide.run(FRAMES)
    red, green, blue, _ = wide.run(PIXELS % SQUARE)
    assert blue > 200
    assert red < 60
    assert green < 60
    wait_for_decision(served, "colours", {0: (0, 0, 255)})


def test_playing_moves_the_masks(wide: Page, served: Served) -> None:
    open_scene(wide, served, 0.6)
    wide.run("document.getElementById('video').muted = true")
    click(wide, "#play")
    wide.wait("document.getElementById('video').currentTime > 1.5")
    click(wide, "#play")
    seconds = wide.run("document.getElementById('video').currentTime")
    page_left = wide.run(
        """(() => { const canvas = document.getElementById('overlay'), wide = canvas.width;
        const row = canvas.getContext('2d').getImageData(0, Math.round(.45 * canvas.height), wide, 1).data;
        let x = 0; while (x < wide && row[4 * x + 3] < 60) x++; return x / wide; })()"""
    )
    assert page_left == pytest.approx((10 + 8 * seconds) / 160, abs=0.03)


def test_the_decision_of_the_page_is_that_of_the_package(wide: Page, served: Served, tmp_path: Path) -> None:

    rng = random.Random(0)
    wide.visit(f"{served.address}/")
    wide.run("import('/decide.js').then((found) => { window.rule = found.decide; return 1; })")
    for seed, frames in ((0, 8), (1, 20), (2, 3)):
        result = open_result(write_result(tmp_path / str(seed), make_values(seed, frames, 6)))
        values = {**evidence_values(result), "step": STEP, "video": {"duration": result.info.duration}}
        wide.run(f"void (window.result = {json.dumps(values)})")
        for _ in range(25):
            chosen = {
                "threshold": rng.choice([0.05, 0.2, 0.35, 0.5, 0.77, 0.99, None]),
                "min_duration": rng.choice([0, 0.1, 0.3, 1.2]),
                "max_gap": rng.choice([0, 0.1, 0.5]),
                "mute": rng.sample(range(6), rng.choice([0, 0, 2])),
                "solo": rng.sample(range(6), rng.choice([0, 0, 3])),
                "add": rng.sample(range(6), rng.choice([0, 0, 1])),
            }
            lists = {name: frozenset(chosen[name]) for name in ("mute", "solo", "add")}
            numbers = {name: chosen[name] for name in ("threshold", "min_duration", "max_gap")}
            wanted = [
                [
                    track.id,
                    [[span.start, span.stop, span.probability] for span in track.spans],
                    list(track.covered),
                ]
                for track in decide(result, DecideOptions(**lists, **numbers)).tracks
            ]
            found = wide.run(
                f"rule(result, {json.dumps(chosen)}, null)"
                ".map((each) => [each.id, each.spans, [...each.covered].sort((a, b) => a - b)])"
            )
            assert found == wanted, chosen


def test_every_export_is_offered_and_one_is_downloaded(wide: Page, served: Served, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    from seac.export.table import list_formats

    folder = tmp_path / "downloads"
    folder.mkdir()
    open_scene(wide, served)
    wide.download_into(folder)
    click(wide, "#export")
    offered = wide.run("[...document.querySelectorAll('[data-format]')].map((each) => each.dataset.format)")
    assert sorted(offered) == sorted(list_formats())
    click(wide, "[data-format='coco']")
    wide.wait("document.getElementById('export-state').textContent.includes('done')")
    end = time.monotonic() + 30
    while not (folder / "coco.zip").is_file():
        assert time.monotonic() < end, list(folder.iterdir())
        time.sleep(0.1)
    with zipfile.ZipFile(folder / "coco.zip") as archive:
        archive.extractall(folder)
    (found,) = folder.rglob("*.json")
    dataset = COCO(str(found))
    assert [each["name"] for each in dataset.loadCats(dataset.getCatIds())] == ["dog"]
    assert len(dataset.getAnnIds()) > 0


def test_an_upload_runs_and_opens(page: Page, served: Served, scene_clip: Path) -> None:
    page.visit(f"{served.address}/")
    page.wait(READY)
    page.choose_files("#file", scene_clip)
    page.wait("!document.getElementById('work').hidden")
    page.wait("document.getElementById('video').readyState >= 2")
    assert page.run("document.getElementById('clip').textContent") == scene_clip.name
    assert names(page) == ["dog"]
    assert page.run("document.getElementById('video').duration") == pytest.approx(SECONDS, abs=0.2)
    click(page, "#home")
    page.wait("!document.getElementById('start').hidden")


def test_a_wrong_file_is_one_line(page: Page, served: Served, tmp_path: Path) -> None:
    page.visit(f"{served.address}/")
    page.wait(READY)
    wrong = tmp_path / "notes.mp4"
    wrong.write_text("this is no video\n" * 100)
    page.choose_files("#file", wrong)
    page.wait("!document.getElementById('error').hidden")
    line = page.run("document.querySelector('#error span').textContent")
    assert "no readable video" in line
    assert "\n" not in line
    assert page.run("document.getElementById('start').hidden") is False
    page.errors.clear()  # Chromium notes the refused request


def test_progress_and_preview_are_shown_and_a_run_is_cancelled(
    wide: Page, served: Served, scene_clip: Path
) -> None:
    wide.visit(f"{served.address}/")
    wide.wait(READY)
    wide.run("document.getElementById('opt-find').value = 'slow'")  # the stored runner takes its time
    wide.choose_files("#file", scene_clip)
    wide.wait("!document.getElementById('busy').hidden")
    wide.wait("document.getElementById('rate').textContent.includes('frames per second')")
    wide.wait("!document.getElementById('preview').hidden")
    click(wide, "#cancel")
    wide.wait("!document.getElementById('start').hidden")


def test_elements_have_names_and_a_visible_focus(page: Page, served: Served) -> None:
    open_scene(page, served)
    unnamed = page.run(
        """[...document.querySelectorAll('button, input, select, a[href], [role=slider], [role=img]')]
        .filter((each) => each.offsetParent && !(each.getAttribute('aria-label') || each.textContent.trim()
          || each.labels?.length || each.title)).map((each) => each.outerHTML)"""
    )
    assert unnamed == []
    assert page.run("document.documentElement.lang") == "en"
