"""Properties of Dockerfile and compose.yaml; docs/container.md says how an image is checked."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

from tests.conftest import REPO


def instructions():
    """(instruction, arguments) of the Dockerfile, with continued lines joined."""
    text = (REPO / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines()]


def last_stage():
    found = instructions()
    start = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def test_the_image_runs_as_another_user_than_root():
    users = [arguments for name, arguments in last_stage() if name == "USER"]
    assert users
    assert users[-1].split(":")[0].isdigit()
    assert int(users[-1].split(":")[0]) > 1000


def test_the_image_says_whether_it_is_healthy():
    (check,) = [arguments for name, arguments in last_stage() if name == "HEALTHCHECK"]
    assert "/v1/health" in check
    assert "--timeout" in check


def test_nothing_is_added_from_an_address_and_no_secret_is_kept():
    for name, arguments in instructions():
        assert name != "ADD"
        assert "curl" not in arguments
        assert "wget" not in arguments
        if name in ("ENV", "ARG"):
            assert not re.search(r"(?i)token|password|secret", arguments)
    text = (REPO / "Dockerfile").read_text(encoding="utf-8")
    addresses = [found for found in re.findall(r"https?://([\w.-]+)", text) if found != "127.0.0.1"]
    assert addresses == []


def test_base_images_have_a_version():
    images = [arguments.split()[0] for name, arguments in instructions() if name == "FROM"]
    assert len(set(images)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", images[0])
    wanted = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "requires-python"
    ]
    assert tuple(map(int, re.findall(r"\d+", images[0])[:2])) >= tuple(map(int, re.findall(r"\d+", wanted)))


def test_everything_that_is_copied_is_there_and_not_ignored():
    kept = [line[1:] for line in (REPO / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for name, arguments in instructions():
        if name == "COPY" and "--from" not in arguments:
            for source in arguments.split()[:-1]:
                assert (REPO / source).exists(), source
                assert source in kept, source


def test_what_pip_needs_to_build_is_copied():
    copied = {part for name, arguments in instructions() if name == "COPY" for part in arguments.split()}
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {project["readme"], *project["license-files"], "pyproject.toml", "src"} <= copied


def test_writes_go_to_the_volume_or_to_memory():
    environment = " ".join(arguments for name, arguments in last_stage() if name == "ENV")
    values = dict(re.findall(r"(\w+)=(\S+)", environment))
    for name in ("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"):
        assert values[name].startswith(("/data", "/tmp")), name


@pytest.mark.parametrize("service", ["serve", "app"])
def test_services_run_with_little_rights(service):
    found = yaml.safe_load((REPO / "compose.yaml").read_text(encoding="utf-8"))["services"][service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in found["security_opt"]
    assert all(port.startswith("127.0.0.1:") for port in found["ports"])
    assert any(mount.startswith("/tmp") for mount in found["tmpfs"])
    assert found["command"][0] == service
    if service == "serve":
        assert "--no-token" not in found["command"]
        assert ":?" in found["environment"]["SEAC_TOKEN"]
