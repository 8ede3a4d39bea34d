"""Recordings for training: the media folder, and the Debian packages that its SOURCES.csv lists.

``fetch`` downloads the packages and keeps their audio files. ``render_instruments`` renders all General MIDI
instruments over their range of pitches with a sound font of the packages. ``load_groups`` decodes all files.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.common.midi import drumming, melody, rendered_score
from recipes.common.synthetic_calls import synthesise_call
from seac.core.errors import InputError
from seac.media.decode import SAMPLE_RATE, load_waveform

PACKAGES = (
    "tuxpaint-stamps-default", "sonic-pi-samples", "fluid-soundfont-gm", "sound-icons", "lmms-common",
    "brainparty-data", "scorched3d-data", "wesnoth-1.16-data", "searchandrescue-data", "simutrans-pak64",
    "lincity-ng-data", "widelands-data", "megaglest-data", "orage-data", "linphone-common",
    "supertuxkart-data", "berusky2-data",
)  # fmt: skip
SUFFIXES = {".wav", ".ogg", ".flac", ".mp3"}
MAX_SECONDS = 60.0
"""Maximum seconds of one file, which bounds the memory for long music."""
SECONDS_PER_INSTRUMENT = 24.0
DRUMS = range(35, 82)
"""Keys of the General MIDI drums and shakers."""
CALLS = 500
"""Number of synthetic calls."""


@dataclass(frozen=True)
class Group:
    """A group of recordings that are sampled with equal probability.

    Attributes:
        name: name of the group.
        weight: sampling weight of the group.
        recordings: mono int16 waveforms at 16 kHz.
    """

    name: str
    weight: float
    recordings: tuple[NDArray[np.int16], ...]


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


def render_instruments(font: Path, folder: Path, seed: int) -> None:
    """Render each General MIDI instrument, eight scores of all drums, and each drum with a sound font."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(136 + len(DRUMS)):
        target = folder / f"{number:03d}.wav"
        if target.exists():
            continue
        random = np.random.default_rng((seed, number))
        if number < 136:
            drums = number >= 128
            score = melody(0 if drums else number, SECONDS_PER_INSTRUMENT, random, drums=drums)
        else:
            score = drumming(DRUMS[number - 136], SECONDS_PER_INSTRUMENT, random)
        with rendered_score(score, font) as wave:
            shutil.move(wave, target)


def decode_files(paths: list[Path]) -> Iterator[NDArray[np.int16]]:
    """Decode files to mono int16 waveforms; unreadable and silent files are skipped."""
    for path in paths:
        try:
            waveform = load_waveform(path, SAMPLE_RATE, MAX_SECONDS).numpy()
        except InputError:
            continue
        peak = float(np.abs(waveform).max())
        if len(waveform) > SAMPLE_RATE // 20 and peak > 1e-3:
            yield np.round(waveform * (32_000 / max(peak, 0.05))).clip(-32_768, 32_767).astype(np.int16)


def list_held_out(media: Path) -> tuple[Path, ...]:
    """The held-out recordings for model selection: the last one of each class with five or more."""
    folders = (sorted(folder.glob("*.ogg")) for folder in sorted((media / "sounds").iterdir()))
    return tuple(paths[-1] for paths in folders if len(paths) >= 5)


def load_groups(media: Path, packages: Path, spoken_words: int, seed: int) -> tuple[Group, ...]:
    """Load all groups of recordings, without those of :func:`list_held_out`.

    The weight of a media class is the square root of its number of recordings, because most recordings are
    instruments and animals would be rare otherwise.

    Args:
        media: folder with ``sounds/<class>/*.ogg``.
        packages: folder filled by :func:`fetch`, with the output of ``render_instruments``.
        spoken_words: number of tuxpaint's spoken words to use (of thousands, all of them speech).
        seed: seed of this choice and of the synthetic calls.
    """
    random = np.random.default_rng(seed)
    held_out = set(list_held_out(media))
    classes = {
        folder.name: tuple(
            decode_files([path for path in sorted(folder.glob("*.ogg")) if path not in held_out])
        )
        for folder in sorted((media / "sounds").iterdir())
    }
    total = sum(len(recordings) ** 0.5 for recordings in classes.values())
    groups = [
        Group(f"media/{name}", 0.42 * len(recordings) ** 0.5 / total, recordings)
        for name, recordings in classes.items()
    ]
    spoken: list[Path] = []
    other: list[Path] = []
    for path in sorted(packages.rglob("*")):
        if path.suffix not in SUFFIXES or path.is_relative_to(packages / "instruments"):
            continue
        speech = path.is_relative_to(packages / PACKAGES[0]) and "_desc" in path.name
        (spoken if speech else other).append(path)
    chosen = [spoken[index] for index in random.permutation(len(spoken))[:spoken_words]]
    return (
        *groups,
        Group("packages", 0.20, tuple(decode_files(other))),
        Group("instruments", 0.22, tuple(decode_files(sorted((packages / "instruments").glob("*.wav"))))),
        Group("words", 0.06, tuple(decode_files(chosen))),
        Group("calls", 0.10, tuple(synthesise_call(random) for _ in range(CALLS))),
    )
