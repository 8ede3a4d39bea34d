"""``seac weights`` and ``seac doctor`` from the command line, against a local server that fails."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from seac.cli import app
from seac.cli import weights as command
from seac.weights import cache
from seac.weights.fetch import RetryPolicy
from seac.weights.record import File, Hub, ManualDownload, OwnTraining, Record, Url
from tests.weights.faulty_server import FaultyServer, serving

BYTES = b"weights" * 20_000
DIGEST = hashlib.sha256(BYTES).hexdigest()
ONE = Record(
    "one",
    "",
    (File("one.pth", len(BYTES), DIGEST, True),),
    Url("http://x/one.pth", "http://x"),
    "MIT",
    ("p",),
    "masks",
)
MANY = Record(
    "many",
    "",
    (File("config.json", 2), File("model.safetensors", 9)),
    Hub("owner/hub"),
    "MIT",
    ("p",),
    "text",
)
HELD = Record("held", "", (File("held.pth", 5),), ManualDownload("http://x/held"), "see page", (), "boxes")
MINE = Record(
    "mine",
    "",
    (File("a.safetensors", 5),),
    OwnTraining("seac train STORE --out RUN"),
    "yours",
    (),
    "association",
)


@pytest.fixture(autouse=True)
def _small_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = {row.name: row for row in (ONE, MANY, HELD, MINE)}

    def records_for(name: str) -> tuple[Record, ...]:
        found = tuple(row for row in rows.values() if name == "all" or name in row.presets)
        return found or (rows[name],)

    for module in (cache, command):
        monkeypatch.setattr(module, "TABLE", tuple(rows.values()))
    monkeypatch.setattr(cache, "record", rows.__getitem__)
    monkeypatch.setattr(command, "records_for", records_for)
    hasty = RetryPolicy(timeout=0.5, attempts=2, pause=0.01)
    monkeypatch.setattr(
        command, "Weights", lambda folder=None, **given: cache.Weights(folder, retry_policy=hasty, **given)
    )
    monkeypatch.setenv("SEAC_CACHE", str(tmp_path / "cache"))
    for name in ("SEAC_OFFLINE", "SEAC_MIRROR", "SEAC_WEIGHTS_DIR"):
        monkeypatch.delenv(name, raising=False)


def faulty_server(**how: object) -> FaultyServer:
    content = {
        "/one/one.pth": BYTES,
        "/owner/hub/resolve/main/config.json": b"{}",
        "/owner/hub/resolve/main/model.safetensors": BYTES,
    }
    return FaultyServer(content, **how)  # type: ignore[arg-type]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = app.run(["weights", *arguments])
    message = capsys.readouterr()
    return code, message.out, message.err


def states(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    out = run(capsys, "list", "--json")[1]
    return {row["name"]: row["state"] for row in json.loads(out)["weights"]}


def test_a_preset_is_fetched_listed_and_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(states(capsys).values()) == {"missing"}
    with serving(faulty_server(cuts=[50_000])) as mirror:
        code, _, _ = run(capsys, "get", "p", "--mirror", mirror.address)
    assert code == 0
    assert states(capsys) == {"one": "ready", "many": "ready", "held": "missing", "mine": "missing"}
    code, out, _ = run(capsys, "verify")
    assert code == 0
    assert len(out.splitlines()) == 3


@pytest.mark.parametrize("how", [{"cuts": [100, 0, 0, 0]}, {"statuses": [404]}, {"statuses": [503] * 9}])
def test_a_failing_server_gives_one_line_and_no_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, how: dict[str, object]
) -> None:
    with serving(faulty_server(**how)) as mirror:
        code, _, err = run(capsys, "get", "one", "--mirror", mirror.address)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert "seac weights import" in err
    assert states(capsys)["one"] == "missing"


def test_wrong_bytes_are_never_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    wrong = FaultyServer({"/one/one.pth": BYTES[:-1] + b"!"})
    with serving(wrong) as mirror:
        code, _, err = run(capsys, "get", "one", "--mirror", mirror.address)
    assert code == 2
    assert "sha256" in err
    assert not list(tmp_path.glob("cache/one/one.pth*.part"))


def test_one_failure_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(faulty_server()) as mirror:
        code, out, err = run(capsys, "get", "held", "many", "--mirror", mirror.address, "--json")
    assert code == 2
    assert json.loads(out)["got"] == ["many"]
    assert "held" in err


def test_offline_nothing_is_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEAC_OFFLINE", "1")
    with serving(faulty_server()) as mirror:
        code, _, err = run(capsys, "get", "one", "--mirror", mirror.address)
        assert mirror.requests == []
    assert code == 2
    assert "SEAC_OFFLINE" in err


def test_a_damaged_file_is_found_and_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with serving(faulty_server()) as mirror:
        run(capsys, "get", "one", "--mirror", mirror.address)
    (tmp_path / "cache/one/one.pth").write_bytes(BYTES[:-1] + b"!")
    code, _, err = run(capsys, "verify", "one")
    assert code == 2
    assert "seac weights get one" in err


def test_what_a_person_fetched_or_trained_is_imported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "one.pth").write_bytes(BYTES)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/a.safetensors").write_bytes(b"mine")
    assert run(capsys, "import", str(tmp_path / "one.pth"))[0] == 0
    assert run(capsys, "import", str(tmp_path / "run"), "--name", "mine")[0] == 0
    assert states(capsys) == {"one": "ready", "many": "missing", "held": "missing", "mine": "ready"}
    (tmp_path / "one.pth").write_bytes(b"other")
    code, _, err = run(capsys, "import", str(tmp_path / "one.pth"))
    assert code == 2
    assert "not the published" in err


def test_a_folder_of_ones_own_counts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "one").mkdir(parents=True)
    (own / "one/one.pth").write_bytes(b"my own")
    out = run(capsys, "list", "one", "--weights-dir", str(own), "--json")[1]
    assert json.loads(out)["weights"][0]["state"] == "ready"


def test_the_docs_table_is_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(capsys, "list", "--markdown")[1].splitlines()
    assert len(rows) == 6
    assert {row.count("|") for row in rows} == {8}
    plain = run(capsys, "list")[1].splitlines()
    assert [row.split()[0] for row in plain] == ["name", "one", "many", "held", "mine"]
