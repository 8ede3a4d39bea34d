"""Cached features of composites in shards: scenes, recordings, and mixtures of two classes.

A shard is one ``.npz`` file. The shard is a function of (seed, purpose, number), so that a run can be resumed
and several processes share the work. Recordings are separate from scenes: any scene in which a class is
visible can be paired with any recording of that class, and audio features can be recomputed for another audio
encoder.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recipes.common.scenes import Composer, Mask, Scene, match_owners, perturb_masks
from recipes.common.waveforms import RATE, Recordings
from seac.associate.embed import fast_embeddings
from seac.associate.views import ViewSettings
from seac.core.types import version_of
from seac.encoders.audio.mobilenet_student import MobileNetStudent
from seac.encoders.audio.windows import encode_windows
from seac.encoders.base import AudioEncoder
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from seac.media.resample import resample
from seac.presets.table import PRESETS
from seac.segment.base import Segmenter, best_of
from seac.segment.ops import boxes_of
from seac.segment.proposal_net.segmenter import ProposalSegmenter

SCENES_PER_SHARD, CLIPS_PER_SHARD = 50, 200
PROPOSED_SHARE = 0.8
"""Share of scenes whose masks are proposals of the segmenter of the preset."""
PROPOSALS: int = PRESETS["tiny"].settings["top_n"]
MAX_BACKGROUND = 4
VIEWS: ViewSettings = replace(PRESETS["tiny"].views, fast_crops=0)
"""The views of the preset, without high-resolution crops."""


@dataclass(frozen=True)
class Plan:
    """Settings of a rendering run.

    Attributes:
        media: media folder.
        work: folder for packages, media bank and features.
        scenes: number of scenes.
        audio_clips: number of recordings of one class.
        mixtures: number of mixtures of two classes.
        seed: seed of all shards.
    """

    media: Path
    work: Path
    scenes: int = 4_000
    audio_clips: int = 7_200
    mixtures: int = 2_400
    seed: int = 0

    @property
    def media_bank(self) -> Path:
        """Folder of the media bank."""
        return self.work / "library"


@dataclass(frozen=True)
class ImageFeatureRenderer:
    """Renders scenes and computes the embeddings of their masks."""

    composer: Composer
    vision: EfficientNetLite
    segmenter: Segmenter

    def shard(self, seed: int, number: int) -> dict[str, Any]:
        """The features of ``SCENES_PER_SHARD`` scenes, as arrays by name."""
        rng = np.random.default_rng((seed, 1, number))
        local, context, owner, scene_of, classes, files = [], [], [], [], [], []
        for index in range(SCENES_PER_SHARD):
            name = self.composer.names[(number * SCENES_PER_SHARD + index) % len(self.composer.names)]
            scene = self.composer(rng, name)
            masks = self.candidates(rng, scene)
            image = torch.from_numpy(scene.image.copy()).permute(2, 0, 1)
            flags = torch.from_numpy(masks)
            with torch.inference_mode():
                mask_features = fast_embeddings(image, flags, boxes_of(flags), self.vision, VIEWS)
            local.append(mask_features.local.half().numpy())
            context.append(mask_features.context.half().numpy())
            owner.append(match_owners(masks, scene))
            scene_of.append(np.full(len(masks), index))
            classes.append(scene.class_names)
            files.append(scene.files)
        return {
            "local": np.concatenate(local),
            "context": np.concatenate(context),
            "owner": np.concatenate(owner).astype(np.int8),
            "scene": np.concatenate(scene_of).astype(np.int32),
            "classes": np.array(json.dumps(classes)),
            "files": np.array(json.dumps(files)),
        }

    def candidates(self, rng: np.random.Generator, scene: Scene) -> Mask:
        """Candidate masks (M, S, S): proposals of the segmenter, or perturbed exact masks."""
        if rng.random() >= PROPOSED_SHARE:
            return perturb_masks(rng, scene)
        image = torch.from_numpy(scene.image.copy()).permute(2, 0, 1)
        with torch.inference_mode():
            masks = np.asarray(best_of(self.segmenter, image, PROPOSALS).masks.numpy())
        if len(masks) == 0:
            return scene.masks()
        owner = match_owners(masks, scene)
        others = np.flatnonzero(owner < 0)
        others = rng.permutation(others)[:MAX_BACKGROUND]
        keep = [*np.flatnonzero(owner >= 0), *others]
        exact = [mask for index, mask in enumerate(scene.masks()) if index not in owner]
        return np.concatenate([masks[keep], np.stack(exact)]) if exact else masks[keep]


@dataclass(frozen=True)
class AudioFeatureRenderer:
    """Renders waveforms and computes their window embeddings."""

    recordings: Recordings
    audio: AudioEncoder

    def shard(self, seed: int, number: int) -> dict[str, Any]:
        """Window embeddings of ``CLIPS_PER_SHARD`` clips that cycle through the classes."""
        names = sorted(self.recordings.paths)
        rng = np.random.default_rng((seed, 2, number))
        chosen = [names[(number * CLIPS_PER_SHARD + index) % len(names)] for index in range(CLIPS_PER_SHARD)]
        clips = [self.recordings(name, rng) for name in chosen]
        return {
            "windows": np.stack([self.features(waveform) for waveform, _ in clips]),
            "classes": np.array(json.dumps([[name] for name in chosen])),
            "files": np.array(json.dumps([file for _, file in clips])),
        }

    def mixed(self, seed: int, number: int) -> dict[str, Any]:
        """Window embeddings of ``CLIPS_PER_SHARD`` mixtures of two classes."""
        names = sorted(self.recordings.paths)
        rng = np.random.default_rng((seed, 3, number))
        pairs = [list(rng.choice(names, 2, replace=False)) for _ in range(CLIPS_PER_SHARD)]
        return {
            "windows": np.stack([self.features(self.recordings.mix(pair, rng)) for pair in pairs]),
            "classes": np.array(json.dumps(pairs)),
            "files": np.array(json.dumps(["" for _ in pairs])),
        }

    def features(self, waveform: NDArray[np.float32]) -> NDArray[np.float16]:
        """Embeddings of all windows of a waveform (S,): (W, d) float16."""
        samples = resample(torch.from_numpy(waveform).clamp(-1, 1), RATE, self.audio.sample_rate).float()
        return np.asarray(encode_windows(samples, self.audio).embeddings.half().numpy())


def audio_feature_folder(work: Path, name: str, version: str) -> Path:
    """Folder of the audio features of one version of the audio encoder."""
    return work / f"{name}-{version.rsplit(':', 1)[-1]}"


def image_feature_folder(work: Path, segmenter: Segmenter) -> Path:
    """Folder of the image features; it depends on segmenter, views and share of proposals."""
    return feature_folder(work, "scenes", (version_of(segmenter), VIEWS, PROPOSED_SHARE))


def render(plan: Plan, worker: int, workers: int) -> None:
    """Render one worker's share of the features."""
    torch.set_num_threads(1)
    recordings, audio = Recordings(plan.media_bank / "sounds"), MobileNetStudent.load()
    audio_renderer = AudioFeatureRenderer(recordings, audio)
    for name, shard, count in (
        ("recordings", audio_renderer.shard, plan.audio_clips),
        ("mixtures", audio_renderer.mixed, plan.mixtures),
    ):
        numbers = range(worker, count // CLIPS_PER_SHARD, workers)
        write_shards(audio_feature_folder(plan.work, name, audio.version), numbers, shard, plan.seed)
    composer = Composer(plan.media_bank / "pictures", plan.media / "backgrounds", list(recordings.paths))
    segmenter = ProposalSegmenter()
    image_renderer = ImageFeatureRenderer(composer, EfficientNetLite.load(), segmenter)
    numbers = range(worker, plan.scenes // SCENES_PER_SHARD, workers)
    write_shards(image_feature_folder(plan.work, segmenter), numbers, image_renderer.shard, plan.seed)


def feature_folder(work: Path, what: str, provenance: tuple[object, ...]) -> Path:
    """Folder of cached features, named by a hash of ``provenance``."""
    return work / f"{what}-{hashlib.sha256(repr(provenance).encode()).hexdigest()[:12]}"


def write_shards(
    folder: Path, numbers: Sequence[int], shard: Callable[[int, int], dict[str, Any]], seed: int
) -> None:
    """Write missing shards."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        target = folder / f"{number:05d}.npz"
        if target.exists():
            continue
        arrays = shard(seed, number)
        temporary = folder / f"{number:05d}.part.npz"
        np.savez(temporary, **arrays)
        temporary.rename(target)


def run_workers(render: Callable[[int, int], None], workers: int) -> None:
    """Run ``render(worker, workers)`` in one process per worker, and wait for all.

    Raises:
        SystemExit: a process failed.
    """
    started = [multiprocessing.Process(target=render, args=(worker, workers)) for worker in range(workers)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    if any(process.exitcode for process in started):
        raise SystemExit("error: rendering failed; repeat the command to resume")
