"""Files that seac did not write are neither replaced nor removed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from seac.core.errors import InputError
from seac.core.ownership import RECORD, check_names, claim, read_record
from seac.export.folder import atomic_folder, save_result
from tests.fixtures.parts import squares, synthetic_model, tone

NAMES = ("overlay", "masks/[0-9]*.png", "result.json")


def write(out: Path, masks: int = 2, *, overlay: str = "overlay", names: tuple[str, ...] = NAMES) -> None:
    with atomic_folder(out, names) as temporary:
        (temporary / "overlay").write_text(overlay)
        (temporary / "result.json").write_text("{}")
        (temporary / "masks").mkdir()
        for number in range(masks):
            (temporary / "masks" / f"{number}.png").write_text(str(number))


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != RECORD
    }


def assert_refused(out: Path, *, where: str) -> None:
    before = content(out)
    with pytest.raises(InputError, match=where):
        write(out)
    assert content(out) == before
    with pytest.raises(InputError, match=where):
        write(out, names=())  # checked at the end of the block
    assert content(out) == before
    assert not list(out.glob(".seac-*"))


def test_files_written_by_seac_are_replaced(tmp_path: Path) -> None:
    write(tmp_path / "out", 3, overlay="old")
    write(tmp_path / "out", 2, overlay="new")
    assert content(tmp_path / "out") == {
        "overlay": "new",
        "result.json": "{}",
        "masks/0.png": "0",
        "masks/1.png": "1",
    }


@pytest.mark.parametrize("name", ["overlay", "result.json", "masks/ground_truth.png", "masks/0.png", "masks"])
def test_files_of_other_origin_stay(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("made by hand")
    assert_refused(tmp_path, where=str(tmp_path / name.split("/")[0]))


def test_files_changed_since_are_not_replaced(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "masks/1.png").write_text("edited by hand")
    assert_refused(tmp_path, where=r"masks/1\.png")


def test_other_files_beside_written_ones_stay(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "masks/notes.txt").write_text("mine")
    (tmp_path / "masks/deep").mkdir()
    (tmp_path / "masks/deep/7.txt").write_text("mine")
    write(tmp_path, 1)
    assert content(tmp_path) == {
        **{"overlay": "overlay", "result.json": "{}", "masks/0.png": "0"},
        **{"masks/notes.txt": "mine", "masks/deep/7.txt": "mine"},
    }


def test_a_mask_of_other_origin_is_not_replaced(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / "masks/1.png").write_text("mine")
    assert_refused(tmp_path, where=r"masks/1\.png")


def test_a_copy_of_a_folder_is_as_it_was_written(tmp_path: Path) -> None:
    write(tmp_path / "out", overlay="old")
    shutil.copytree(tmp_path / "out", tmp_path / "copy", copy_function=shutil.copyfile)
    write(tmp_path / "copy", overlay="new")
    assert (tmp_path / "copy/overlay").read_text() == "new"


@pytest.mark.parametrize("name", ["masks", "overlay", RECORD])
@pytest.mark.parametrize("recorded", [False, True])
def test_links_are_not_followed(tmp_path: Path, name: str, recorded: bool) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    if recorded:
        write(out)
        (out / name).rename(elsewhere)
    else:
        out.mkdir()
        elsewhere.mkdir()
        (elsewhere / "keep.txt").write_text("keep")
    (out / name).symlink_to(elsewhere)
    before = content(elsewhere) if elsewhere.is_dir() else elsewhere.read_text()
    with pytest.raises(InputError, match=name):
        write(out)
    assert (out / name).is_symlink()
    assert before == (content(elsewhere) if elsewhere.is_dir() else elsewhere.read_text())


def test_a_link_without_a_target_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "overlay").symlink_to("nowhere")
    with pytest.raises(InputError, match="overlay"):
        write(tmp_path)
    assert (tmp_path / "overlay").is_symlink()


@pytest.mark.parametrize("given", ["overlay", "masks/0.png", "link", "sub/../overlay"])
def test_an_input_is_not_replaced_even_if_seac_wrote_it(tmp_path: Path, given: str) -> None:
    write(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("overlay")
    with pytest.raises(InputError, match="is read"):
        check_names(tmp_path, NAMES, [None, tmp_path / given])
    check_names(tmp_path, NAMES, [tmp_path / "clip", tmp_path.parent])


def test_a_record_of_other_origin_is_not_replaced(tmp_path: Path) -> None:
    for text in ("not ours", "[]", '{"files": {}}', '{"made_of": 1, "files": ["overlay"]}'):
        (tmp_path / RECORD).write_text(text)
        with pytest.raises(InputError, match=RECORD):
            write(tmp_path)
        assert (tmp_path / RECORD).read_text() == text


def test_a_failed_run_leaves_existing_folders(tmp_path: Path) -> None:
    def fail(out: Path) -> None:
        with pytest.raises(ZeroDivisionError), atomic_folder(out):
            raise ZeroDivisionError

    fail(tmp_path / "new" / "out")
    assert not list(tmp_path.iterdir())
    (tmp_path / "out").mkdir()
    fail(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_that_is_killed_while_it_moves_files_can_be_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 3, overlay="old")
    replace, count = Path.replace, 0

    def interrupt_third(path: Path, target: Path) -> Path:
        nonlocal count
        count += ".seac.json" not in path.name
        if count == 3:
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", interrupt_third)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, 2, overlay="new")
    monkeypatch.undo()
    assert read_record(tmp_path).provenance is None
    write(tmp_path, 1, overlay="newest")
    assert content(tmp_path) == {"overlay": "newest", "result.json": "{}", "masks/0.png": "0"}


def test_two_types_of_results_share_a_record(tmp_path: Path) -> None:
    write(tmp_path)
    with atomic_folder(tmp_path, ["report"]) as temporary:
        (temporary / "report").write_text("one")
    write(tmp_path)
    with atomic_folder(tmp_path, ["report"]) as temporary:
        (temporary / "report").write_text("two")
    assert (tmp_path / "report").read_text() == "two"


class TestSavedResults:
    def test_twice_into_one_folder(self, tmp_path: Path) -> None:
        result = synthetic_model()(squares(), tone("red", 1), 16_000)
        assert save_result(result, tmp_path / "out") == tmp_path / "out"
        save_result(result, tmp_path / "out")
        (tmp_path / "out/masks/000000.png").write_text("mine")
        with pytest.raises(InputError, match=r"000000\.png"):
            save_result(result, tmp_path / "out")
        assert (tmp_path / "out/masks/000000.png").read_text() == "mine"

    def test_into_a_folder_of_an_earlier_version(self, tmp_path: Path) -> None:
        result = synthetic_model()(squares(), tone("red", 1), 16_000)
        save_result(result, tmp_path)
        (tmp_path / RECORD).unlink()
        (tmp_path / "masks/ground_truth.png").write_text("mine")
        save_result(result, tmp_path)
        assert (tmp_path / "masks/ground_truth.png").read_text() == "mine"

    def test_not_over_other_records_and_images(self, tmp_path: Path) -> None:
        result = synthetic_model()(squares(), tone("red", 1), 16_000)
        for name in ("result.json", "overlay.png", "heatmap.png"):
            (tmp_path / name).write_text(json.dumps({"version": 1, "mine": True}))
            with pytest.raises(InputError, match=name):
                save_result(result, tmp_path)
            assert [path.name for path in tmp_path.iterdir()] == [name]
            (tmp_path / name).unlink()


class TestRunsThatRewriteTheirFiles:
    def test_go_on_with_their_own(self, tmp_path: Path) -> None:
        out = tmp_path / "run"

        def interrupt() -> None:
            with claim(out, ["table", "events/"]):
                (out / "table").write_text("half")
                (out / "events").mkdir()
                (out / "events" / "1").write_text("event")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupt()
        with claim(out, ["table", "events/"]):
            (out / "table").write_text("whole")
        with claim(out, ["table", "events/"]):
            pass
        (out / "table").write_text("changed by hand")
        with pytest.raises(InputError, match="table"), claim(out, ["table", "events/"]):
            pytest.fail("the block was entered")
        assert (out / "table").read_text() == "changed by hand"

    @pytest.mark.parametrize("name", ["table", "events/mine"])
    def test_do_not_begin_where_others_have_files(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
        with pytest.raises(InputError, match=name.split("/")[0]), claim(tmp_path, ["table", "events/"]):
            pytest.fail("the block was entered")
        assert not (tmp_path / RECORD).exists()

    def test_leave_nothing_if_they_are_refused_before_they_write(self, tmp_path: Path) -> None:
        for out in (tmp_path / "new" / "run", tmp_path):
            with pytest.raises(InputError), claim(out, ["table"]):
                raise InputError("no weights")
        assert not list(tmp_path.iterdir())
