"""Downloads over connections that break, stall, lie and refuse."""

from __future__ import annotations

import hashlib
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from faulty_server import Shelf, serving
from filelock import FileLock

from seac.weights.fetch import Fetch, FetchError, Patience

BYTES = random.Random(7).randbytes(300_000)
DIGEST = hashlib.sha256(BYTES).hexdigest()
HASTY = Patience(timeout=0.3, attempts=3, pause=0.01)


def fetch(shelf: Shelf, target: Path, sha256: str = DIGEST, size: int = len(BYTES)) -> str:
    return Fetch(f"{shelf.address}/w", target, sha256, size, HASTY).run()


def leftovers(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if not path.name.endswith(".lock"))


def test_a_file_arrives_whole(tmp_path: Path) -> None:
    with serving(Shelf({"/w": BYTES})) as shelf:
        assert fetch(shelf, tmp_path / "w") == DIGEST
    assert (tmp_path / "w").read_bytes() == BYTES
    assert leftovers(tmp_path / "w") == ["w"]


def test_progress_ends_at_the_whole_length(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with serving(Shelf({"/w": BYTES})) as shelf:
        Fetch(
            f"{shelf.address}/w", tmp_path / "w", patience=HASTY, progress=lambda *step: seen.append(step)
        ).run()
    assert seen[-1] == (len(BYTES), len(BYTES))
    assert seen == sorted(seen)


def test_a_cut_connection_is_continued_where_it_broke(tmp_path: Path) -> None:
    with serving(Shelf({"/w": BYTES}, cuts=[100_000, 50_000])) as shelf:
        fetch(shelf, tmp_path / "w")
        assert [wanted for _, wanted in shelf.asked] == ["", "bytes=100000-", "bytes=150000-"]
    assert (tmp_path / "w").read_bytes() == BYTES


def test_an_interrupted_download_is_continued_by_the_next_run(tmp_path: Path) -> None:
    with serving(Shelf({"/w": BYTES}, cuts=[1000, 0, 0, 0])) as shelf:
        with pytest.raises(FetchError, match="cut, 3 times"):
            fetch(shelf, tmp_path / "w")
        assert not (tmp_path / "w").exists()
        assert (tmp_path / "w.part").stat().st_size == 1000
        fetch(shelf, tmp_path / "w")
        assert shelf.asked[-1][1] == "bytes=1000-"
    assert (tmp_path / "w").read_bytes() == BYTES


def test_a_version_that_changed_meanwhile_is_fetched_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(b"old" * 10)
    (tmp_path / "w.part.tag").write_text('"version-0"')
    with serving(Shelf({"/w": BYTES})) as shelf:
        fetch(shelf, tmp_path / "w", sha256="", size=0)
    assert (tmp_path / "w").read_bytes() == BYTES


def test_without_tag_and_digest_nothing_is_continued(tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(b"old" * 10)
    with serving(Shelf({"/w": BYTES}, tag="")) as shelf:
        fetch(shelf, tmp_path / "w", sha256="", size=0)
        assert shelf.asked == [("/w", "")]
    assert (tmp_path / "w").read_bytes() == BYTES


def test_a_server_without_ranges_sends_all_again(tmp_path: Path) -> None:
    with serving(Shelf({"/w": BYTES}, cuts=[1000], ranges=False)) as shelf:
        fetch(shelf, tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == BYTES


def test_a_part_that_is_already_whole_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(BYTES)
    (tmp_path / "w.part.tag").write_text('"version-1"')
    with serving(Shelf({"/w": BYTES})) as shelf:
        assert fetch(shelf, tmp_path / "w") == DIGEST


@pytest.mark.parametrize(
    "bytes_", [BYTES[:-1], BYTES + b"x", BYTES[:-1] + b"!"], ids=["short", "long", "wrong"]
)
def test_other_bytes_than_expected_are_thrown_away(tmp_path: Path, bytes_: bytes) -> None:
    with serving(Shelf({"/w": bytes_})) as shelf, pytest.raises(FetchError, match="thrown away"):
        fetch(shelf, tmp_path / "w")
    assert leftovers(tmp_path / "w") == []


def test_the_digest_that_the_hub_announces_is_held(tmp_path: Path) -> None:
    with (
        serving(Shelf({"/w": BYTES}, announced="0" * 64)) as shelf,
        pytest.raises(FetchError, match="sha256"),
    ):
        fetch(shelf, tmp_path / "w", sha256="", size=0)
    with serving(Shelf({"/w": BYTES}, announced=DIGEST)) as shelf:
        assert fetch(shelf, tmp_path / "w", sha256="", size=0) == DIGEST


def test_the_beginning_of_a_digest_is_held(tmp_path: Path) -> None:
    with serving(Shelf({"/w": BYTES})) as shelf:
        assert fetch(shelf, tmp_path / "w", sha256=DIGEST[:8]) == DIGEST
        (tmp_path / "w").unlink()
        with pytest.raises(FetchError, match="sha256"):
            fetch(shelf, tmp_path / "w", sha256="00000000")


def test_a_claimed_length_that_never_comes_is_given_up(tmp_path: Path) -> None:
    with (
        serving(Shelf({"/w": BYTES}, claimed=10)) as shelf,
        pytest.raises(FetchError, match=r"thrown away|cut"),
    ):
        fetch(shelf, tmp_path / "w", sha256="0" * 64)
    assert not (tmp_path / "w").exists()


def test_a_missing_file_is_not_asked_for_again(tmp_path: Path) -> None:
    with serving(Shelf({})) as shelf:
        with pytest.raises(FetchError, match="404"):
            fetch(shelf, tmp_path / "w")
        assert len(shelf.asked) == 1


def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    with serving(Shelf({"/w": BYTES}, statuses=[503, 429])) as shelf:
        fetch(shelf, tmp_path / "w")
        assert len(shelf.asked) == 3


def test_a_silent_server_is_given_up_after_the_timeout(tmp_path: Path) -> None:
    with serving(Shelf({"/w": BYTES}, delay=1.0)) as shelf, pytest.raises(FetchError, match="no answer"):
        Fetch(f"{shelf.address}/w", tmp_path / "w", patience=Patience(0.1, 2, 0.01)).run()


def test_no_server_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="no answer"):
        Fetch("http://127.0.0.1:9/w", tmp_path / "w", patience=HASTY).run()


def test_two_processes_do_not_write_the_same_file(tmp_path: Path) -> None:
    with FileLock(tmp_path / "w.lock"), pytest.raises(FetchError, match="another process"):
        Fetch("http://127.0.0.1:9/w", tmp_path / "w", patience=HASTY).run()
