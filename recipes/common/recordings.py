"""Recordings to learn from: the media folder, and Debian packages that its SOURCES.csv names.

``fetch`` downloads the packages and keeps their sound files; ``render_instruments`` plays the sound font of one of
them, so that every General MIDI instrument is heard at every pitch; ``load_groups`` decodes everything.
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

from recipes.common.midi import drumming, melody
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
LONGEST = 60.0
"""Seconds that are taken of one file: music of an hour must not outweigh everything else in memory."""
SECONDS_PER_INSTRUMENT = 24.0
DRUMS = range(35, 82)
"""Keys of General MIDI's drums and shakers."""
CALLS = 500
"""How many synthetic calls are made."""


@dataclass(frozen=True)
class Group:
    """Recordings of one kind.

    Attributes:
        name: what they are.
        weight: how often one of them is drawn, relative to other groups.
        recordings: mono int16 at 16 kHz.
    """

    name: str
    weight: float
    recordings: tuple[NDArray[np.int16], ...]


def fetch(folder: Path) -> None:
    """Download the packages (Debian's apt and dpkg are needed) and keep their sounds in ``folder/NAME``."""
    for name in PACKAGES:
        if (folder / name).is_dir():
            continue
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(["apt-get", "download", "-qq", name], cwd=scratch, check=True)
            (package,) = Path(scratch).glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", package.name, "x"], cwd=scratch, check=True)
            for item in (Path(scratch) / "x").rglob("*"):
                if item.is_file() and item.suffix in SUFFIXES | {".sf2"}:
                    target = folder / f"{name}.part" / item.relative_to(Path(scratch) / "x")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.move(item, target)
        (folder / f"{name}.part").rename(folder / name)


def render_instruments(font: Path, folder: Path, seed: int) -> None:
    """Play every General MIDI instrument of a sound font, eight times all drums, and every drum alone."""
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
        with tempfile.TemporaryDirectory() as scratch:
            midi, wave = Path(scratch) / "a.mid", Path(scratch) / "a.wav"
            midi.write_bytes(score)
            words = [
                "fluidsynth",
                "-ni",
                "-q",
                "-g",
                "0.7",
                "-r",
                "44100",
                "-F",
                str(wave),
                str(font),
                str(midi),
            ]
            subprocess.run(words, check=True, capture_output=True)
            shutil.move(wave, target)


def decode_files(paths: list[Path]) -> Iterator[NDArray[np.int16]]:
    """Those of the files that can be decoded and hold any sound."""
    for path in paths:
        try:
            waveform = load_waveform(path, SAMPLE_RATE, LONGEST).numpy()
        except InputError:
            continue
        peak = float(np.abs(waveform).max())
        if len(waveform) > SAMPLE_RATE // 20 and peak > 1e-3:
            yield np.round(waveform * (32_000 / max(peak, 0.05))).clip(-32_768, 32_767).astype(np.int16)


def list_held_out(media: Path) -> tuple[Path, ...]:
    """Recordings kept for choosing weights: the last of every class that has five or more."""
    folders = (sorted(folder.glob("*.ogg")) for folder in sorted((media / "sounds").iterdir()))
    return tuple(paths[-1] for paths in folders if len(paths) >= 5)


def load_groups(media: Path, packages: Path, words: int, seed: int) -> tuple[Group, ...]:
    """Everything that can be drawn from; recordings :func:`list_held_out` are not.

    A class of the media is drawn by the root of how many recordings it has: most of them are instruments, and
    animals are heard too seldom otherwise.

    Args:
        media: folder with ``sounds/<class>/*.ogg``.
        packages: folder that :func:`fetch` filled, with ``render_instruments`` in it.
        words: how many of tuxpaint's spoken words are taken (there are thousands, all of them speech).
        seed: of that choice, and of synthetic calls.
    """
    random = np.random.default_rng(seed)
    kept = set(list_held_out(media))
    classes = {
        folder.name: tuple(decode_files([path for path in sorted(folder.glob("*.ogg")) if path not in kept]))
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
    chosen = [spoken[index] for index in random.permutation(len(spoken))[:words]]
    return (
        *groups,
        Group("packages", 0.20, tuple(decode_files(other))),
        Group("instruments", 0.22, tuple(decode_files(sorted((packages / "instruments").glob("*.wav"))))),
        Group("words", 0.06, tuple(decode_files(chosen))),
        Group("calls", 0.10, tuple(synthesise_call(random) for _ in range(CALLS))),
    )
