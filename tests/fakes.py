"""Parts that answer to the protocols in no time, and media made on the spot."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor

from seac.associate.audio.encoder import AudioFeatures
from seac.associate.embeddings import MaskEmbeddings
from seac.associate.gate import Calibration
from seac.associate.vision.encoder import VisionFeatures
from seac.classify.naming import ByWords
from seac.classify.vocabulary import Vocabulary
from seac.pipeline import SeAC, Settings, Stages
from seac.segment.proposals import Proposals

COLOURS = ("red", "green", "blue")
PITCH = {"red": 300.0, "green": 1000.0, "blue": 3000.0}
"""The fake world: a square of a colour sounds at a pitch of its own."""


class ColourSegmenter:
    """A mask for every pure colour that is in the picture, and one for the whole frame."""

    version = "fake segmenter"

    def __call__(self, image: Tensor) -> Proposals:
        height, width = image.shape[-2:]
        pixels = image.int()
        masks = [torch.ones(height, width, dtype=torch.bool)]
        for channel in range(3):
            others = [c for c in range(3) if c != channel]
            masks.append((pixels[channel] > 150) & (pixels[others].amax(0) < 110))
        kept = torch.stack([mask for mask in masks if mask.any()])
        boxes = []
        for mask in kept:
            rows, columns = torch.where(mask)
            boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        scores = torch.linspace(0.9, 0.5, len(kept))
        return Proposals(kept, torch.tensor(boxes, dtype=torch.float32), scores)


class ColourVision:
    """Tags a picture by its colour."""

    size, mean, std, dim, labels = 8, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 3, COLOURS

    def __call__(self, pixels: Tensor) -> VisionFeatures:
        share = pixels.mean(dim=(2, 3)) + 1e-3
        return VisionFeatures(share, share / share.sum(1, keepdim=True))


class PitchHearing:
    """Tags a sound by its pitch."""

    sample_rate, window, hop, dim, labels = 16_000, 4_000, 2_000, 3, COLOURS
    version = "fake hearing"

    def __call__(self, windows: Tensor) -> AudioFeatures:
        power = torch.fft.rfft(windows).abs()
        bins = [round(PITCH[name] * self.window / self.sample_rate) for name in COLOURS]
        tags = torch.stack([power[:, b - 20 : b + 20].amax(1) for b in bins], 1)
        tags = tags / tags.sum(1, keepdim=True).clamp_min(1e-6)
        return AudioFeatures(tags, tags)


class ColourText:
    """A sentence is where its colour is."""

    def means(self, groups: object) -> Tensor:
        rows = [[float(any(name in s for s in group)) + 1e-3 for name in COLOURS] for group in groups]  # type: ignore[attr-defined]
        return torch.nn.functional.normalize(torch.tensor(rows), dim=1)


class ColourAssociation:
    """Cosine of what is seen with what is heard."""

    def place_masks(self, masks: MaskEmbeddings) -> Tensor:
        return torch.nn.functional.normalize(masks.mixed_tags(1.0), dim=1)

    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        heard = torch.nn.functional.normalize(audio.embeddings.mean(0), dim=0)
        return self.place_masks(masks) @ heard


def fake_model(**settings: object) -> SeAC:
    association = ColourAssociation()
    stages = Stages(
        segmenter=ColourSegmenter(),
        vision=ColourVision(),
        audio=PitchHearing(),
        text=ColourText(),
        association=association,
        place=association.place_masks,
        naming=ByWords(association.place_masks),
        calibration=Calibration(slope=20.0, offset=-18.0, threshold=0.5, floor=-60.0, silence=0.9),
    )
    return SeAC(stages, Vocabulary(COLOURS), Settings(**settings))  # type: ignore[arg-type]


def squares(height: int = 96, width: int = 160) -> np.ndarray:
    """A grey picture with a red, a green and a blue square: (H, W, 3) uint8."""
    picture = np.full((height, width, 3), 90, np.uint8)
    side = width // 5
    for number in range(3):
        left = side // 2 + number * (side + side // 2)
        picture[height // 3 : height // 3 + side, left : left + side] = 60
        picture[height // 3 : height // 3 + side, left : left + side, number] = 230
    return picture


def tone(name: str, seconds: float, sample_rate: int = 16_000) -> np.ndarray:
    """The sound of a colour, or silence: (S,) float32."""
    if name == "silence":
        return np.zeros(round(seconds * sample_rate), np.float32)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    return (0.4 * np.sin(2 * np.pi * PITCH[name] * time)).astype(np.float32)


def write_wav(path: Path, samples: np.ndarray, sample_rate: int = 16_000) -> Path:
    """16-bit wave file of (S,) or (S, C) float samples."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def write_video(
    path: Path,
    pictures: list[np.ndarray],
    sound: np.ndarray | None,
    *,
    fps: int = 10,
    sample_rate: int = 16_000,
    video_codec: str = "libx264",
    audio_codec: str = "aac",
    times: list[int] | None = None,
) -> Path:
    """A small film; ``times`` (in thousandths of a second) makes its rate variable."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(video_codec, rate=fps)
        stream.height, stream.width, stream.pix_fmt = *pictures[0].shape[:2], "yuv420p"
        track = container.add_stream(audio_codec, rate=48_000) if sound is not None else None
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times is not None:
                from fractions import Fraction

                stream.codec_context.time_base = Fraction(1, 1000)
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track is not None and sound is not None:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None]), format="flt", layout="mono")
            frame.sample_rate = sample_rate
            resampler = av.AudioResampler(format=track.format.name, layout=track.layout.name, rate=48_000)
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(track.encode(part))
            container.mux(track.encode(None))
    return path
