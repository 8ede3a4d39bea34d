"""Test videos of :mod:`recipes.common.track_videos` after the networks, in files."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recipes.common.track_videos import TrackVideo
from seac.media.decode import SAMPLE_RATE
from seac.pipeline import SeAC
from seac.video.flow import follow
from seac.video.key_motion import KeyMotion

PER_MASK = ("masks", "scores", "text_embeddings", "local", "logits")
"""Arrays of :class:`EncodedVideo` with a row for each mask."""


@dataclass(frozen=True)
class EncodedVideo:
    """The K key frames of a video after the networks; M masks in all.

    Attributes:
        times: (K,) seconds.
        counts: (K,) masks of each key frame.
        masks: (M, ceil(H * W / 8)) uint8, packed bits.
        scores: (M,) objectness.
        text_embeddings: (M, d) float16 of unit length.
        local: (M, d_m) float16, image embeddings.
        logits: (M,) of the sounding head, before smoothing.
        inactive: (K,) whether the audio is silent or noise.
        flows: (K, h, w, 2) from each key frame to the one before, in pixels of (h, w).
        owner: (K, H, W) int8, the object that each pixel shows, -1 for none.
        sounds: (objects, K) bool.
        cuts: (c,) seconds.
        names: (objects,) classes.
        fps: frames per second of the video.
    """

    times: NDArray[np.float64]
    counts: NDArray[np.int64]
    masks: NDArray[np.uint8]
    scores: NDArray[np.float32]
    text_embeddings: NDArray[np.float16]
    local: NDArray[np.float16]
    logits: NDArray[np.float32]
    inactive: NDArray[np.bool_]
    flows: NDArray[np.float16]
    owner: NDArray[np.int8]
    sounds: NDArray[np.bool_]
    cuts: NDArray[np.float32]
    names: NDArray[np.str_]
    fps: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.times)

    def rows(self, frame: int) -> slice:
        """Rows of the masks of a key frame."""
        start = int(self.counts[:frame].sum())
        return slice(start, start + int(self.counts[frame]))

    def frame_masks(self, frame: int) -> NDArray[np.bool_]:
        """Masks of a key frame: (N, H, W) bool."""
        height, width = self.owner.shape[1:]
        packed = self.masks[self.rows(frame)]
        bits = np.unpackbits(packed, axis=1, count=height * width)
        return bits.reshape(-1, height, width).astype(bool)

    def is_cut(self, frame: int) -> bool:
        """Whether a new shot begins between the key frame before and this one."""
        if frame == 0:
            return False
        return bool(((self.cuts > self.times[frame - 1]) & (self.cuts <= self.times[frame])).any())

    def thin(self, step: int) -> EncodedVideo:
        """The video with every ``step``-th key frame; the motion between them is composed."""
        kept = list(range(0, len(self), step))
        rows = np.concatenate([np.r_[self.rows(frame)] for frame in kept])
        flows = [self.flows[0]]
        for last in kept[1:]:
            onward = self.flows[last - step + 1].astype(np.float32)
            for frame in range(last - step + 2, last + 1):
                onward = follow(self.flows[frame].astype(np.float32), onward)
            flows.append(onward.astype(np.float16))
        per_mask = {name: getattr(self, name)[rows] for name in PER_MASK}
        per_frame = {name: getattr(self, name)[kept] for name in ("times", "counts", "inactive", "owner")}
        return replace(self, **per_mask, **per_frame, flows=np.stack(flows), sounds=self.sounds[:, kept])

    def save(self, path: Path) -> None:
        """Write all arrays to a file."""
        arrays = {item.name: getattr(self, item.name) for item in fields(self)}
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part.npz")
        np.savez_compressed(temporary, **arrays)
        temporary.rename(path)

    @classmethod
    def load(cls, path: Path) -> EncodedVideo:
        """Read the arrays of a file of :meth:`save`."""
        with np.load(path) as file:
            return cls(**{item.name: file[item.name] for item in fields(cls)})


def key_indices(video: TrackVideo, rate: float) -> list[int]:
    """Frames that are shown at 0, 1/rate, 2/rate, ... seconds."""
    return [int(k / rate * video.fps + 1e-6) for k in range(int(video.seconds * rate))]


def encode_video(model: SeAC, video: TrackVideo, rate: float) -> EncodedVideo:
    """Run the networks on the key frames of a video.

    Args:
        model: the networks.
        video: the video.
        rate: key frames per second.
    """
    keys = key_indices(video, rate)
    columns: dict[str, list[Any]] = {item.name: [] for item in fields(EncodedVideo)}
    flows = key_flows(video, keys)
    waveform = torch.from_numpy(video.waveform)
    half = model.settings.audio_window / 2
    for index in keys:
        time = index / video.fps
        image, owner = video.frame(index)
        encoded = model.encode_image(image)
        start, stop = (round(max(0.0, at) * SAMPLE_RATE) for at in (time - half, time + half))
        audio = model.encode_audio(waveform[start:stop], SAMPLE_RATE, min(time, half))
        similarity = model.stages.association(encoded.embeddings, audio.features).float().cpu()
        logits = model.stages.sounding_head(similarity, encoded, audio, model.settings.objectness)
        packed = np.packbits(encoded.proposals.masks.flatten(1).numpy(), axis=1)
        columns["times"].append(time)
        columns["counts"].append(len(packed))
        columns["masks"].append(packed)
        columns["scores"].append(encoded.proposals.scores.numpy())
        columns["text_embeddings"].append(encoded.text_embeddings.half().numpy())
        columns["local"].append(encoded.embeddings.local.half().numpy())
        columns["logits"].append(logits.float().numpy())
        columns["inactive"].append(audio.summary.inactive)
        columns["owner"].append(owner)
        columns["sounds"].append(video.sounds(time))
    arrays = {
        name: np.concatenate(values) if name in PER_MASK else np.array(values)
        for name, values in columns.items()
        if values
    }
    arrays["sounds"] = arrays["sounds"].T
    return EncodedVideo(
        **arrays,
        flows=flows,
        cuts=np.array(video.cuts, np.float32),
        names=np.array(video.names),
        fps=np.array(video.fps),
    )


def key_flows(video: TrackVideo, keys: list[int]) -> NDArray[np.float16]:
    """``flows`` of an :class:`EncodedVideo`."""
    motion, found = KeyMotion(video.size), []
    for index in range(keys[-1] + 1):
        motion.add(video.frame(index)[0])
        if index in keys:
            found.append(motion.take().astype(np.float16))
    return np.stack(found)
