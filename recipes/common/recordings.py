"""Recordings for training: the audio files of Debian packages.

``fetch`` downloads the packages that ``PACKAGES`` lists and keeps their audio files.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

PACKAGES = (
    "tuxpaint-stamps-default", "sonic-pi-samples", "fluid-soundfont-gm", "sound-icons", "lmms-common",
    "brainparty-data", "scorched3d-data", "wesnoth-1.16-data", "searchandrescue-data", "simutrans-pak64",
    "lincity-ng-data", "widelands-data", "megaglest-data", "orage-data", "linphone-common",
    "supertuxkart-data", "berusky2-data",
)  # fmt: skip
SUFFIXES = {".wav", ".ogg", ".flac", ".mp3"}


def unpack_package(name: str, scratch: Path) -> Path:
    """Download a Debian package into an empty folder with apt and unpack it with dpkg.

    Returns:
        the folder with the content of the package.

    Raises:
        subprocess.CalledProcessError: apt or dpkg failed.
    """
    subprocess.run(["apt-get", "download", "-qq", name], cwd=scratch, check=True)
    (package,) = scratch.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", package.name, "x"], cwd=scratch, check=True)
    return scratch / "x"


def fetch(folder: Path) -> None:
    """Download the packages with apt and dpkg, and keep their audio files in ``folder/NAME``."""
    for name in PACKAGES:
        if (folder / name).is_dir():
            continue
        with tempfile.TemporaryDirectory() as scratch:
            content = unpack_package(name, Path(scratch))
            for item in content.rglob("*"):
                if item.is_file() and item.suffix in SUFFIXES | {".sf2"}:
                    target = folder / f"{name}.part" / item.relative_to(content)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.move(item, target)
        (folder / f"{name}.part").rename(folder / name)
