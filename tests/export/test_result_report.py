"""report.html: one page, that runs no text of others and asks nothing of a network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from skimage.draw import polygon2mask

from seac.export.outlines import mask_outlines
from seac.export.result_report import OutlineTrack, ResultReport
from seac.media.encode import VideoWriter
from seac.results.values import FrameMasks
from tests.fixtures.decided import INFO, decided, dog_and_violin, span, square_frames

ATTACK = "</script><script>document.title='attacked'</script><img src=x onerror=alert(1)>&lt;"


class Elements(HTMLParser):
    """Tags with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = (dict(attrs).get("id") or tag) if tag in ("script", "style") else ""

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside:
            self.texts.append((self._inside, data))


def page(folder, video, **options) -> str:
    report = ResultReport(folder, video, **options)
    for frame in square_frames(video):
        report.add(frame)
    report.close()
    return (folder / "report.html").read_text(encoding="utf-8")


def content(text: str):
    found = Elements(text)
    return json.loads("".join(data for name, data in found.texts if name == "content"))


def write_overlay(folder, frames: int = 10):
    writer = VideoWriter(folder / "overlay.mp4", 25, None)
    for _ in range(frames):
        writer.add(np.zeros((90, 160, 3), np.uint8))
    writer.close()
    return (folder / "overlay.mp4").read_bytes()


def test_the_page_has_what_was_decided(tmp_path):
    video = dog_and_violin()
    found = content(page(tmp_path, video))
    assert found["size"] == [160, 90]
    assert found["cuts"] == [2.5]
    assert [(lane["name"], lane["track"]) for lane in found["lanes"]] == [
        ("dog", 0),
        ("violin", 1),
        ("Siren", None),
    ]
    assert found["lanes"][0]["spans"] == [[0.5, 1.2, 0.8, -20.0], [3.0, 3.4, 0.8, -20.0]]
    assert found["lanes"][0]["colour"] == "#{:02x}{:02x}{:02x}".format(*video.tracks[0].colour)
    assert found["outlines"][0] == [0.0, []]
    assert [row[0] for row in dict(found["outlines"])[1.0]] == [0, 1]


def test_names_cannot_leave_their_place(tmp_path):
    info = replace(INFO, source=f"/videos/{ATTACK.replace('/', '∕')}.mp4", audio=None)
    video = decided((ATTACK, (span(0, 1),)), off_screen=((ATTACK, span(1, 2)),), info=info)
    text = page(tmp_path, video)
    plain = page(tmp_path, decided(("dog", (span(0, 1),)), off_screen=(("cat", span(1, 2)),), info=info))
    tags = [tag for tag, _ in Elements(text).tags]
    assert tags == [tag for tag, _ in Elements(plain).tags]
    assert "img" not in tags
    assert tags.count("script") == 2
    assert content(text)["lanes"][0]["name"] == ATTACK
    assert "onerror" not in str(
        [attributes for _, attributes in Elements(text).tags if "data-beside" not in attributes]
    )


def test_a_policy_admits_only_the_style_and_the_script_of_the_page(tmp_path):
    found = Elements(page(tmp_path, dog_and_violin()))
    policy = next(a["content"] for tag, a in found.tags if tag == "meta" and "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for name in ("style", "script"):
        (text,) = [data for kind, data in found.texts if kind == name]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert not [a for _, a in found.tags if "style" in a or any(key.startswith("on") for key in a)]


def test_the_page_refers_to_nothing_elsewhere(tmp_path):
    write_overlay(tmp_path)
    text = page(tmp_path, dog_and_violin())
    assert not [a for _, a in Elements(text).tags if "src" in a or "href" in a]
    addresses = set(re.findall(r"\w+://[^\s\"'<]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # the name of SVG, which is no request


def test_a_small_overlay_is_in_the_page_and_a_large_one_beside_it(tmp_path):
    overlay = write_overlay(tmp_path)
    found = Elements(page(tmp_path, dog_and_violin()))
    held = "".join(data for name, data in found.texts if name == "media")
    assert base64.b64decode(held) == overlay
    found = Elements(page(tmp_path, dog_and_violin(), embed_limit=len(overlay) - 1))
    assert "media" not in [name for name, _ in found.texts]
    assert next(a for tag, a in found.tags if tag == "video")["data-beside"] == "overlay.mp4"


def test_without_an_overlay_the_source_is_in_the_page(tmp_path):
    (tmp_path / "clips").mkdir()
    source = write_overlay(tmp_path / "clips")
    text = page(tmp_path, dog_and_violin(tmp_path / "clips/overlay.mp4"))
    held = "".join(data for name, data in Elements(text).texts if name == "media")
    assert base64.b64decode(held) == source


def test_an_unfinished_overlay_is_not_in_the_page(tmp_path):
    overlay = write_overlay(tmp_path)
    (tmp_path / "overlay.mp4").write_bytes(overlay[: len(overlay) // 3])
    assert "media" not in [name for name, _ in Elements(page(tmp_path, dog_and_violin())).texts]


def absolute(outline):
    return np.cumsum(np.reshape(outline, (-1, 2)), axis=0)


@pytest.mark.parametrize("shape", ["disc", "square", "touching the border", "two parts"])
def test_outlines_enclose_their_mask(shape):
    y, x = np.mgrid[:256, :448]
    masks = {
        "disc": (x - 200) ** 2 + (y - 120) ** 2 < 80**2,
        "square": (x >= 10) & (x < 90) & (y >= 20) & (y < 70),
        "touching the border": (x < 100) & (y > 150),
        "two parts": ((x < 50) & (y < 50)) | ((x > 300) & (y > 100)),
    }
    mask = masks[shape]
    outlines = mask_outlines(mask)
    drawn = np.zeros_like(mask)
    for outline in outlines:
        drawn |= polygon2mask(mask.shape, absolute(outline)[:, ::-1] - 0.5)
    assert (drawn & mask).sum() / (drawn | mask).sum() > 0.96
    assert sum(map(len, outlines)) < 120


def test_specks_have_no_outline():
    mask = np.zeros((256, 448), np.bool_)
    mask[3, 4] = True
    assert mask_outlines(mask) == []


def test_outlines_of_a_long_video_stay_within_their_limit():
    track = OutlineTrack(limit=2000)
    mask = np.zeros((1, 60, 80), np.bool_)
    mask[0, 10:40, 10:40] = True
    for number in range(3000):
        track.add(FrameMasks(number, number * 0.5, 0.5, np.int64([3]), mask, np.float32([0.9])))
    text = track.json()
    assert len(text) < 2100
    times = [frame[0] for frame in json.loads(text)]
    gaps = np.diff(times)
    assert len(set(gaps.tolist())) == 1
    assert times[0] == 0
    assert times[-1] > 1500 - 2 * gaps[0]


def test_frames_that_follow_closely_are_left_out():
    track = OutlineTrack()
    mask = np.ones((1, 60, 80), np.bool_)
    for number in range(50):
        sounding = number < 30
        tracks = np.int64([3] if sounding else [])
        track.add(
            FrameMasks(
                number, number / 25, 0.04, tracks, mask[: len(tracks)], np.float32([0.9])[: len(tracks)]
            )
        )
    frames = json.loads(track.json())
    assert [frame[0] for frame in frames] == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2]
    assert frames[-1][1] == []
