"""Files as phones, cameras and broken downloads make them: pictures at the right time, and the sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seac.media.damage import Damage
from seac.media.decode import AudioReader, frames
from seac.media.extent import read_extent
from seac.media.presentation import timed_frames
from seac.media.sources import resolve_source
from tests.fixtures.torture import IMAGES, VIDEOS, Film, Still, corners_of, number_of, write_film

RATE = 16_000
LOUD = 0.1
"""RMS of the tones is from .18 to .35."""


@pytest.fixture(params=VIDEOS, ids=lambda film: film.name[:20])
def film(request: pytest.FixtureRequest) -> Film:
    return request.param


@pytest.fixture
def path(film: Film, tmp_path: Path) -> Path:
    return write_film(film, tmp_path / film.name)


def loudness(waveform: np.ndarray) -> np.ndarray:
    """RMS of each twentieth of a second."""
    size = RATE // 20
    return np.sqrt((waveform[: len(waveform) // size * size].reshape(-1, size) ** 2).mean(1))


def test_pictures_sound_and_notes_of_a_film(film: Film, path: Path) -> None:
    damage = Damage()
    source = resolve_source(path)
    found = list(timed_frames(path, damage))
    images = [frame.rgb() for frame in found]
    seen = [(frame.time, number_of(image)) for frame, image in zip(found, images, strict=True)]
    expected = film.expected_times()
    if expected:
        assert [number for _, number in seen] == [number for _, number in expected]
        # A joined recording goes on where its longest track ended, which is part of an audio frame later.
        assert [time for time, _ in seen] == pytest.approx([time for time, _ in expected], abs=0.06)
    assert corners_of(images[0]) == film.shown
    assert images[0].shape[:2] == (film.shown_size or film.size)
    waveform = (
        AudioReader(path, RATE, damage).read(0, 60).numpy() if source.audio is not None else np.zeros(0)
    )
    check_sound(film, waveform)
    lines = " ".join((*source.notes, *damage.notes(path.name)))
    assert all(word in lines for word in film.notes), lines
    if not film.notes:
        assert not lines


def check_sound(film: Film, waveform: np.ndarray) -> None:
    """The tone is where it should be, and nowhere else."""
    levels = loudness(waveform)
    if film.loud is None:
        return
    start, stop = (round(20 * seconds) for seconds in film.loud)
    inside, before = levels[start + 2 : stop - 2], levels[: max(0, start - 2)]
    assert len(inside) == max(0, stop - start - 4)
    assert (inside > LOUD).all()
    assert (before < 0.02).all()
    assert (levels[stop + 3 :] < 0.02).all()


def test_every_reader_agrees_on_a_film(film: Film, path: Path) -> None:
    timed = list(timed_frames(path))
    end = timed[-1].time + timed[-1].duration
    if film.end is not None:
        assert end == pytest.approx(film.end, abs=0.06)
    extent = read_extent(path)
    if "damaged" not in film.notes and "edit" not in film.name:
        assert extent.frames == len(timed)
    assert extent.duration == pytest.approx(end, abs=0.11)
    sampled = list(frames(path, 5))
    assert sampled[0].image.shape[1:] == timed[0].rgb().shape[:2]
    starts = np.array([frame.time for frame in timed])
    for frame in sampled:
        shown = timed[max(0, int(np.searchsorted(starts, frame.time + 1e-6)) - 1)]
        assert number_of(frame.image.permute(1, 2, 0).numpy()) == number_of(shown.rgb())
    assert len(sampled) == pytest.approx(end * 5, abs=1)


@pytest.mark.parametrize("still", IMAGES, ids=lambda still: still.name)
def test_pictures_of_an_image(still: Still, tmp_path: Path) -> None:
    path, sound = tmp_path / still.name, tmp_path / "sound.mkv"
    still.write(path)
    write_film(VIDEOS[0], sound)
    source = resolve_source(path, sound)
    assert source.still is (not still.moves)
    if still.moves:
        found = list(timed_frames(path))
        assert [frame.time for frame in found] == pytest.approx(still.moves)
        assert [number_of(frame.rgb()) for frame in found] == list(range(len(still.moves)))
        assert read_extent(path).frames == len(still.moves)
        image = found[0].rgb()
    else:
        from seac.media.image import read_image

        image = read_image(path).permute(1, 2, 0).numpy()
    assert image.shape[:2] == still.size
    if still.shown:
        assert corners_of(image) == still.shown
    else:  # 16 bits of grey from black to white
        assert image[0, 0].max() < 5
        assert image[-1, -1].min() > 250
