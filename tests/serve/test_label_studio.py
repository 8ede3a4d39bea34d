"""Predictions for Label Studio, checked by its own SDK."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from seac.core.errors import InputError
from seac.serve.label_studio import count_frames, parse_configuration
from tests.fixtures.parts import squares, tone, write_wav

VIDEO = """<View>
  <VideoRectangle name="rectangle" toName="clip" />
  <Labels name="what" toName="clip"><Label value="red" background="#f00"/><Label value="blue"/></Labels>
  <TimelineLabels name="when" toName="clip"><Label value="red"/><Label value="blue"/></TimelineLabels>
  <Video name="clip" value="$movie" frameRate="25.0"/>
</View>"""
IMAGE = """<View><Image name="photo" value="$picture"/>
  <BrushLabels name="paint" toName="photo"><Label value="red"/><Label value="green"/></BrushLabels></View>"""
TOKEN = "token-of-label-studio"


@contextmanager
def files_of_label_studio(files):
    """A server that gives files to those who send the token; gives its address and what was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            content = files.get(self.path)
            known = self.headers.get("Authorization") == f"Token {TOKEN}"
            self.send_response(200 if content is not None and known else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *given):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def connected(start, clip, tmp_path):
    """A server that is connected to a Label Studio with a video, an image and its audio."""
    picture, audio = tmp_path / "a.png", write_wav(tmp_path / "a.wav", tone("red", 2.0))
    Image.fromarray(np.pad(squares(), ((0, 1), (0, 1), (0, 0)), mode="edge")).save(picture)
    files = {
        "/data/upload/a.mp4": clip.read_bytes(),
        "/data/upload/a.png": picture.read_bytes(),
        "/data/upload/a.wav": audio.read_bytes(),
    }
    with files_of_label_studio(files) as (host, asked):
        server = start(url_hosts=(host,), private_url_hosts=(host,))
        setup = {"project": "1.2", "schema": VIDEO, "hostname": f"http://{host}", "access_token": TOKEN}
        answer = server.client.post("/label-studio/setup", json=setup)
        assert answer.json()["model_version"]
        yield server, asked


def check(label_config, task, prediction):
    interface = pytest.importorskip("label_studio_sdk.label_interface").LabelInterface(label_config)
    interface.validate()
    assert interface.validate_prediction(prediction, return_errors=True) == []
    assert interface.validate_task(task)


def test_health_is_what_label_studio_asks_for(shared_server):
    for path in ("/label-studio/health", "/label-studio/"):
        assert shared_server.client.get(path).json()["status"] == "UP"
    assert shared_server.client.post("/label-studio/webhook", json={"action": "x"}).status_code == 200
    assert shared_server.client.get("/label-studio/versions").json()["versions"]


def test_predictions_of_a_video(connected):
    server, asked = connected
    task = {"id": 7, "data": {"movie": "/data/upload/a.mp4"}}
    body = {"tasks": [task], "project": "1.2", "label_config": VIDEO, "params": {"context": {}}}
    answer = server.client.post("/label-studio/predict", json=body)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["results"]
    check(VIDEO, task, found)
    types = {region["type"] for region in found["result"]}
    assert types == {"videorectangle", "timelinelabels"}
    (box,) = [region for region in found["result"] if region["type"] == "videorectangle"]
    assert (box["from_name"], box["to_name"], box["value"]["labels"]) == ("rectangle", "clip", ["red"])
    assert box["value"]["framesCount"] == pytest.approx(50, abs=3)  # 2 s at the rate of the project
    assert max(each["frame"] for each in box["value"]["sequence"]) > 20
    again = server.client.post("/label-studio/predict", json=body)
    assert again.json() == answer.json()
    assert [path for path, _ in asked] == ["/data/upload/a.mp4"]


def test_predictions_of_an_image_with_its_audio(connected):
    server, _ = connected
    task = {"id": 8, "data": {"picture": "/data/upload/a.png", "audio": "/data/upload/a.wav"}}
    body = {"tasks": [task], "project": "1.2", "label_config": IMAGE}
    answer = server.client.post("/label-studio/predict", json=body)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["results"]
    check(IMAGE, task, found)
    brush = pytest.importorskip("label_studio_sdk.converter.brush")
    (region,) = found["result"]
    height, width = squares().shape[0] + 1, squares().shape[1] + 1
    assert (region["original_height"], region["original_width"]) == (height, width)
    mask = brush.decode_rle(region["value"]["rle"]).reshape(height, width, 4)[..., 3] > 0
    red = squares()[..., 0] > 150
    assert (mask[:-1, :-1] & red).sum() / (mask[:-1, :-1] | red).sum() > 0.8


def test_the_token_goes_to_label_studio_only(connected, clip):
    server, _ = connected
    link = server.client.app.state.service.label_studio
    assert link.headers_for(f"{link.host}/data/x") == {"Authorization": f"Token {TOKEN}"}
    for other in ("http://other/data/x", link.host.replace("http", "https") + "/x"):
        assert link.headers_for(other) == {}


def test_what_cannot_be_predicted_is_refused_in_one_line(connected):
    server, _ = connected
    post = server.client.post
    cases = [
        {"tasks": [{"id": 1, "data": {}}], "label_config": VIDEO},
        {"tasks": [{"id": 1, "data": {"movie": "http://169.254.169.254/latest"}}], "label_config": VIDEO},
        {"tasks": [{"id": 1, "data": {"movie": "file:///etc/passwd"}}], "label_config": VIDEO},
        {"tasks": [{"id": 1, "data": {"movie": "/data/upload/none.mp4"}}], "label_config": VIDEO},
        {"tasks": [{"id": 1, "data": {"picture": "/data/upload/a.png"}}], "label_config": IMAGE},
        {"tasks": [], "label_config": "<View/>"},
        {"tasks": []},
    ]
    for body in cases:
        answer = post("/label-studio/predict", json=body)
        assert answer.status_code == 422, body
        assert list(answer.json()) == ["error"]


@pytest.mark.parametrize("text", ["", "<View", "<View><Video name='a' value='$a'/></View>", "x" * 300_000])
def test_other_configurations_are_refused(text):
    with pytest.raises(InputError):
        parse_configuration(text)


def test_entities_are_refused():
    with pytest.raises(InputError, match="entities"):
        parse_configuration('<!DOCTYPE x [<!ENTITY a "aaaa">]>' + VIDEO)
    ElementTree.fromstring(VIDEO)


def test_frames_keep_their_time_at_another_rate():
    value = {
        "framesCount": 50,
        "sequence": [{"frame": 1}, {"frame": 26}],
        "ranges": [{"start": 1, "end": 50}],
    }
    found = count_frames(value, 25.0, 50.0)
    assert [each["frame"] for each in found["sequence"]] == [1, 51]
    assert found["ranges"] == [{"start": 1, "end": 99}]
    assert count_frames(value, 25.0, 25.0) == value
    assert json.dumps(found)
