"""Index of a media folder: cut-outs and recordings by class, backgrounds; files are decoded on first use.

images/<class>/*.png       cut-outs with alpha; ``_silent`` holds objects that do not sound
sounds/<class>/*.ogg       recordings (or .wav, .flac, .mp3) at any sample rate
backgrounds/*.jpg          photographs (or .png)
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recipes.common.levels import rms
from recipes.common.media_bank import SILENT
from recipes.common.object_scenes import open_cutout
from recipes.common.recordings import SUFFIXES
from seac.core.errors import InputError
from seac.media.decode import SAMPLE_RATE, load_waveform

Floats = NDArray[np.float32]
CUTOUTS, BACKGROUNDS = frozenset({".png"}), frozenset({".jpg", ".png"})
FRAME = SAMPLE_RATE // 50
ACTIVE_SHARE = 0.1
"""Minimum RMS of an active frame of 20 ms, as a share of the RMS of the loudest frame."""
ENVIRONMENT, DEV_MEDIA = "SEAC_SHARED", "data/media/dev"


@dataclass(frozen=True)
class Media:
    """Cut-outs, recordings and backgrounds of one folder.

    Attributes:
        folder: the media folder.
        cutouts: paths by class, sorted; ``SILENT`` for objects that do not sound.
        recordings: paths by class, sorted.
        backgrounds: paths, sorted.
    """

    folder: Path
    cutouts: Mapping[str, tuple[Path, ...]]
    recordings: Mapping[str, tuple[Path, ...]]
    backgrounds: tuple[Path, ...]
    _images: dict[Path, Image.Image] = field(default_factory=dict, repr=False)
    _waveforms: dict[Path, Floats] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, folder: Path) -> Media:
        """Index a media folder without decoding its files.

        Raises:
            InputError: no such folder, fewer than two classes with cut-out and recording, or no background.
        """
        if not folder.is_dir():
            raise InputError(f"{folder}: no such media folder; give one with images, sounds and backgrounds")
        media = cls(
            folder,
            list_by_class(folder / "images", CUTOUTS),
            list_by_class(folder / "sounds", SUFFIXES),
            list_files(folder / "backgrounds", BACKGROUNDS),
        )
        if len(media.classes) < 2 or not media.backgrounds:
            raise InputError(
                f"{folder}: {len(media.classes)} classes with a cut-out and a recording, "
                f"{len(media.backgrounds)} backgrounds; needs two classes and one background: "
                "images/<class>/*.png, sounds/<class>/*.ogg, backgrounds/*.jpg"
            )
        return media

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes with a cut-out and a recording, sorted."""
        return tuple(name for name in self.cutouts if name in self.recordings and name != SILENT)

    def cutout(self, path: Path) -> Image.Image:
        """The RGBA image of a cut-out, cropped to its visible pixels."""
        if path not in self._images:
            self._images[path] = open_cutout(path)
        return self._images[path]

    def background(self, path: Path) -> Image.Image:
        """The RGB image of a background at its original size."""
        if path not in self._images:
            with Image.open(path) as opened:
                self._images[path] = opened.convert("RGB")
        return self._images[path]

    def recording(self, path: Path) -> Floats:
        """A recording (S,) float32 mono at 16 kHz, scaled so that its active frames have RMS 1.

        Raises:
            InputError: the file cannot be decoded.
        """
        if path not in self._waveforms:
            waveform = load_waveform(path, SAMPLE_RATE).numpy()
            self._waveforms[path] = np.asarray(waveform / max(measure_active_rms(waveform), 1e-4), np.float32)
        return self._waveforms[path]

    def fingerprint(self) -> str:
        """sha256 over the names and sizes of the files, 12 hex digits."""
        paths = [
            *self.backgrounds,
            *(
                path
                for group in (self.cutouts, self.recordings)
                for paths in group.values()
                for path in paths
            ),
        ]
        lines = sorted(f"{path.relative_to(self.folder).as_posix()} {path.stat().st_size}" for path in paths)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def list_files(folder: Path, suffixes: frozenset[str] | set[str]) -> tuple[Path, ...]:
    """List the files of a folder with one of ``suffixes``, sorted; empty if there is no such folder."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes))


def list_by_class(folder: Path, suffixes: frozenset[str] | set[str]) -> dict[str, tuple[Path, ...]]:
    """List the files of each nonempty subfolder, by the name of the subfolder, sorted."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    found = {path.name: list_files(path, suffixes) for path in folders}
    return {name: paths for name, paths in found.items() if paths}


def measure_active_rms(waveform: Floats) -> float:
    """RMS of the active 20 ms frames of a waveform (S,), in the unit of the waveform."""
    count = len(waveform) // FRAME
    if count == 0:
        return rms(waveform) if len(waveform) else 0.0
    levels = np.sqrt(np.square(waveform[: count * FRAME], dtype=np.float64).reshape(count, FRAME).mean(1))
    return rms(levels[levels >= ACTIVE_SHARE * levels.max()])


def find_media(given: Path | None = None) -> Path:
    """The folder ``given``, or else the dev media in the folder of the variable ``SEAC_SHARED``.

    Raises:
        InputError: ``given`` is None and there are no dev media.
    """
    if given is not None:
        return given
    shared = os.environ.get(ENVIRONMENT)
    if shared and (Path(shared) / DEV_MEDIA).is_dir():
        return Path(shared) / DEV_MEDIA
    raise InputError(
        f"no media folder: give --media FOLDER with images, sounds, backgrounds, or set {ENVIRONMENT} to a "
        f"folder with {DEV_MEDIA}"
    )
