"""The result folder: what is written is read back, and what is damaged is said in one line."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seac
from seac.core.errors import InputError
from seac.results.reader import open_result
from seac.results.schema import KEY_FRAMES, MANIFEST, STEPS, STORE, STORE_FILES, TABLES, TRACKS, describe
from tests.conftest import REPO
from tests.results.synthetic import AUDIO_LABELS, LABELS, make_info, make_values, write_result


def assert_equal(found: object, expected: object) -> None:
    """Equal dataclasses, arrays included, of equal types."""
    assert type(found) is type(expected)
    for item in dataclasses.fields(expected):  # type: ignore[arg-type]
        left, right = getattr(found, item.name), getattr(expected, item.name)
        if isinstance(right, np.ndarray):
            assert left.dtype == right.dtype, item.name
            np.testing.assert_array_equal(left, right)
        elif isinstance(right, tuple) and right and isinstance(right[0], np.ndarray):
            assert len(left) == len(right)
            for one, two in zip(left, right, strict=True):
                np.testing.assert_array_equal(one, two)
        else:
            assert left == right, item.name


class TestRoundTrip:
    @pytest.mark.parametrize(("frames", "tracks"), [(8, 4), (150, 3), (1, 1), (0, 0), (5, 0)])
    def test_all_values_are_read_back(self, tmp_path: Path, frames: int, tracks: int) -> None:
        values = make_values(frames, frames, tracks)
        result = open_result(write_result(tmp_path, values))
        assert (result.labels, result.audio_labels) == (LABELS, AUDIO_LABELS)
        assert (result.threshold, result.settings) == (0.5, {"fps": 2.0})
        assert result.provenance == {"weights": {"vision": "1"}}
        assert result.info == make_info(frames / 2)
        read = list(result.key_frames())
        assert len(result) == len(read) == frames
        for position, (frame, expected) in enumerate(zip(read, values[0], strict=True)):
            assert_equal(frame, expected)
            assert_equal(result.key_frame(position), expected)
            np.testing.assert_array_equal(result.track_ids[position], expected.tracks)
            assert result.times[position] == expected.time
        if frames:
            assert_equal(result.steps, values[1])
        for track, expected_track in zip(result.tracks, values[2], strict=True):
            assert_equal(track, expected_track)

    def test_reading_starts_anywhere(self, tmp_path: Path) -> None:
        result = open_result(write_result(tmp_path, make_values(1, 200)))
        every = [frame.index for frame in result.key_frames()]
        for start in (0, 1, 63, 64, 65, 199, 200, 900):
            assert [frame.index for frame in result.key_frames(start)] == every[start:]
        with pytest.raises(IndexError):
            result.key_frame(200)

    def test_it_is_public(self, tmp_path: Path) -> None:
        assert len(seac.open_result(write_result(tmp_path))) == 8

    def test_its_page_is_that_of_the_code(self) -> None:
        page = (REPO / "docs/result_folder.md").read_text(encoding="utf-8")
        assert page == describe(), "run python -m seac.results.schema > docs/result_folder.md"

    def test_a_run_that_failed_leaves_no_result(self, tmp_path: Path) -> None:
        frames, steps, _ = make_values()
        with pytest.raises(AttributeError):
            write_result(tmp_path, (frames, steps, [None]))  # type: ignore[list-item]
        with pytest.raises(InputError, match="holds no result"):
            open_result(tmp_path)


class TestRefusals:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return write_result(tmp_path / "out")

    def refused(self, folder: Path) -> str:
        with pytest.raises(InputError) as error:
            list(open_result(folder).key_frames())
        assert "\n" not in str(error.value)
        return str(error.value)

    def test_no_result(self, tmp_path: Path, folder: Path) -> None:
        assert "no such folder" in self.refused(tmp_path / "none")
        assert "holds no result" in self.refused(tmp_path)
        assert "no such folder" in self.refused(folder / STORE / MANIFEST)

    @pytest.mark.parametrize("name", [KEY_FRAMES, STEPS, TRACKS])
    def test_a_missing_table(self, folder: Path, name: str) -> None:
        (folder / STORE / name).unlink()
        assert f"{name}: is missing" in self.refused(folder)

    def test_a_newer_version(self, folder: Path) -> None:
        self.edit(folder, version=2, anything="new")
        assert "version 2, this seac reads 1; update seac" in self.refused(folder)

    @pytest.mark.parametrize("content", ["", "[]", "3", "{}", '{"format": "mine"}', "{", "[" * 100_000])
    def test_another_file(self, folder: Path, content: str) -> None:
        (folder / STORE / MANIFEST).write_text(content)
        self.refused(folder)

    @pytest.mark.parametrize("name", [KEY_FRAMES, STEPS, TRACKS])
    def test_a_table_of_another_result(self, tmp_path: Path, folder: Path, name: str) -> None:
        other = write_result(tmp_path / "other", make_values(9, 5, 2))
        shutil.copy(other / STORE / name, folder / STORE / name)
        assert f"{name}: is damaged" in self.refused(folder)
        # The same with its own checksum: a manifest that does not fit its tables.
        record = json.loads((other / STORE / MANIFEST).read_text())["files"][name]
        files = json.loads((folder / STORE / MANIFEST).read_text())["files"]
        self.edit(folder, files={**files, name: record})
        assert "is damaged" in self.refused(folder)

    def test_a_table_that_is_another_table(self, folder: Path) -> None:
        files = json.loads((folder / STORE / MANIFEST).read_text())["files"]
        shutil.copy(folder / STORE / STEPS, folder / STORE / TRACKS)
        self.edit(folder, files={**files, TRACKS: files[STEPS]})
        assert "is damaged" in self.refused(folder)

    @staticmethod
    def edit(folder: Path, **changes: object) -> None:
        path = folder / STORE / MANIFEST
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_result(tmp_path_factory.mktemp("fuzz"), make_values(2, 70, 3))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


class TestFuzz:
    """Whatever a file holds, the reader answers with values or with an InputError."""

    @settings(max_examples=60)
    @given(data=st.data())
    def test_manifest(
        self, original: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        folder = original.parent / "fuzz_manifest"
        shutil.copytree(original, folder, dirs_exist_ok=True)
        content = json.loads((original / STORE / MANIFEST).read_text())
        at = content
        for _ in range(data.draw(st.integers(0, 2))):
            inner = [key for key in at if isinstance(at[key], dict)]
            if inner:
                at = at[data.draw(st.sampled_from(inner))]
        if at and data.draw(st.booleans()):
            at[data.draw(st.sampled_from(sorted(at)))] = data.draw(JSON)
        elif at:
            del at[data.draw(st.sampled_from(sorted(at)))]
        (folder / STORE / MANIFEST).write_text(json.dumps(content))
        self.read(folder)

    @settings(max_examples=30)
    @given(data=st.data())
    def test_manifest_bytes(self, original: Path, data: st.DataObject) -> None:
        folder = original.parent / "fuzz_bytes"
        shutil.copytree(original, folder, dirs_exist_ok=True)
        (folder / STORE / MANIFEST).write_bytes(self.damage((original / STORE / MANIFEST).read_bytes(), data))
        self.read(folder)

    @settings(max_examples=60)
    @given(name=st.sampled_from(sorted(TABLES)), data=st.data(), forged=st.booleans())
    def test_table_bytes(self, original: Path, name: str, data: st.DataObject, forged: bool) -> None:
        """Damage is found by the checksum, and by Parquet where somebody made the checksum fit."""
        folder = original.parent / "fuzz_tables"
        shutil.copytree(original, folder, dirs_exist_ok=True)
        content = (original / STORE / name).read_bytes()
        damaged = self.damage(content, data)
        (folder / STORE / name).write_bytes(damaged)
        if forged:
            manifest = json.loads((original / STORE / MANIFEST).read_text())
            manifest["files"][name]["sha256"] = hashlib.sha256(damaged).hexdigest()
            (folder / STORE / MANIFEST).write_text(json.dumps(manifest))
        read = self.read(folder)
        assert forged or damaged == content or not read

    @staticmethod
    def damage(content: bytes, data: st.DataObject) -> bytes:
        where = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            return content[:where]
        piece = data.draw(st.binary(min_size=1, max_size=8))
        return content[:where] + piece + content[where + len(piece) :]

    @staticmethod
    def read(folder: Path) -> bool:
        """Read everything; whether it could be read."""
        try:
            list(open_result(folder).key_frames())
        except InputError as error:
            assert "\n" not in str(error)
            return False
        return True


def test_the_files_are_those_of_the_schema(tmp_path: Path) -> None:
    write_result(tmp_path)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == set(STORE_FILES)
