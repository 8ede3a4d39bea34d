from __future__ import annotations

import json
import re

import pytest

from seac.serve.limits import ServeLimits
from tests.fixtures.parts import squares, tone, write_video, write_wav


def events_of(text):
    """(event, id, data) of a stream of server-sent events."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], int(fields["id"]), json.loads(fields["data"])))
    return found


def test_a_video_becomes_a_result(shared_server, job):
    found = shared_server.client.get(f"/v1/jobs/{job}").json()
    assert found["state"] == "done"
    assert found["error"] is None
    assert found["created"] <= found["started"] <= found["finished"] < found["expires"]
    assert found["progress"]["key_frames"] > 0
    names = {file["name"]: file for file in found["files"]}
    assert {"overlay.mp4", "events.csv", "source.mp4", "preview.jpg", "store/manifest.json"} <= set(names)
    assert names["overlay.mp4"]["type"] == "video/mp4"


def test_ids_cannot_be_guessed(shared_server, clip):
    ids = {shared_server.upload(clip).json()["id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)


def test_the_name_of_an_upload_is_shown_and_is_no_path(shared_server, clip):
    for given, shown in (("../../etc/x.mp4", "x.mp4"), ("a\\b\\c\td.mp4", "c d.mp4"), ("x" * 500, None)):
        files = {"file": (given, clip.read_bytes())}
        answer = shared_server.client.post("/v1/jobs", files=files).json()
        assert answer["name"] == shown or len(answer["name"]) <= 120
    folders = list((shared_server.settings.folder / "jobs").iterdir())
    assert {path.name for folder in folders for path in folder.glob("source*")} == {"source.mp4"}


def test_events_tell_the_whole_job_and_resume(shared_server, clip):
    job = shared_server.upload(clip).json()["id"]
    answer = shared_server.client.get(f"/v1/jobs/{job}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = events_of(answer.text)
    versions = [version for _, version, _ in found]
    assert versions == sorted(set(versions))
    assert found[0][0] == "state"
    assert found[-1][0] == "state"
    assert found[-1][2]["state"] == "done"
    headers = {"Last-Event-ID": str(versions[-1] - 1)}
    again = events_of(shared_server.client.get(f"/v1/jobs/{job}/events", headers=headers).text)
    assert [version for _, version, _ in again] == versions[-1:]
    headers = {"Last-Event-ID": str(versions[-1])}
    assert shared_server.client.get(f"/v1/jobs/{job}/events", headers=headers).text == ""


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("{", "JSON"),
        ("[]", "object"),
        ('{"fps": 0}', "fps"),
        ('{"fps": Infinity}', "fps"),
        ('{"preset": "paper"}', "preset"),
        ('{"vocabulary": []}', "vocabulary"),
        ('{"vocabulary": "/etc/passwd"}', None),
        ('{"exports": ["nothing"]}', "nothing"),
        ('{"find": "  "}', "find"),
        ('{"threshold": 2}', "threshold"),
    ],
)
def test_settings_are_checked(start, clip, settings, reason):
    server = start()
    answer = server.upload(clip, data={"settings": settings})
    if reason is None:  # a path is the name of a class, no file is read
        assert answer.status_code == 202
        assert answer.json()["settings"]["vocabulary"] == ["/etc/passwd"]
        return
    assert answer.status_code == 422
    assert reason in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert not list((server.settings.folder / "jobs").iterdir())
    assert not list((server.settings.folder / "incoming").iterdir())


def test_settings_reach_the_result(start, clip):
    server = start()
    job = server.done(clip, '{"fps": 2, "vocabulary": "red, blue", "threshold": 0.25, "exports": ["srt"]}')
    result = server.client.get(f"/v1/jobs/{job}/result").json()
    assert result["labels"] == ["red", "blue"]
    assert result["threshold"] == 0.25
    assert result["key_frames"] == [0.0, 0.5, 1.0, 1.5]
    names = [file["name"] for file in server.client.get(f"/v1/jobs/{job}").json()["files"]]
    assert "events.srt" in names
    assert "events.csv" not in names


def test_uploads_are_checked_by_content(start, clip, tmp_path):
    server = start()
    text = tmp_path / "clip.mp4"
    cases = {
        "empty": b"",
        "text": b"hello" * 100,
        "html": b"<html><script>alert(1)</script></html>" * 20,
        "cut": clip.read_bytes()[:200],
        "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1/x.ts\n#EXT-X-ENDLIST\n",
        "list": b"ffconcat version 1.0\nfile /etc/passwd\n",
    }
    for name, content in cases.items():
        text.write_bytes(content)
        answer = server.upload(text)
        assert answer.status_code == 422, name
        assert str(server.settings.folder) not in answer.text
    audio = write_wav(tmp_path / "a.mp4", tone("red", 1.0))
    assert server.upload(audio).status_code == 422
    assert not list((server.settings.folder / "incoming").iterdir())


def test_a_video_of_another_suffix_is_stored_under_its_own(start, clip, tmp_path):
    other = write_video(tmp_path / "a.mkv", [squares()] * 5, tone("red", 0.5))
    disguised = tmp_path / "picture.png"
    disguised.write_bytes(other.read_bytes())
    server = start()
    job = server.upload(disguised).json()["id"]
    assert [path.name for path in (server.settings.folder / "jobs" / job).glob("source*")] == ["source.mkv"]
    assert server.finish(job)["state"] == "done"


def test_limits_are_kept(start, clip):
    tight = {
        "bytes": (ServeLimits(upload_bytes=1000), 413),
        "seconds": (ServeLimits(video_seconds=1.0), 413),
        "pixels": (ServeLimits(frame_pixels=1000), 413),
        "disk": (ServeLimits(free_bytes=2**60), 503),
    }
    for limits, status in tight.values():
        server = start(limits=limits)
        answer = server.upload(clip, data={"settings": "{}"})
        assert answer.status_code == status, answer.text
        assert list(answer.json()) == ["error"]


def test_a_body_without_a_length_is_limited_too(start):
    server = start(limits=ServeLimits(upload_bytes=100_000))
    sent = 0

    def body():
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(1000):
            sent += 10_000
            yield b"0" * 10_000

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert server.client.post("/v1/jobs", content=body(), headers=headers).status_code == 413


def test_other_requests_are_refused(shared_server):
    post = shared_server.client.post
    assert post("/v1/jobs", content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert post("/v1/jobs").status_code == 415
    assert post("/v1/jobs", files={"other": ("a", b"x")}).status_code == 422
    assert post("/v1/jobs", data={"file": "x"}, files={"settings": ("a", b"{}")}).status_code == 422
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert post("/v1/jobs", content=b"nothing", headers=broken).status_code in (400, 422)
    assert post("/v1/jobs", content=b"{}", headers={"Content-Type": "application/json"}).status_code == 422
    assert post("/v1/jobs", json={"url": "http://x/", "settings": {"a": "x" * 300_000}}).status_code == 413


def test_a_full_queue_tells_when_to_come_back(start, clip):
    server = start(limits=ServeLimits(queued_jobs=2))
    server.backend.held.set()
    first = [server.upload(clip) for _ in range(2)]
    assert [answer.status_code for answer in first] == [202, 202]
    refused = server.upload(clip)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    server.backend.held.clear()
    for answer in first:
        assert server.finish(answer.json()["id"])["state"] == "done"
    assert server.upload(clip).status_code == 202


def test_jobs_can_be_cancelled_and_deleted(start, clip):
    server = start()
    server.backend.held.set()
    job = server.upload(clip).json()["id"]
    folder = server.settings.folder / "jobs" / job
    assert folder.is_dir()
    assert server.client.get(f"/v1/jobs/{job}/result").status_code == 409
    assert server.client.post(f"/v1/jobs/{job}/decide", json={}).status_code == 409
    assert server.client.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert server.client.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert server.client.delete(f"/v1/jobs/{job}").status_code == 204
    assert not folder.exists()
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/events")):
        assert server.client.request(method, f"/v1/jobs/{job}{path}").status_code == 404


def test_a_job_that_fails_says_why_in_one_line(start, clip):
    class Broken:
        def segment(self, source, out, settings, report):
            raise RuntimeError(f"secret {source}")

    server = start(Broken())
    found = server.finish(server.upload(clip).json()["id"])
    assert found["state"] == "failed"
    assert "secret" not in found["error"]
    assert "\n" not in found["error"]


def test_jobs_are_listed_where_that_tells_nobody_else(start, clip):
    server = start()
    job = server.upload(clip).json()["id"]
    assert [each["id"] for each in server.client.get("/v1/jobs").json()["jobs"]] == [job]
    closed = start(may_list=False)
    assert closed.client.get("/v1/jobs").status_code == 403
    assert closed.client.get(f"/v1/jobs/{job}").status_code == 200
