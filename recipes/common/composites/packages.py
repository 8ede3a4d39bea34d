"""A media folder from two Debian packages: a way to render composites with nothing but this repository.

``tuxpaint-stamps-default`` has cut-outs and recordings, ``scratch`` has those and photographs; the table of
:mod:`recipes.common.media_bank` sorts them into classes by file name. Shipped weights were trained on these
files too: such composites test commands and code, their figures say nothing of unseen media.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from recipes.common.composites.audio import write_wav
from recipes.common.composites.media import Media
from recipes.common.media_bank import (
    MAX_IMAGES,
    MAX_PER_CLASS,
    MediaClass,
    choose_paths,
    fetch,
    load_cutout,
    load_media_classes,
    load_recording,
    match_paths,
)
from recipes.common.recordings import SUFFIXES

PACKAGES = ("scratch", "tuxpaint-stamps-default")
BACKGROUNDS = "scratch/usr/share/scratch/Media/Backgrounds"
DESCRIPTION = "_desc"
"""Part of the names of recordings in which a voice says what a cut-out is."""


def build_media(folder: Path, seed: int = 0) -> Path:
    """Fetch the packages into ``folder/packages`` (190 MB) and sort them into ``folder/media``, once.

    Args:
        folder: for packages and media; Debian's apt and dpkg are needed.
        seed: of the choice among many files of a class.

    Returns:
        the media folder.

    Raises:
        subprocess.CalledProcessError: a package cannot be fetched.
    """
    media = folder / "media"
    if media.is_dir():
        return media
    fetch(folder / "packages", PACKAGES)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        sorted_media = Path(scratch) / "media"
        sort_packages(folder / "packages", sorted_media, seed)
        sorted_media.rename(media)
    return media


def sort_packages(packages: Path, media: Path, seed: int) -> None:
    """Sort the files of unpacked packages into a media folder."""
    files = {path: path.relative_to(packages).as_posix().lower() for path in sorted(packages.rglob("*"))}
    images = {name.removesuffix(".png"): path for path, name in files.items() if name.endswith(".png")}
    recordings = {
        name: path for path, name in files.items() if path.suffix in SUFFIXES and DESCRIPTION not in name
    }
    for media_class in load_media_classes():
        limit = MAX_IMAGES.get(media_class.name, MAX_PER_CLASS)
        write_cutouts(
            media_class,
            choose_paths(match_paths(media_class.images, images), limit, seed),
            media / "images",
        )
        found = match_paths(media_class.recordings, recordings)
        write_recordings(media_class, choose_paths(found, MAX_PER_CLASS, seed), media / "sounds")
    (media / "backgrounds").mkdir(parents=True)
    for path in sorted((packages / BACKGROUNDS).rglob("*.jpg")):
        shutil.copyfile(path, media / "backgrounds" / path.name)
    Media.open(media)


def write_cutouts(media_class: MediaClass, paths: list[Path], folder: Path) -> None:
    """Write those of the images that are cut-outs."""
    for number, path in enumerate(paths):
        image: Image.Image | None = load_cutout(path)
        if image is not None:
            target = folder / media_class.name / f"{number:03d}-{path.stem}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            image.save(target)


def write_recordings(media_class: MediaClass, paths: list[Path], folder: Path) -> None:
    """Write those of the recordings that hold any sound."""
    for number, path in enumerate(paths):
        samples = load_recording(path)
        if samples is not None:
            target = folder / media_class.name / f"{number:03d}-{path.stem}.wav"
            write_wav(target, np.asarray(samples / 32_768, np.float32))
