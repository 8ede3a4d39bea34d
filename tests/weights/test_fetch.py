"""Downloads from servers that break off, stall, send wrong headers or refuse."""

from __future__ import annotations

import hashlib
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from faulty_server import FaultyServer, serving
from filelock import FileLock

from seac.weights.fetch import Fetch, FetchError, RetryPolicy

BYTES = random.Random(7).randbytes(300_000)
DIGEST = hashlib.sha256(BYTES).hexdigest()
RETRIES = RetryPolicy(timeout=0.3, attempts=3, pause=0.01)


def fetch(server: FaultyServer, target: Path, sha256: str = DIGEST, size: int = len(BYTES)) -> str:
    return Fetch(f"{server.address}/w", target, sha256, size, RETRIES).run()


def files_beside(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if not path.name.endswith(".lock"))


def test_a_file_is_downloaded_completely(tmp_path: Path) -> None:
    with serving(FaultyServer({"/w": BYTES})) as server:
        assert fetch(server, tmp_path / "w") == DIGEST
    assert (tmp_path / "w").read_bytes() == BYTES
    assert files_beside(tmp_path / "w") == ["w"]


def test_progress_ends_at_the_full_length(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    with serving(FaultyServer({"/w": BYTES})) as server:
        Fetch(
            f"{server.address}/w",
            tmp_path / "w",
            retry_policy=RETRIES,
            progress=lambda *step: steps.append(step),
        ).run()
    assert steps[-1] == (len(BYTES), len(BYTES))
    assert steps == sorted(steps)


def test_a_broken_connection_is_resumed(tmp_path: Path) -> None:
    with serving(FaultyServer({"/w": BYTES}, cuts=[100_000, 50_000])) as server:
        fetch(server, tmp_path / "w")
        assert [header for _, header in server.requests] == ["", "bytes=100000-", "bytes=150000-"]
    assert (tmp_path / "w").read_bytes() == BYTES


def test_an_interrupted_download_is_resumed_by_the_next_run(tmp_path: Path) -> None:
    with serving(FaultyServer({"/w": BYTES}, cuts=[1000, 0, 0, 0])) as server:
        with pytest.raises(FetchError, match="cut, 3 times"):
            fetch(server, tmp_path / "w")
        assert not (tmp_path / "w").exists()
        assert (tmp_path / "w.part").stat().st_size == 1000
        fetch(server, tmp_path / "w")
        assert server.requests[-1][1] == "bytes=1000-"
    assert (tmp_path / "w").read_bytes() == BYTES


def test_a_changed_version_is_downloaded_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(b"old" * 10)
    (tmp_path / "w.part.tag").write_text('"version-0"')
    with serving(FaultyServer({"/w": BYTES})) as server:
        fetch(server, tmp_path / "w", sha256="", size=0)
    assert (tmp_path / "w").read_bytes() == BYTES


def test_without_tag_and_digest_no_download_is_resumed(tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(b"old" * 10)
    with serving(FaultyServer({"/w": BYTES}, tag="")) as server:
        fetch(server, tmp_path / "w", sha256="", size=0)
        assert server.requests == [("/w", "")]
    assert (tmp_path / "w").read_bytes() == BYTES


def test_a_server_without_ranges_sends_the_full_file_again(tmp_path: Path) -> None:
    with serving(FaultyServer({"/w": BYTES}, cuts=[1000], ranges=False)) as server:
        fetch(server, tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == BYTES


def test_a_complete_partial_file_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(BYTES)
    (tmp_path / "w.part.tag").write_text('"version-1"')
    with serving(FaultyServer({"/w": BYTES})) as server:
        assert fetch(server, tmp_path / "w") == DIGEST


@pytest.mark.parametrize(
    "bytes_", [BYTES[:-1], BYTES + b"x", BYTES[:-1] + b"!"], ids=["short", "long", "wrong"]
)
def test_unexpected_bytes_are_deleted(tmp_path: Path, bytes_: bytes) -> None:
    with serving(FaultyServer({"/w": bytes_})) as server, pytest.raises(FetchError, match="deleted"):
        fetch(server, tmp_path / "w")
    assert files_beside(tmp_path / "w") == []


def test_the_digest_announced_by_the_hub_is_verified(tmp_path: Path) -> None:
    with (
        serving(FaultyServer({"/w": BYTES}, announced="0" * 64)) as server,
        pytest.raises(FetchError, match="sha256"),
    ):
        fetch(server, tmp_path / "w", sha256="", size=0)
    with serving(FaultyServer({"/w": BYTES}, announced=DIGEST)) as server:
        assert fetch(server, tmp_path / "w", sha256="", size=0) == DIGEST


def test_the_first_digits_of_a_digest_are_verified(tmp_path: Path) -> None:
    with serving(FaultyServer({"/w": BYTES})) as server:
        assert fetch(server, tmp_path / "w", sha256=DIGEST[:8]) == DIGEST
        (tmp_path / "w").unlink()
        with pytest.raises(FetchError, match="sha256"):
            fetch(server, tmp_path / "w", sha256="00000000")


def test_a_response_shorter_than_its_content_length_fails(tmp_path: Path) -> None:
    with (
        serving(FaultyServer({"/w": BYTES}, extra_length=10)) as server,
        pytest.raises(FetchError, match=r"deleted|cut"),
    ):
        fetch(server, tmp_path / "w", sha256="0" * 64)
    assert not (tmp_path / "w").exists()


def test_a_missing_file_is_not_requested_again(tmp_path: Path) -> None:
    with serving(FaultyServer({})) as server:
        with pytest.raises(FetchError, match="404"):
            fetch(server, tmp_path / "w")
        assert len(server.requests) == 1


def test_a_busy_server_is_retried(tmp_path: Path) -> None:
    with serving(FaultyServer({"/w": BYTES}, statuses=[503, 429])) as server:
        fetch(server, tmp_path / "w")
        assert len(server.requests) == 3


def test_a_silent_server_fails_after_the_timeout(tmp_path: Path) -> None:
    with (
        serving(FaultyServer({"/w": BYTES}, delay=1.0)) as server,
        pytest.raises(FetchError, match="no answer"),
    ):
        Fetch(f"{server.address}/w", tmp_path / "w", retry_policy=RetryPolicy(0.1, 2, 0.01)).run()


def test_an_unreachable_server_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="no answer"):
        Fetch("http://127.0.0.1:9/w", tmp_path / "w", retry_policy=RETRIES).run()


def test_two_processes_do_not_write_the_same_file(tmp_path: Path) -> None:
    with FileLock(tmp_path / "w.lock"), pytest.raises(FetchError, match="another process"):
        Fetch("http://127.0.0.1:9/w", tmp_path / "w", retry_policy=RETRIES).run()
