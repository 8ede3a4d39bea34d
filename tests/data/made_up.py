"""Training pairs that need no files, and models that any process can build: what engines are tested with."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from seac.associate.audio.encoder import AudioFeatures
from seac.associate.embeddings import MaskEmbeddings
from seac.data.extraction.clip import Recipe
from seac.data.pairs.pair import Cut, Footage
from seac.data.store.features import ClipFeatures, FrameFeatures, encode_masks
from seac.data.store.manifest import Made
from seac.errors import InputError
from seac.pipeline import SeAC
from tests.fakes import COLOURS, fake_model, squares, tone

MADE = Made({"vision": "fake", "top_n": "50"}, "tiny", mask_dim=4, audio_dim=5, sample_rate=16_000)


def model(device: str = "cpu", **settings: object) -> SeAC:
    """The fake world's model, as a recipe builds one."""
    return fake_model(**settings)


RECIPE = Recipe(model)


@dataclass(frozen=True)
class Imagined:
    """Coloured squares with a tone; each number is another clip.

    ``fails`` makes it unreadable, ``kills`` takes down the process that reads it: always, or only as long as
    a file of that name is not there. ``pause`` is how many seconds it takes.
    """

    number: int
    fails: bool = False
    kills: bool = False
    once: Path | None = None
    pause: float = 0.0
    label: str | None = None

    @property
    def id(self) -> str:
        return f"imagined/{self.number:04}"

    @property
    def video_id(self) -> str:
        return f"video{self.number // 2}"

    def footage(self, cut: Cut) -> Footage:
        time.sleep(self.pause)
        if self.fails:
            raise InputError(f"clip {self.number} is broken")
        if self.kills or (self.once is not None and not self.once.exists()):
            if self.once is not None:
                self.once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        rng = np.random.default_rng(self.number)
        images = []
        for _ in range(2):
            picture = squares().astype(int) + rng.integers(-20, 20, 3)
            images.append(torch.from_numpy(picture.clip(0, 255).astype(np.uint8)).permute(2, 0, 1))
        sound = torch.from_numpy(tone(COLOURS[self.number % 3], 1.0) * rng.uniform(0.2, 1))
        return Footage(0.0, (0.0, 1.0), tuple(images), sound.float())


def clip(number: int, counts: tuple[int, ...] = (3, 2), *, tags: bool = True, label: str | None = None):
    """Features that nobody extracted, different for every number."""
    chance = torch.Generator().manual_seed(number)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=chance)

    frames = []
    for moment, count in enumerate(counts):
        masks = rand(count, 9, 7) > 0.4
        views = [rand(count, 4).half(), rand(count, 4).half()]
        probabilities = [rand(count, 6).half(), rand(count, 6).half()] if tags else []
        embeddings = MaskEmbeddings(*views, *probabilities)
        frames.append(
            FrameFeatures(float(moment), (9, 7), rand(count, 4), rand(count), encode_masks(masks), embeddings)
        )
    windows = AudioFeatures(rand(3, 5).half(), rand(3, 2).half() if tags else None)
    sound = torch.randint(-999, 999, (40 + number,), generator=chance).short()
    return ClipFeatures(
        f"made/{number:04}", f"video{number}", label, number / 4, tuple(frames), sound, windows
    )


def same(one: ClipFeatures, other: ClipFeatures) -> bool:
    """Whether two clips are equal to the last bit."""

    def flat(item: ClipFeatures) -> list[object]:
        found: list[object] = [item.id, item.video_id, item.label, item.start, item.waveform]
        found += [item.windows.embeddings, item.windows.tags]
        for frame in item.frames:
            views = frame.embeddings
            found += [frame.time, frame.size, frame.boxes, frame.scores, frame.codes, len(frame)]
            found += [views.local, views.context]
            found += [views.local_tags, views.context_tags] if len(frame) else []
        return found

    def equal(a: object, b: object) -> bool:
        if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
            return a.dtype == b.dtype and torch.equal(a, b)
        return a == b

    ours, theirs = flat(one), flat(other)
    return len(ours) == len(theirs) and all(equal(a, b) for a, b in zip(ours, theirs, strict=True))
