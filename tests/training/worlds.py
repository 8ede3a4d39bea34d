"""A small world to train on: things that look and sound in ways of their own, among things that are mute."""

from __future__ import annotations

import torch
from torch import Tensor

from seac.associate.audio.encoder import AudioFeatures
from seac.associate.audio.listening import listen
from seac.associate.mixing import as_float
from seac.training.batches import MemoryStore

KINDS, D_M = 6, 10


class Bands:
    """Hears how loud each of eight frequencies is; as linear in power as an ear can be."""

    sample_rate, window, hop, dim = 16_000, 400, 400, 8
    labels: tuple[str, ...] = ()
    version = "fake bands"

    def __call__(self, windows: Tensor) -> AudioFeatures:
        power = torch.fft.rfft(windows).abs()[:, 5:45] / 50
        return AudioFeatures(power.unflatten(1, (8, 5)).amax(2), None)


def tone(kind: int, length: int) -> Tensor:
    """The sound of a kind: (S,) int16."""
    bin_ = 5 + 5 * kind + 2
    wave = 0.4 * torch.sin(2 * torch.pi * bin_ * torch.arange(length) / Bands.window)
    return (wave * 32767).to(torch.int16)


def world(clips: int = 24, frames: int = 2, seed: int = 0) -> MemoryStore:
    """A store of clips in each of which one thing sounds, among up to four mute ones; a frame is bare."""
    generator = torch.Generator().manual_seed(seed)
    looks = torch.randn(KINDS + 4, D_M, generator=torch.Generator().manual_seed(99))

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=generator))

    local, context, windows, waveforms = [], [], [], []
    for clip in range(clips):
        kind = clip % KINDS
        shown = []
        for frame in range(frames):
            mute = [number(KINDS, KINDS + 4) for _ in range(number(0, 5))]
            kinds = torch.tensor([kind, *mute])
            seen = looks[kinds] + 0.1 * torch.randn(len(kinds), D_M, generator=generator)
            bare = clip == 1 and frame == 0 and frames > 1
            shown.append(seen[torch.randperm(len(kinds), generator=generator)][: 0 if bare else None].half())
        local.append(shown)
        context.append([0.5 * each for each in shown])
        waveforms.append(tone(kind, number(1200, 3000)))
        windows.append(listen(as_float(waveforms[-1]), Bands()).embeddings.half())
    made_by = {"vision": "fake vision", "audio": Bands.version}
    return MemoryStore(local, context, windows, waveforms, made_by)
