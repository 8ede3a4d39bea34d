"""Robustness: the same frames with silence, with noise, and with the audio of another class.

The reader wraps the reader of a benchmark: each clip becomes a sequence of variants that share its frame, so
the frame is encoded once. The truth of every variant except the first is empty. Other objects in the frame
are not annotated: a silent object of the off-screen class may be in the frame by chance.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seac.core.errors import InputError
from seac.datasets.clip import Clip, Reader, TruthKind
from seac.evaluation.audio_window import with_audio_window

MARK = "|"
UNCHANGED = "as it is"
NOISE = {"noise -50 dB": -50.0, "noise -30 dB": -30.0, "noise -15 dB": -15.0}
"""White noise in place of the audio; RMS in dBFS."""
VARIANTS = (UNCHANGED, "silence", *NOISE, "another class")
METADATA = {"s4": "s4_meta_data.csv", "vggss": "vggss.json"}
"""Benchmarks that can be wrapped, and the metadata files of their folders."""


AVSBENCH_ROBUST = (UNCHANGED, "silence", "noise -15 dB", "another class")
"""The variants of AVSBench-Robust; its noise is white and loud."""


class Corrupted:
    """The middle frame of every clip of a benchmark under each of ``variants``; a Reader.

    Args:
        reader: a benchmark whose clips have categories (S4, VGG-SS).
        limit: maximum number of base clips; None for all. Off-screen audio comes from all clips.
        seed: of noise and of the choice of off-screen audio.
        window: seconds of audio around each frame; None for the benchmark's own window.

    Raises:
        InputError: no categories, or only one.
    """

    name = "robustness"
    classes: tuple[str, ...] = ()
    variants: tuple[str, ...] = VARIANTS
    every_frame = False
    bases: tuple[str, ...] = ("s4", "vggss")
    """Benchmarks that can be wrapped."""

    def __init__(
        self, reader: Reader, limit: int | None = None, seed: int = 0, window: float | None = None
    ) -> None:
        self.reader, self.seed = reader, seed
        self.kind, self.size, self.folder = reader.kind, reader.size, reader.folder
        if reader.kind is TruthKind.LABELS:
            raise InputError("robustness needs one sounding class per clip: give the folder of s4 or vggss")
        self._windowed = {clip.id: with_audio_window(clip, window).annotated() for clip in reader.clips}
        self._base = dict(islice(self._windowed.items(), limit))
        if len({clip.category for clip in self._windowed.values()}) < 2:
            raise InputError(
                f"{reader.folder}: its {len(self._windowed)} clips are of one class, or none is named; "
                "robustness needs audio of another class: give s4 or vggss"
            )

    @cached_property
    def clips(self) -> tuple[Clip, ...]:
        """Every variant of every clip; variants of one frame are adjacent."""
        return tuple(self._variant(clip, name) for clip in self._base.values() for name in self.variants)

    def image(self, clip: Clip, frame: int) -> NDArray[np.uint8]:
        """The unchanged frame."""
        base = self._base[base_of(clip)]
        return self.reader.image(base, base.frames.index(clip.frames[frame]))

    def waveform(self, clip: Clip) -> tuple[Tensor, int]:
        """The audio of the variant: the clip's own, silence, noise, or another clip's."""
        base, variant = self._base[base_of(clip)], variant_of(clip)
        if variant == UNCHANGED:
            return self.reader.waveform(base)
        if variant == "another class":
            return self.reader.waveform(self._off_screen(base))
        original, sample_rate = self.reader.waveform(base)
        if variant == "silence":
            return torch.zeros_like(original), sample_rate
        generator = self._generator(clip.id)
        amplitude = 10 ** (NOISE[variant] / 20)
        return (amplitude * torch.randn(len(original), generator=generator)).clamp(-1, 1), sample_rate

    def truth(self, clip: Clip) -> Tensor:
        """The clip's own truth for the unchanged variant; empty for the others."""
        base = self._base[base_of(clip)]
        original = self.reader.truth(base)
        rows = original[[base.frames.index(path) for path in clip.frames]]
        return rows if clip.visible else torch.zeros_like(rows)

    def _variant(self, clip: Clip, name: str) -> Clip:
        middle = len(clip.frames) // 2
        kept = slice(None) if self.every_frame else slice(middle, middle + 1)
        return replace(
            clip,
            id=f"{clip.id}{MARK}{name}",
            frames=clip.frames[kept],
            audio_windows=clip.audio_windows[kept],
            visible=clip.visible and name == UNCHANGED,
            audio=self._off_screen(clip).audio if name == "another class" else clip.audio,
        )

    def _off_screen(self, clip: Clip) -> Clip:
        others = [other for other in self._windowed.values() if other.category != clip.category]
        row = int(torch.randint(len(others), (), generator=self._generator(clip.id)))
        return others[row]

    def _generator(self, seed_text: str) -> torch.Generator:
        return torch.Generator().manual_seed((self.seed << 32) + zlib.crc32(seed_text.encode()))


class RobustAVSBenchClips(Corrupted):
    """Every frame of every clip of S4 under each of :data:`AVSBENCH_ROBUST`; a Reader, as :class:`Corrupted`.

    Off-screen audio is of another category; in the published scripts it is of another of four groups of
    categories.
    """

    name = "avsbench-robust"
    variants = AVSBENCH_ROBUST
    every_frame = True
    bases = ("s4",)


CORRUPTED: Mapping[str, type[Corrupted]] = MappingProxyType(
    {reader.name: reader for reader in (Corrupted, RobustAVSBenchClips)}
)
"""Benchmarks that replace the audio of another benchmark, by name."""


def base_of(clip: Clip) -> str:
    """Id of the original clip of a variant; the clip's own id for other clips."""
    return base_id(clip.id)


def base_id(name: str) -> str:
    """Id of the original clip from the id of a variant; another id is unchanged."""
    base, mark, variant = name.rpartition(MARK)
    return base if mark and variant in VARIANTS else name


def variant_of(clip: Clip) -> str:
    """The variant of the audio of a clip."""
    return variant_id(clip.id)


def variant_id(name: str) -> str:
    """The variant from an id."""
    return name.rpartition(MARK)[2]


def base_benchmark(benchmark: str, folder: Path) -> str:
    """The benchmark whose files are in a folder: for one of :data:`CORRUPTED`, by the metadata file there.

    Raises:
        InputError: none of the benchmarks that it can wrap.
    """
    if benchmark not in CORRUPTED:
        return benchmark
    known = {name: METADATA[name] for name in CORRUPTED[benchmark].bases}
    for name, file in known.items():
        if (folder / file).is_file():
            return name
    raise InputError(
        f"{folder}: holds no {' or '.join(known.values())}; {benchmark} is tested on the frames of "
        f"{' or '.join(known)}: give the folder of {'one of them' if len(known) > 1 else 'that benchmark'}"
    )
