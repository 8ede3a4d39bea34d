"""Recordings to learn from: the media folder, and Debian packages that its SOURCES.csv names.

``fetch`` downloads the packages and keeps their sound files; ``instruments`` plays the sound font of one of
them, so that every General MIDI instrument is heard at every pitch; ``library`` decodes everything.
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

from seac.errors import InputError
from seac.video.decode import SAMPLE_RATE, read_sound
from training.hearing.midi import melody

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


def instruments(font: Path, folder: Path, seed: int) -> None:
    """Play every General MIDI instrument and eight drum kits of a sound font into ``folder/*.wav``."""
    folder.mkdir(parents=True, exist_ok=True)
    for program in range(136):
        target = folder / f"{program:03d}.wav"
        if target.exists():
            continue
        drums = program >= 128
        score = melody(
            0 if drums else program,
            SECONDS_PER_INSTRUMENT,
            np.random.default_rng((seed, program)),
            drums=drums,
        )
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


def decoded(paths: list[Path]) -> Iterator[NDArray[np.int16]]:
    """Those of the files that can be decoded and hold any sound."""
    for path in paths:
        try:
            waveform = read_sound(path, SAMPLE_RATE, LONGEST).numpy()
        except InputError:
            continue
        peak = float(np.abs(waveform).max())
        if len(waveform) > SAMPLE_RATE // 20 and peak > 1e-3:
            yield np.round(waveform * (32_000 / max(peak, 0.05))).clip(-32_768, 32_767).astype(np.int16)


def library(media: Path, packages: Path, words: int, seed: int) -> tuple[Group, ...]:
    """Everything that can be drawn from.

    Args:
        media: folder with ``sounds/<class>/*.ogg``.
        packages: folder that :func:`fetch` filled, with ``instruments`` in it.
        words: how many of tuxpaint's spoken words are taken (there are thousands, all of them speech).
        seed: of that choice.
    """
    spoken: list[Path] = []
    other: list[Path] = []
    for path in sorted(packages.rglob("*")):
        if path.suffix not in SUFFIXES or path.is_relative_to(packages / "instruments"):
            continue
        speech = path.is_relative_to(packages / PACKAGES[0]) and "_desc" in path.name
        (spoken if speech else other).append(path)
    chosen = np.random.default_rng(seed).permutation(len(spoken))[:words]
    taken = {
        "media": (0.42, sorted((media / "sounds").rglob("*.ogg"))),
        "packages": (0.22, other),
        "instruments": (0.26, sorted((packages / "instruments").glob("*.wav"))),
        "words": (0.10, [spoken[index] for index in chosen]),
    }
    return tuple(Group(name, weight, tuple(decoded(paths))) for name, (weight, paths) in taken.items())
