"""Resolving records to paths: cache, user's folder, packages, offline mode, damaged files."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).parent))
from faulty_server import FaultyServer, serving

from seac.core.errors import InputError
from seac.weights import TABLE, Weights, cache, load_state, record
from seac.weights.fetch import RetryPolicy
from seac.weights.record import File, Hub, ManualDownload, Package, Record, Url
from seac.weights.table import records_for

BYTES = b"weights" * 1000
DIGEST = hashlib.sha256(BYTES).hexdigest()
RETRIES = RetryPolicy(timeout=0.5, attempts=2, pause=0.01)
ONE = Record(
    "one",
    "",
    (File("one.pth", len(BYTES), DIGEST, True),),
    Url("http://x/one.pth", "http://x"),
    "MIT",
    (),
    "masks",
)
MANY = Record(
    "many",
    "",
    (File("config.json", 5), File("model.safetensors", 9)),
    Hub("owner/many-hub"),
    "MIT",
    (),
    "text",
)
MANUAL = Record(
    "manual", "", (File("manual.pth", 5),), ManualDownload("http://x/manual"), "see page", ("p",), "boxes"
)


@pytest.fixture(autouse=True)
def _small_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = (ONE, MANY, MANUAL)
    rows = {row.name: row for row in table}
    monkeypatch.setattr(cache, "TABLE", table)
    monkeypatch.setattr(cache, "record", rows.__getitem__)
    monkeypatch.setenv("SEAC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SEAC_OFFLINE", raising=False)
    monkeypatch.delenv("SEAC_MIRROR", raising=False)


def faulty_server() -> FaultyServer:
    return FaultyServer(
        {
            "/one/one.pth": BYTES,
            "/owner/many-hub/resolve/main/config.json": b"{}",
            "/owner/many-hub/resolve/main/model.safetensors": BYTES,
            "/manual/manual.pth": BYTES,
        }
    )


def test_a_mirror_serves_every_kind_of_source(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(faulty_server()) as mirror:
        monkeypatch.setenv("SEAC_MIRROR", mirror.address)
        find = Weights(retry_policy=RETRIES)
        assert find("one").read_bytes() == BYTES
        assert {"config.json", "model.safetensors"} <= {path.name for path in find("many").iterdir()}
        assert find.get(MANUAL, MANUAL.files[0]).read_bytes() == BYTES
        requests = len(mirror.requests)
        find("one")
        find("many")
        assert len(mirror.requests) == requests, "cached files are not downloaded again"


def test_a_changed_file_is_verified_and_downloaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(faulty_server()) as mirror:
        monkeypatch.setenv("SEAC_MIRROR", mirror.address)
        find = Weights(retry_policy=RETRIES)
        path = find("one")
        path.write_bytes(BYTES[:-1] + b"!")
        assert find.check(ONE, ONE.files[0]) == "damaged"
        assert find("one").read_bytes() == BYTES


def test_without_a_digest_in_the_table_that_of_the_first_download_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(faulty_server()) as mirror:
        monkeypatch.setenv("SEAC_MIRROR", mirror.address)
        find = Weights(retry_policy=RETRIES)
        model = find("many") / "model.safetensors"
        model.write_bytes(b"other")
        assert find.check(MANY, MANY.files[1]) == "damaged"


def test_verify_reads_a_file_whose_stamp_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(faulty_server()) as mirror:
        monkeypatch.setenv("SEAC_MIRROR", mirror.address)
        find = Weights(retry_policy=RETRIES)
        path = find("one")
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(b"!" + BYTES[1:])
    os.utime(path, ns=times)
    assert find.check(ONE, ONE.files[0]) == "ready"
    assert find.check(ONE, ONE.files[0], again=True) == "damaged"


def test_missing_weights_name_the_command_and_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"seac weights get one.*http://x.*import") as message:
        Weights(fetch=False)("one")
    assert "\n" not in str(message.value)
    monkeypatch.setenv("SEAC_OFFLINE", "1")
    with pytest.raises(InputError, match="seac weights get many"):
        Weights()("many")


def test_a_failed_download_is_one_line_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(FaultyServer({})) as mirror:
        monkeypatch.setenv("SEAC_MIRROR", mirror.address)
        with pytest.raises(InputError, match=r"404.*seac weights get one") as message:
            Weights(retry_policy=RETRIES)("one")
    assert "\n" not in str(message.value)


def test_manual_downloads_name_the_page_and_the_import_command() -> None:
    with pytest.raises(InputError, match=r"http://x/manual.*import"):
        Weights()("manual")


def test_own_folder_comes_first_in_both_layouts(tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "many").mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (own / "many" / name).write_bytes(b"mine")
    (own / "one.pth").write_bytes(b"mine")
    find = Weights(folder=own)
    assert find("one") == own / "one.pth"
    assert find("many") == own / "many"
    (own / "one").mkdir()
    (own / "one" / "one.pth").write_bytes(b"mine")
    assert find("one") == own / "one" / "one.pth"


def test_an_own_folder_that_lacks_a_file_falls_back(tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "many").mkdir(parents=True)
    (own / "many" / "config.json").write_bytes(b"mine")
    with pytest.raises(InputError, match="missing"):
        Weights(folder=own, fetch=False)("many")
    with pytest.raises(InputError, match="not a folder"):
        Weights(folder=tmp_path / "none")("one")


def test_import_takes_the_published_file_only(tmp_path: Path) -> None:
    downloaded = tmp_path / "one.pth"
    downloaded.write_bytes(BYTES)
    Weights().import_files(downloaded)
    assert Weights(fetch=False)("one").read_bytes() == BYTES
    downloaded.write_bytes(b"wrong")
    with pytest.raises(InputError, match="not the published"):
        Weights().import_files(downloaded)
    assert Weights(fetch=False)("one").read_bytes() == BYTES


def test_a_foreign_file_in_the_cache_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloaded = tmp_path / "one.pth"
    downloaded.write_bytes(BYTES)
    path = Weights().path(ONE, ONE.files[0])
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    Weights().import_files(downloaded)
    path.write_bytes(b"mine too")
    with serving(faulty_server()) as mirror:
        monkeypatch.setenv("SEAC_MIRROR", mirror.address)
        assert Weights(retry_policy=RETRIES)("one").read_bytes() == BYTES
    renamed = sorted(item.read_bytes() for item in path.parent.iterdir() if ".aside" in item.name)
    assert renamed == [b"mine", b"mine too"]


def test_a_damaged_file_that_seac_wrote_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(faulty_server()) as mirror:
        monkeypatch.setenv("SEAC_MIRROR", mirror.address)
        find = Weights(retry_policy=RETRIES)
        path = find("one")
        times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
        path.write_bytes(b"!" + BYTES[1:])
        os.utime(path, ns=times)
        assert find.check(ONE, ONE.files[0], again=True) == "damaged"
        (path.parent / "mine").touch()
        find._clear(path)
        assert not [item for item in path.parent.iterdir() if ".aside" in item.name]
        assert not path.exists()


def test_import_finds_the_record_by_the_name_of_the_folder(tmp_path: Path) -> None:
    for folder in (tmp_path / "many-hub", tmp_path / "elsewhere"):
        folder.mkdir()
        (folder / "config.json").write_bytes(b"{}")
        (folder / "model.safetensors").write_bytes(BYTES)
    assert len(Weights().import_files(tmp_path / "many-hub")) == 2
    with pytest.raises(InputError, match="--name"):
        Weights().import_files(tmp_path / "elsewhere")
    assert len(Weights().import_files(tmp_path / "elsewhere", "many")) == 2


def test_every_row_of_the_table_is_complete() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)
    for row in TABLE:
        assert row.files
        assert row.licence
        assert row.source.page
        for file in row.files:
            assert file.size > 0
            assert set(file.sha256) <= set("0123456789abcdef")
            if isinstance(row.source, Hub | Url):
                assert row.address(file).startswith("https://")


def test_the_weights_of_tiny_match_the_table() -> None:
    find = Weights(fetch=False)
    for row in TABLE:
        if isinstance(row.source, Package):
            for file in row.files:
                assert find.check(row, file) == "ready", row.name
                assert find.path(row, file).stat().st_size == file.size


def test_similar_names_are_suggested() -> None:
    with pytest.raises(InputError, match="sam-vit-h"):
        record("sam-vit-hh")
    assert {row.name for row in records_for("paper")} >= {"sam-vit-h", "mdef-detr", "clip-rn50", "vggish"}


@given(st.text(min_size=1, max_size=12))
def test_file_names_stay_inside_the_record(name: str) -> None:
    try:
        file = File(name, 1)
    except ValueError:
        return
    root = Path("/root/folder")
    assert (root / file.name).is_relative_to(root)
    assert ".." not in Path(file.name).parts


def test_checkpoints_that_hold_code_are_refused(tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (eval, ("1+1",))

    torch.save({"model": Malicious()}, tmp_path / "malicious.pth")
    with pytest.raises(InputError, match="not a checkpoint"):
        load_state(tmp_path / "malicious.pth")


@given(st.binary(max_size=64))
def test_arbitrary_bytes_are_refused_in_one_line(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.safetensors", "a.pth"):
            path = Path(folder) / name
            path.write_bytes(content)
            with pytest.raises(InputError) as message:
                load_state(path)
            assert "\n" not in str(message.value)


def test_state_dicts_are_read_in_both_formats(tmp_path: Path) -> None:
    state = {"a": torch.arange(3.0)}
    save_file(state, tmp_path / "a.safetensors")
    torch.save({"model": state, "epoch": 3}, tmp_path / "a.pth")
    assert torch.equal(load_state(tmp_path / "a.safetensors")["a"], state["a"])
    assert torch.equal(load_state(tmp_path / "a.pth", inside="model")["a"], state["a"])
    with pytest.raises(InputError, match="no state dict"):
        load_state(tmp_path / "a.pth")
