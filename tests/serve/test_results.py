from __future__ import annotations

import io
import json
import time
import zipfile

import numpy as np
import pytest

import seac
from seac.jobs.decide import present_exports
from seac.results.decide import decide
from seac.results.decision_file import read_decision


@pytest.fixture(scope="module")
def result(shared_server, job):
    return shared_server.client.get(f"/v1/jobs/{job}/result").json()


def folder_of(server, job):
    return server.settings.folder / "jobs" / job


def test_a_player_gets_what_the_result_holds(shared_server, job, result):
    stored = seac.open_result(folder_of(shared_server, job))
    video = result["video"]
    assert (video["height"], video["width"]) == stored.info.original_size
    assert video["duration"] == pytest.approx(2.0, abs=0.2)
    assert (
        shared_server.client.get(video["url"]).content
        == (folder_of(shared_server, job) / "source.mp4").read_bytes()
    )
    assert result["steps"] == len(stored.steps) == len(result["audio"]["level"])
    assert [track["id"] for track in result["tracks"]] == [track.id for track in stored.tracks]
    assert len(result["audio"]["captions"]) == result["steps"]


def test_probabilities_by_track_are_those_of_the_steps(shared_server, job, result):
    stored = seac.open_result(folder_of(shared_server, job))
    for track in result["tracks"]:
        values = np.zeros(result["steps"])
        first = track["first_step"]
        values[first : first + len(track["probability"])] = track["probability"]
        for step, position in enumerate(stored.steps.key_frame.tolist()):
            ids = stored.track_ids[position].tolist()
            expected = stored.steps.probability[step][ids.index(track["id"])] if track["id"] in ids else 0
            assert values[step] == pytest.approx(expected, abs=6e-4)


def test_the_decision_over_http_is_that_of_the_library(start, clip):
    server = start()
    job = server.done(clip)
    folder = folder_of(server, job)
    tracks = [track.id for track in seac.open_result(folder).tracks]
    asked = {
        "threshold": 0.1,
        "mute": tracks[:1],
        "rename": {str(tracks[1]): "  kettle "},
        "colour": {str(tracks[1]): [1, 2, 3]},
        "min_duration": 0.3,
    }
    answer = server.client.post(f"/v1/jobs/{job}/decide", json=asked).json()
    record = read_decision(folder)
    video = decide(seac.open_result(folder), record.options())
    assert [each["id"] for each in answer["sounding"]] == [track.id for track in video.tracks]
    for shown, track in zip(answer["sounding"], video.tracks, strict=True):
        assert [span[:2] for span in shown["spans"]] == [[span.start, span.stop] for span in track.spans]
    assert tracks[0] not in [each["id"] for each in answer["sounding"]]
    named = [each for each in answer["sounding"] if each["id"] == tracks[1]]
    assert all((each["name"], each["colour"]) == ("kettle", [1, 2, 3]) for each in named)
    assert named
    described = server.client.get(f"/v1/jobs/{job}/result").json()
    assert described["sounding"] == answer["sounding"]
    assert described["decision"]["rename"] == {str(tracks[1]): "kettle"}


def test_a_decision_can_be_repeated_and_changed(start, clip):
    server = start()
    job = server.done(clip)
    for threshold in (0.9, 0.1, 0.5):
        answer = server.client.post(f"/v1/jobs/{job}/decide", json={"threshold": threshold})
        assert answer.status_code == 200, answer.text
    assert read_decision(folder_of(server, job)).threshold == 0.5
    assert present_exports(folder_of(server, job)) == ["csv"]


@pytest.mark.parametrize(
    "asked",
    [
        {"threshold": -1},
        {"mute": [99999]},
        {"rename": {"0": "\n"}},
        {"rename": {"x": "y"}},
        {"colour": {"0": [1, 2, 300]}},
        {"unknown": 1},
        {"min_duration": 1e9},
        {"write": ["nothing"]},
        {"find": ""},
        {"vocabulary": ["a", "a"]},
    ],
)
def test_a_wrong_decision_changes_nothing(shared_server, job, asked):
    before = (folder_of(shared_server, job) / "decision.json").read_bytes()
    answer = shared_server.client.post(f"/v1/jobs/{job}/decide", json=asked)
    assert answer.status_code == 422
    assert list(answer.json()) == ["error"]
    assert str(shared_server.settings.folder) not in answer.text
    assert (folder_of(shared_server, job) / "decision.json").read_bytes() == before


def wait_for_export(server, job, name):
    for _ in range(500):
        answer = server.client.post(f"/v1/jobs/{job}/exports", json={"format": name})
        if answer.status_code != 202:
            return answer
        time.sleep(0.02)
    raise AssertionError(answer.text)


def test_formats_are_made_and_several_files_are_zipped(start, clip):
    server = start()
    job = server.done(clip)
    single = wait_for_export(server, job, "srt").json()
    assert single["file"] == "exports/srt/events.srt"
    packed = wait_for_export(server, job, "coco").json()
    content = server.client.get(f"/v1/jobs/{job}/files/{packed['file']}").content
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert len(names) > 1
    assert not any(name.startswith(("/", ".")) for name in names)
    server.client.post(f"/v1/jobs/{job}/decide", json={"threshold": 0.99})
    listed = server.client.get(f"/v1/jobs/{job}/exports").json()["exports"]
    assert [each["current"] for each in listed] == [False, False]
    assert wait_for_export(server, job, "srt").json()["current"]


def test_a_decision_can_have_formats_written(start, clip):
    server = start()
    job = server.done(clip)
    asked = {"threshold": 0.3, "write": ["vtt", "events-json"]}
    answer = server.client.post(f"/v1/jobs/{job}/decide", json=asked).json()
    assert {each["format"] for each in answer["exports"]} == {"vtt", "events-json"}
    file = wait_for_export(server, job, "events-json").json()["file"]
    found = json.loads(server.client.get(f"/v1/jobs/{job}/files/{file}").content)
    assert found


def test_unknown_formats_are_refused(shared_server, job):
    for name in ("nothing", "", "../x", "masks/"):
        answer = shared_server.client.post(f"/v1/jobs/{job}/exports", json={"format": name})
        assert answer.status_code == 422


def test_an_existing_result_folder_can_be_served(start, clip, tmp_path):
    server = start()
    job = server.done(clip)
    folder = server.settings.folder / "jobs" / job
    moved = tmp_path / "mine"
    folder.rename(moved)
    store = server.client.app.state.service.store
    adopted = store.adopt(moved, moved / "source.mp4")
    assert store.adopt(moved, moved / "source.mp4").id == adopted.id
    assert server.client.get(f"/v1/jobs/{adopted.id}/result").json()["steps"] > 0
    assert server.client.delete(f"/v1/jobs/{adopted.id}").status_code == 204
    assert (moved / "store/manifest.json").is_file()
