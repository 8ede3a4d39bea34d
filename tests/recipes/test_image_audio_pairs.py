"""Composite pairs as files: input of `seac extract`, deterministic, resumable."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipes.common.image_audio_pairs import write
from recipes.common.scenes import Composer
from recipes.common.waveforms import Recordings
from seac.datasets.pairs.folders import image_audio_pairs
from tests.fixtures.media_bank import write_media_bank

pytest.importorskip("soundfile", reason="pip install seac[distil] writes FLAC")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Composer, Recordings]:
    """Two classes of discs with different tones, and a grey background."""
    colours = {"bell": (250, 90, 20), "drum": (20, 90, 20)}
    folder = write_media_bank(tmp_path_factory.mktemp("media_bank"), colours)
    composer = Composer(folder / "pictures", folder / "grounds", ["bell", "drum"])
    return composer, Recordings(folder / "sounds")


def test_every_image_has_its_audio(tmp_path: Path, parts: tuple[Composer, Recordings]) -> None:
    write(tmp_path, 3, *parts, seed=1)
    assert [pair.id for pair in image_audio_pairs(tmp_path, "train")] == [f"pairs/0000{n}" for n in range(3)]
    assert not list(tmp_path.glob("*.part"))


def test_a_broken_off_run_goes_on_to_the_same_files(
    tmp_path: Path, parts: tuple[Composer, Recordings]
) -> None:
    write(tmp_path / "whole", 3, *parts, seed=1)
    write(tmp_path / "broken", 3, *parts, seed=1)
    (tmp_path / "broken" / "00001.flac").unlink()  # as after a kill between image and audio
    write(tmp_path / "broken", 3, *parts, seed=1)
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "broken" / path.name).read_bytes()


def test_another_seed_draws_other_pairs(tmp_path: Path, parts: tuple[Composer, Recordings]) -> None:
    write(tmp_path / "a", 1, *parts, seed=1)
    write(tmp_path / "b", 1, *parts, seed=2)
    assert (tmp_path / "a/00000.flac").read_bytes() != (tmp_path / "b/00000.flac").read_bytes()
