"""Selection of cut-outs for training the proposal network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipes.common.object_scenes import Painter
from recipes.proposal_net.cutouts import is_one_object, write_cutouts
from seac.core.errors import InputError


def make_image(alpha: np.ndarray, colour: int = 120) -> Image.Image:
    rgb = np.full((*alpha.shape, 3), colour, np.uint8)
    return Image.fromarray(np.dstack([rgb, alpha.astype(np.uint8) * 255]), "RGBA")


def disc(side: int = 60, radius: float = 0.4, hollow: float = 0.0) -> np.ndarray:
    y, x = (np.indices((side, side)) + 0.5) / side - 0.5
    far = np.hypot(y, x)
    return np.asarray((far < radius) & (far >= hollow))


def test_a_disc_is_one_object() -> None:
    assert is_one_object(make_image(disc()))


@pytest.mark.parametrize(
    "alpha",
    [
        np.ones((40, 60), bool),
        disc(hollow=0.36),
        np.concatenate([disc(), disc()], 1),
        np.zeros((30, 30), bool),
    ],
    ids=["flag", "ring", "two", "nothing"],
)
def test_unsuitable_shapes_are_left_out(alpha: np.ndarray) -> None:
    assert not is_one_object(make_image(alpha))


def test_each_image_is_written_once_and_existing_folders_are_kept(tmp_path: Path) -> None:
    package = tmp_path / "packages" / "some" / "deep"
    package.mkdir(parents=True)
    make_image(disc()).save(package / "a.png")
    make_image(disc(120)).save(package / "the same, larger.png")
    make_image(disc(), 250).save(package / "b.png")
    make_image(np.ones((40, 60), bool)).save(package / "flag.png")
    assert write_cutouts(tmp_path / "packages", ["some"], tmp_path / "out") == 2
    (package / "b.png").unlink()
    assert write_cutouts(tmp_path / "packages", ["some"], tmp_path / "out") == 2
    assert [path.name for path in tmp_path.glob("out/*")] == ["some"]


def test_a_package_without_images_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no image"):
        write_cutouts(tmp_path, ["empty"], tmp_path / "out")


def test_additional_cut_outs_are_sampled(tmp_path: Path) -> None:
    for name, colour in (("media/images/thing", 10), ("more/some", 250)):
        (tmp_path / name).mkdir(parents=True)
        make_image(disc(), colour).save(tmp_path / name / "a.png")
    (tmp_path / "media/backgrounds").mkdir()
    Image.new("RGB", (80, 80), (128, 128, 128)).save(tmp_path / "media/backgrounds/a.jpg")
    painter = Painter(tmp_path / "media", 64, tmp_path / "more")
    rng = np.random.default_rng(0)
    shown = [np.asarray(painter._choose_cutout(rng))[30, 30, 0] for _ in range(40)]
    assert set(shown) == {10, 250}
    assert shown.count(250) > 20
