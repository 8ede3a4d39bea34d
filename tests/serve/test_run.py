from __future__ import annotations

import socket

import pytest

from seac.cli import app
from seac.core.errors import InputError
from seac.serve.limits import ServeLimits
from seac.serve.run import Address, check_bind, host_names, listen, read_token
from seac.serve.settings import ServeSettings, is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_other_machines_need_a_token(host):
    with pytest.raises(InputError, match="token"):
        check_bind(host, None, no_token=False)
    check_bind(host, "x" * 20, no_token=False)
    check_bind(host, None, no_token=True)
    assert host_names(host, ()) == ()
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
def test_loopback_needs_none(host):
    check_bind(host, None, no_token=False)
    assert "localhost" in host_names(host, ())


def test_tokens_come_from_a_file_or_the_environment(tmp_path):
    file = tmp_path / "token"
    file.write_text(" secret-of-the-file\n")
    assert read_token(file, {"SEAC_TOKEN": "other"}) == "secret-of-the-file"
    assert read_token(None, {"SEAC_TOKEN": "other "}) == "other"
    assert read_token(None, {}) is None
    assert read_token(None, {"SEAC_TOKEN": "  "}) is None
    with pytest.raises(InputError, match="token"):
        read_token(tmp_path / "none", {})


def test_settings_are_checked(tmp_path):
    for options in (
        {"token": "short"},
        {"token": ""},
        {"workers": 0},
        {"origins": ("*",)},
        {"private_url_hosts": ("a",)},
    ):
        with pytest.raises(InputError):
            ServeSettings(tmp_path, **options)
    with pytest.raises(InputError, match="upload_bytes"):
        ServeLimits(upload_bytes=0)
    with pytest.raises(InputError, match="keep_seconds"):
        ServeLimits(keep_seconds=float("nan"))
    assert "secret-secret-secret" not in repr(ServeSettings(tmp_path, token="secret-secret-secret"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--host", "0.0.0.0"], "token"),
        (["--port", "99999"], "port"),
        (["--backend", "cloud"], "backend"),
        (["--export", "nothing"], "nothing"),
        (["--max-seconds", "0"], "video_seconds"),
        (["--token-file", "/nowhere"], "token"),
        (["--workers", "0"], "workers"),
    ],
)
def test_wrong_options_are_refused_before_anything_starts(options, reason, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("SEAC_TOKEN", raising=False)
    out = tmp_path / "served"
    assert app.run(["serve", "-o", str(out), *options]) == app.USAGE
    error = capsys.readouterr().err
    assert reason in error
    assert len(error.strip().splitlines()) == 1
    assert not out.exists()


def test_an_address_that_is_taken_is_an_error_of_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="--port"):
            listen(Address(port=taken.getsockname()[1]))
