from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.serve.fetch import check_address, fetch_video, is_public
from seac.serve.limits import ServeLimits
from seac.serve.settings import ServeSettings
from seac.serve.uploads import TooLargeError

PUBLIC = "93.184.215.14"


def settings_of(folder, *hosts, **options):
    return ServeSettings(folder, url_hosts=hosts, **options)


@pytest.fixture
def site():
    """A site on loopback whose answers the test sets: path -> (status, headers, pieces of the body)."""
    answers = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, pieces = answers.get(self.path, (404, {}, ()))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(0.02)
            except OSError:
                pass

        def log_message(self, *given):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", answers
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "address",
    [
        "http://other.example/a.mp4",
        "http://video.example.evil.example/a.mp4",
        "http://video.example@evil.example/a.mp4",
        "http://user:secret@video.example/a.mp4",
        "http://video.example:22/a.mp4",
        "https://video.example:8443/a.mp4",
        "ftp://video.example/a.mp4",
        "file:///etc/passwd",
        "gopher://video.example/",
        "//video.example/a.mp4",
        "video.example/a.mp4",
        "http://",
        "http://[::1",
        "http://video.example:99999/",
        "http://video.example/a\r\nHost: evil",
        "http://127.0.0.1/a.mp4",
        "http://2130706433/a.mp4",
        "",
    ],
)
def test_other_addresses_are_refused(tmp_path, address):
    with pytest.raises(InputError):
        check_address(address, settings_of(tmp_path, "video.example"), lambda host, port: [PUBLIC])


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
        *(
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fe80::1%eth0",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
        ),
        *("2002:7f00:1::", "255.255.255.255", "no address"),
    ],
)
def test_private_addresses_are_not_connected_to(tmp_path, address):
    assert not is_public(address)
    settings = settings_of(tmp_path, "video.example")
    for found in ([address], [PUBLIC, address]):
        with pytest.raises(InputError, match="private"):
            check_address("https://video.example/a.mp4", settings, lambda host, port, found=found: found)
    allowed = settings_of(tmp_path, "video.example", private_url_hosts=("video.example",))
    assert check_address("http://video.example/a", allowed, lambda host, port: [address]).ip == address


@given(st.ip_addresses())
def test_no_address_of_this_network_is_public(address):
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        assert not is_public(str(address))


def test_public_addresses_are(tmp_path):
    for address in (PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"):
        assert is_public(address)
    found = check_address(
        "https://VIDEO.example./a?b=c", settings_of(tmp_path, "video.example"), lambda host, port: [PUBLIC]
    )
    assert (found.ip, found.port) == (PUBLIC, 443)


def test_a_file_is_read_and_redirects_within_the_host_are_followed(tmp_path, site):
    host, answers = site
    answers["/a.mp4?x=1"] = (200, {}, (b"abc", b"def"))
    answers["/b"] = (302, {"Location": "/a.mp4?x=1"}, ())
    answers["/c"] = (301, {"Location": f"http://{host}/b"}, ())
    settings = settings_of(tmp_path, host, private_url_hosts=(host,))
    for number, path in enumerate(("/a.mp4?x=1", "/b", "/c")):
        out = tmp_path / f"{number}"
        fetch_video(f"http://{host}{path}", out, settings)
        assert out.read_bytes() == b"abcdef"


def test_redirects_to_other_hosts_and_loops_are_refused(tmp_path, site):
    host, answers = site
    answers["/out"] = (302, {"Location": "http://169.254.169.254/latest/meta-data"}, ())
    answers["/port"] = (302, {"Location": f"http://{host}1/x"}, ())
    answers["/file"] = (302, {"Location": "file:///etc/passwd"}, ())
    answers["/loop"] = (302, {"Location": "/loop"}, ())
    answers["/none"] = (302, {}, ())
    settings = settings_of(tmp_path, host, private_url_hosts=(host,))
    for path in answers:
        with pytest.raises(InputError):
            fetch_video(f"http://{host}{path}", tmp_path / "x", settings)
        assert not (tmp_path / "x").exists()


def test_size_and_time_are_limited(tmp_path, site):
    host, answers = site
    answers["/said"] = (200, {"Content-Length": "2000"}, (b"0" * 2000,))
    answers["/unsaid"] = (200, {}, (b"0" * 100,) * 100)
    answers["/slow"] = (200, {}, (b"0",) * 100)
    answers["/short"] = (200, {"Content-Length": "500"}, (b"0",))
    limits = ServeLimits(upload_bytes=1000, upload_seconds=0.2)
    settings = settings_of(tmp_path, host, private_url_hosts=(host,), limits=limits)
    for number, (path, kind) in enumerate(
        {"/said": TooLargeError, "/unsaid": InputError, "/slow": InputError, "/short": InputError}.items()
    ):
        with pytest.raises(kind):
            fetch_video(f"http://{host}{path}", tmp_path / f"{number}", settings)
        assert not (tmp_path / f"{number}").exists() or (tmp_path / f"{number}").stat().st_size <= 1000


def test_the_name_is_looked_up_once(tmp_path, site):
    host, answers = site
    answers["/a"] = (200, {}, (b"abc",))
    name = f"video.example:{host.partition(':')[2]}"
    asked = []

    def look(host, port):
        asked.append(host)
        return ["127.0.0.1"]

    settings = settings_of(tmp_path, name, private_url_hosts=(name,))
    fetch_video(f"http://{name}/a", tmp_path / "a", settings, look)
    assert asked == ["video.example"]


def test_a_job_of_an_address(start, clip, site):
    host, answers = site
    answers["/a/clip.mp4?key=1"] = (200, {}, (clip.read_bytes(),))
    server = start(url_hosts=(host,), private_url_hosts=(host,))
    answer = server.client.post(
        "/v1/jobs", json={"url": f"http://{host}/a/clip.mp4?key=1", "settings": {"fps": 2}}
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["name"] == "clip.mp4"
    assert server.finish(answer.json()["id"])["state"] == "done"
    refused = server.client.post("/v1/jobs", json={"url": "http://169.254.169.254/"})
    assert refused.status_code == 422
    assert "allowed" in refused.json()["error"]
