"""A media folder from two Debian packages: composites can be rendered without other media.

``tuxpaint-stamps-default`` has cut-outs and recordings, ``scratch`` also has photographs. The table of
:mod:`recipes.common.media_bank` assigns files to classes by file name. The shipped weights were trained on
these files too, so such composites are for tests of commands and code, not for evaluation.
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
"""Part of the file names of recordings with a spoken description of a cut-out."""


def build_media(folder: Path, seed: int = 0) -> Path:
    """Download the packages to ``folder/packages`` (190 MB) and sort them into ``folder/media``.

    An existing media folder is kept.

    Args:
        folder: destination of packages and media; apt and dpkg are required.
        seed: seed of the choice of files of a class with too many.

    Returns:
        the media folder.

    Raises:
        subprocess.CalledProcessError: a package cannot be downloaded.
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
    """Write the images of a class that are cut-outs as PNG."""
    for number, path in enumerate(paths):
        image: Image.Image | None = load_cutout(path)
        if image is not None:
            target = folder / media_class.name / f"{number:03d}-{path.stem}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            image.save(target)


def write_recordings(media_class: MediaClass, paths: list[Path], folder: Path) -> None:
    """Write the recordings of a class that are not silent as WAV."""
    for number, path in enumerate(paths):
        samples = load_recording(path)
        if samples is not None:
            target = folder / media_class.name / f"{number:03d}-{path.stem}.wav"
            write_wav(target, np.asarray(samples / 32_768, np.float32))
