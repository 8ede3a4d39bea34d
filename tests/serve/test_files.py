from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.serve.files import find_file, list_files


def test_ranges_give_the_parts_of_a_file(shared_server, job):
    address = f"/v1/jobs/{job}/files/overlay.mp4"
    whole = shared_server.client.get(address).content
    for first, last in ((0, 0), (0, 99), (100, 1999), (len(whole) - 5, len(whole) - 1)):
        answer = shared_server.client.get(address, headers={"Range": f"bytes={first}-{last}"})
        assert answer.status_code == 206
        assert answer.content == whole[first : last + 1]
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
    assert shared_server.client.get(address, headers={"Range": "bytes=-10"}).content == whole[-10:]
    beyond = shared_server.client.get(address, headers={"Range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416


def test_no_browser_guesses_a_type(shared_server, job):
    for name in ("overlay.mp4", "events.csv", "preview.jpg", "source.mp4"):
        answer = shared_server.client.get(f"/v1/jobs/{job}/files/{name}")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
    saved = shared_server.client.get(f"/v1/jobs/{job}/files/overlay.mp4?download=true")
    assert saved.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "name",
    [
        "../jobs.sqlite",
        "..%2f..%2fjobs.sqlite",
        "%2e%2e/%2e%2e/jobs.sqlite",
        "store/../../../jobs.sqlite",
        "..\\..\\jobs.sqlite",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "store",
        "store/",
        "store//manifest.json",
        "%2e/overlay.mp4",
        ".seac.json",
        "overlay.mp4%00.txt",
        "nothing.txt",
        "%ff%fe",
    ],
)
def test_nothing_outside_the_result_is_read(shared_server, job, name):
    answer = shared_server.client.get(f"/v1/jobs/{job}/files/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


def test_links_are_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    folder = tmp_path / "result"
    folder.mkdir()
    (folder / "file.txt").write_text("mine")
    (folder / "link.txt").symlink_to(outside / "secret.txt")
    (folder / "folder").symlink_to(outside)
    (folder / "inside.txt").symlink_to(folder / "file.txt")
    assert list_files(folder) == [("file.txt", 4)]
    assert find_file(folder, "file.txt") == folder / "file.txt"
    for name in ("link.txt", "folder/secret.txt", "inside.txt", "folder"):
        assert find_file(folder, name) is None


PARTS = st.sampled_from(["..", ".", "", "a", "store", "x.txt", "~", "%2e%2e", "\\", "\0", "é", "\ud800"])


@settings(max_examples=50)
@given(st.lists(PARTS | st.text(max_size=8), max_size=6).map("/".join))
def test_a_found_file_lies_in_the_folder(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp() / "files"
    if not folder.exists():
        (folder / "a").mkdir(parents=True)
        (folder / "x.txt").write_text("x")
        (folder / "a/x.txt").write_text("x")
        (folder.parent / "x.txt").write_text("outside")
    found = find_file(folder, name)
    assert found is None or found.resolve().is_relative_to(folder.resolve())
