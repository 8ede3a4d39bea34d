"""What holds for every format: its files, repeated export, flat memory, the page of formats."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from benchmarks.exports import FORMATS, PAGE, fill_page
from seac.core.errors import InputError
from seac.export.exporter import EXPORTERS, exporter_class
from seac.export.folder import atomic_folder
from seac.results.values import DecidedVideo, FrameMasks
from tests.export.sample import audio_file, constant_rate, decided, export, frames

MAX_GROWTH = 2_500
"""Bytes that an export may keep of a frame; its image has more than 5,000."""


@pytest.fixture
def video(tmp_path: Path) -> DecidedVideo:
    return decided(audio_file(tmp_path))


def written(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_is_announced(name: str, video: DecidedVideo, tmp_path: Path) -> None:
    names = written(export(name, tmp_path / "out", video))
    assert names
    patterns = exporter_class(name).files
    assert all(any(fnmatchcase(file, pattern) for pattern in patterns) for file in names)


def test_formats_share_no_files() -> None:
    patterns = {name: exporter_class(name).files for name in FORMATS}
    for one, other in itertools.permutations(patterns, 2):
        for first, second in itertools.product(patterns[one], patterns[other]):
            assert not fnmatchcase(first, second), f"{one} and {other}"


@pytest.mark.parametrize("name", FORMATS)
def test_a_second_export_replaces_the_first_and_nothing_else(
    name: str, video: DecidedVideo, tmp_path: Path
) -> None:
    out, files = tmp_path / "out", exporter_class(name).files
    for given in (frames(), frames()[:2]):
        with atomic_folder(out, files) as temporary:
            export(name, temporary, video, given)
    fresh = export(name, tmp_path / "fresh", video, frames()[:2])
    assert [file for file in written(out) if file != ".seac.json"] == written(fresh)
    foreign = tmp_path / "foreign" / written(fresh)[0]
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    with pytest.raises(InputError, match="not written by seac"), atomic_folder(tmp_path / "foreign", files):
        pass


@pytest.mark.parametrize("name", FORMATS)
def test_two_exports_of_one_result_are_equal(name: str, video: DecidedVideo, tmp_path: Path) -> None:
    one, two = (export(name, tmp_path / part, video) for part in ("one", "two"))
    assert written(one) == written(two)
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in written(one))


@pytest.mark.parametrize("name", FORMATS)
def test_memory_does_not_grow_with_the_video(name: str, tmp_path: Path) -> None:
    def peak(count: int) -> int:
        video = decided(duration=count / 10, frame_rate=10.0, frames=count)
        folder = tmp_path / str(count)
        folder.mkdir()
        exporter = exporter_class(name)(folder, video)
        tracemalloc.start()
        for frame in stream(count):
            exporter.add(frame)
        exporter.close()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    def stream(count: int) -> Iterator[FrameMasks]:
        once = constant_rate(6)
        for n in range(count):
            frame = once[n % 6]
            assert frame.image is not None
            yield replace(frame, index=n, time=n / 10, masks=frame.masks.copy(), image=frame.image.copy())

    peak(12)  # imports
    (tmp_path / "12").rename(tmp_path / "before")
    few, many = peak(24), peak(124)
    assert many - few < 100 * MAX_GROWTH


def test_the_page_of_formats_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert fill_page(text) == text, "run python -m benchmarks.exports"
    assert all(f"`{name}`" in text for name in EXPORTERS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_name_that_is_no_text_stops_no_export(name: str, tmp_path: Path) -> None:
    """Arguments of the command line that are not UTF-8 come as lone surrogates."""
    video = decided()
    tracks = (replace(video.tracks[0], name="\udcff\x00"), *video.tracks[1:])
    export(name, tmp_path, replace(video, tracks=tracks))
