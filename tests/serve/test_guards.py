from __future__ import annotations

import base64

import pytest

TOKEN = "a-token-of-more-than-16-letters"


@pytest.fixture
def guarded(start):
    return start(token=TOKEN).client


def test_without_the_token_nothing_is_answered_but_health(guarded):
    assert guarded.get("/v1/health").status_code == 200
    for path in ("/v1/jobs", "/v1/limits", "/v1/openapi.json", "/v1/jobs/x/files/y", "/nothing"):
        answer = guarded.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Bearer"
    assert guarded.post("/label-studio/predict", json={}).status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"bearer{TOKEN}",
        TOKEN,
        "Basic !!",
        "Basic eA==",
    ],
)
def test_wrong_tokens_are_refused(guarded, header):
    assert guarded.get("/v1/limits", headers={"Authorization": header}).status_code == 401


def test_the_token_opens_the_service(guarded):
    basic = base64.b64encode(f"user:{TOKEN}".encode()).decode()
    for header in (f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Basic {basic}"):
        assert guarded.get("/v1/limits", headers={"Authorization": header}).status_code == 200


def test_the_token_is_in_no_answer(guarded):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for path in ("/v1/limits", "/v1/openapi.json", "/v1/jobs"):
        assert TOKEN not in guarded.get(path, headers=headers).text


def test_pages_of_other_sites_change_nothing(start, clip):
    server = start()
    content = {"file": ("clip.mp4", clip.read_bytes())}
    for origin in (
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "http://localhost:1",
        "http://[",
    ):
        answer = server.client.post("/v1/jobs", files=content, headers={"Origin": origin})
        assert answer.status_code == 403, origin
    answer = server.client.post("/v1/jobs", files=content, headers={"Origin": "http://localhost"})
    assert answer.status_code == 202


def test_no_site_may_read_answers_unless_it_is_named(start):
    headers = {"Origin": "https://site.example"}
    closed = start().client.get("/v1/limits", headers=headers)
    assert "access-control-allow-origin" not in closed.headers
    named = start(origins=("https://site.example",)).client
    assert (
        named.get("/v1/limits", headers=headers).headers["access-control-allow-origin"] == headers["Origin"]
    )
    other = named.get("/v1/limits", headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers
    assert named.post("/v1/jobs", headers=headers).status_code == 415  # it is let through


def test_a_name_that_was_bound_to_this_machine_is_refused(start):
    client = start(hosts=("localhost", "127.0.0.1", "::1")).client
    for host in ("localhost", "localhost:8765", "127.0.0.1:1", "[::1]:8765"):
        assert client.get("/v1/health", headers={"Host": host}).status_code == 200, host
    for host in ("evil.example", "localhost.evil.example", "", "[", "127.0.0.1.evil.example:80"):
        assert client.get("/v1/health", headers={"Host": host}).status_code == 421, host


def test_every_answer_has_headers_against_guessing(shared_server):
    for path in ("/v1/health", "/v1/jobs/none", "/nothing", "/v1/openapi.json"):
        headers = shared_server.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_the_description_names_every_route(shared_server):
    paths = set(shared_server.client.get("/v1/openapi.json").json()["paths"])
    names = (
        "jobs",
        "jobs/{job}",
        "jobs/{job}/events",
        "jobs/{job}/cancel",
        "jobs/{job}/result",
        "formats",
        "limits",
    )
    assert {f"/v1/{name}" for name in names} <= paths
    assert {"/label-studio/predict", "/label-studio/setup", "/label-studio/health"} <= paths
    formats = shared_server.client.get("/v1/formats").json()["formats"]
    assert {"coco", "srt", "overlay"} <= {each["name"] for each in formats}
