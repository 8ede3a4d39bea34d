"""The three stages in a row: segment everything, associate it with the sound, classify it.

Read this file first. What is costly is asked once and kept apart: :meth:`SeAC.see` (the picture alone) and
:meth:`SeAC.hear` (the sound alone) give values that :meth:`SeAC.judge` joins, so one picture can be judged
under many sounds and one sound over many pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seac.associate.aggregate import aggregate, all_equal, confidence, minmax, odds
from seac.associate.base import Association
from seac.associate.embed import DenseEncoder, closer_look, embed_masks
from seac.classify.base import Naming, Witnesses, class_scores
from seac.classify.prompts import MeanEncoder, class_embeddings
from seac.classify.semantic import Named, name_masks, semantic_mask
from seac.classify.vocabulary import Vocabulary
from seac.core.result import Heard, Result
from seac.core.types import AudioFeatures, MaskEmbeddings, Proposals
from seac.decision.activity import Calibration, is_noise, is_silent, level, sounding
from seac.encoders.audio.windows import listen, loudest_tags
from seac.encoders.base import AudioEncoder, VisionEncoder
from seac.media.decode import Frame, SoundReader
from seac.media.image import as_picture, size_of
from seac.media.sources import pictures_of, source_of
from seac.media.waveform import as_waveform
from seac.segment.base import Segmenter, best_of
from seac.settings import Settings
from seac.video.prefetch import ahead, workers_of
from seac.video.tracker import Followed, Tracker, remembered_at

__all__ = ["Listened", "SeAC", "Seen", "Settings", "Stages"]


@dataclass(frozen=True)
class Stages:
    """The parts; any of them can be another that answers to the same protocol.

    ``place`` puts masks into text space, where class names are: (N, d) from their embeddings; ``naming`` does
    so for the names of those that sound, and may listen.
    """

    segmenter: Segmenter
    vision: VisionEncoder
    audio: AudioEncoder
    text: MeanEncoder
    association: Association
    place: Callable[[MaskEmbeddings], Tensor]
    naming: Naming
    calibration: Calibration

    def versions(self) -> dict[str, str]:
        """Which weights each part has, for the record."""
        parts = ("segmenter", "vision", "audio", "text", "association", "naming")
        return {name: version_of(getattr(self, name)) for name in parts}


def version_of(part: object) -> str:
    """What a part says of its weights; its class where it has none."""
    return str(getattr(part, "version", type(part).__name__))


@dataclass(frozen=True)
class Seen:
    """What the picture alone says: masks, what they look like, where they are among words, their names."""

    image: Tensor
    original_size: tuple[int, int]
    proposals: Proposals
    embeddings: MaskEmbeddings
    places: Tensor
    named: Named


@dataclass(frozen=True)
class Listened:
    """What the sound alone says, in features and in words."""

    features: AudioFeatures
    heard: Heard


class SeAC:
    """Segments what sounds in a picture or a video, and names it."""

    def __init__(self, stages: Stages, vocabulary: Vocabulary, settings: Settings | None = None) -> None:
        self.stages = stages
        self.vocabulary = vocabulary
        self.settings = settings or Settings()

    def __call__(self, image: Any, waveform: Any, sample_rate: int) -> Result:
        """One frame with its sound.

        Args:
            image: PIL image, array (H, W, 3) or tensor (3, H, W); see :func:`seac.media.image.as_picture`.
            waveform: array or tensor (S,) or (C, S); see :func:`seac.media.waveform.as_waveform`.
            sample_rate: Hz, 4,000 to 192,000.

        Raises:
            InputError: a picture or sound that is none.
        """
        return self.judge(self.see(image), self.hear(waveform, sample_rate))

    def video(
        self, path: str | Path, fps: float = 1.0, *, audio: str | Path | None = None
    ) -> Iterator[Result]:
        """Results at 0, 1/fps, 2/fps, ... seconds; memory does not grow with the length.

        Args:
            path: a video file, or a picture that is shown as long as ``audio`` lasts.
            fps: frames to judge per second of video.
            audio: a sound file in place of the video's own sound.

        Raises:
            InputError: not a video, no sound, or broken off.
        """
        source = source_of(Path(path), Path(audio) if audio else None)
        sound = SoundReader(source.sound, self.stages.audio.sample_rate)
        tracker = Tracker(self.settings.smoothing, remembered_at(fps))
        half = self.settings.hears / 2
        _ = self._classes  # once, before several threads ask for it
        pictures = pictures_of(source, fps, self.settings.max_side)
        for frame, seen in ahead(pictures, self._look, workers_of(self.settings.workers), image_of):
            window = sound.read(frame.time - half, frame.time + half)
            middle = min(frame.time, half)
            listened = self.hear(window, self.stages.audio.sample_rate, middle)
            yield self.judge(seen, listened, frame.time, tracker)

    @torch.inference_mode()
    def propose(self, image: Tensor) -> Proposals:
        """Stage 1: the best masks of a picture (3, H, W) uint8."""
        return best_of(self.stages.segmenter, image, self.settings.top_n)

    @torch.inference_mode()
    def embed(self, image: Tensor, proposals: Proposals) -> MaskEmbeddings:
        """The frozen half of stage 2: both views of every mask (Eq. 1-2)."""
        masks, boxes, settings = proposals.masks, proposals.boxes, self.settings
        return embed_masks(image, masks, boxes, self.stages.vision, settings.views, exact=settings.exact)

    @torch.inference_mode()
    def see(self, image: Any, original_size: tuple[int, int] | None = None) -> Seen:
        """Stage 1 (masks), the frozen half of stage 2 (Eq. 1-3), and names (stage 3) of a picture."""
        original_size = original_size or size_of(image)
        image = as_picture(image, self.settings.max_side)
        proposals = self.propose(image)
        embeddings = self.embed(image, proposals)
        places = self.stages.place(embeddings).cpu()
        return Seen(image, original_size, proposals, embeddings, places, name_masks(places, self._classes))

    @torch.inference_mode()
    def hear(self, waveform: Any, sample_rate: int, middle: float | None = None) -> Listened:
        """The frozen audio network's answer to a sound, and whether there is any.

        Args:
            waveform: array or tensor (S,) or (C, S).
            sample_rate: Hz.
            middle: seconds; if given, only the sound close to it (``presence``) decides on silence.
        """
        audio = self.stages.audio
        waveform = as_waveform(waveform, sample_rate, audio.sample_rate)
        features = listen(waveform, audio)
        near = (
            waveform
            if middle is None
            else around(waveform, audio.sample_rate, middle, self.settings.presence)
        )
        silent = is_silent(near, audio.sample_rate, self.stages.calibration, features, audio.labels)
        loud = level(near, audio.sample_rate)
        noise = not silent and is_noise(
            waveform, audio.sample_rate, self.stages.calibration, features, audio.labels
        )
        heard = Heard(silent, loud, loudest_tags(features, audio.labels), noise)
        return Listened(features, heard)

    @torch.inference_mode()
    def judge(
        self, seen: Seen, listened: Listened, time: float = 0.0, tracker: Tracker | None = None
    ) -> Result:
        """The rest of stage 2 (similarity, Eq. 4, the decision) and of stage 3 (Eq. 5)."""
        masks, nothing = seen.proposals.masks, listened.heard.nothing
        similarity = self.stages.association(seen.embeddings, listened.features).float().cpu()
        ids = torch.arange(len(masks))
        if tracker is not None:
            ids = tracker.follow(masks, seen.places, time)
            similarity = tracker.smooth(ids, similarity, time, silent=nothing)
        evidence = self.evidence(similarity, seen.proposals.scores)
        probability = self.stages.calibration.probability(evidence) * (not nothing)
        sounds = sounding(evidence, self.stages.calibration, silent=nothing)
        likely = odds(evidence, self.settings.contrast)
        heatmap, scaled = aggregate(likely, masks) * (not nothing), minmax(likely)
        lit = (sounds | (scaled > self.settings.sigma)) & (not nothing)
        followed = Followed(tracker, ids, probability) if tracker is not None else None
        labels = self.names(seen, listened, lit, followed)
        semantic = semantic_mask(labels, scaled, masks, self.settings.sigma)
        return Result(
            image=own(seen.image.permute(1, 2, 0)),
            masks=own(masks),
            boxes=own(seen.proposals.boxes),
            scores=own(seen.proposals.scores),
            embeddings=own(seen.places),
            similarity=similarity.numpy(),
            probability=probability.numpy(),
            sounding=sounds.numpy(),
            confidence=-1.0 if nothing else confidence(similarity),
            heatmap=heatmap.numpy(),
            semantic=(semantic * (not nothing)).numpy(),
            labels=("background", *self.vocabulary.names),
            classes=(labels + 1).numpy(),
            heard=listened.heard,
            time=time,
            ids=ids.numpy(),
            original_size=seen.original_size,
            notes=notes_on(seen, listened, likely),
        )

    @torch.inference_mode()
    def names(
        self, seen: Seen, listened: Listened, which: Tensor, followed: Followed | None = None
    ) -> Tensor:
        """Class of every mask (N,) int64, from 0; of those of ``which`` (N,) bool after a closer look.

        Args:
            seen: the picture.
            listened: the sound, which has a say in what is called ``which``.
            which: masks that sound.
            followed: the masks' tracks, which remember; None names this frame by itself.
        """
        rows = torch.nonzero(which)[:, 0]
        if len(rows) == 0:
            return seen.named.labels

        def look(new: Tensor) -> Tensor:
            return self._witnesses.sight(self._closer(seen, rows[new]))

        looks = look(torch.arange(len(rows))) if followed is None else followed.settled(rows, look)
        scores = class_scores(looks, self._witnesses.sound(listened.features))
        if followed is not None:
            scores = followed.averaged(rows, scores)
        return seen.named.labels.index_copy(0, rows, scores.argmax(1))

    def _closer(self, seen: Seen, rows: Tensor) -> MaskEmbeddings:
        """What masks ``rows`` (n,) look like: looked at again, if looks so far were quick."""
        views = self.settings.views
        if self.settings.exact or not views.name_size or not isinstance(self.stages.vision, DenseEncoder):
            return seen.embeddings.at(rows)  # looked at in full already
        masks, boxes = seen.proposals.masks[rows], seen.proposals.boxes[rows]
        return closer_look(seen.image, masks, boxes, self.stages.vision, views)

    def _look(self, frame: Frame) -> Seen:
        return self.see(frame.image, frame.original_size)

    def evidence(self, similarity: Tensor, scores: Tensor) -> Tensor:
        """What is decided on: the similarity, and objectness that counts beside it; (N,) both and result."""
        return similarity + self.settings.objectness * scores

    @cached_property
    def _classes(self) -> Tensor:
        """Class embeddings of the vocabulary, averaged over the templates: (K, d)."""
        return class_embeddings(self.vocabulary.names, self.stages.text)

    @cached_property
    def _witnesses(self) -> Witnesses:
        """Who says what of the vocabulary's classes."""
        return self.stages.naming.among(self._classes)


def own(values: Tensor) -> NDArray[Any]:
    """A copy: what is seen once may be judged often, and an answer is its user's to change."""
    return np.array(values.numpy(), order="C")


def image_of(frame: Frame) -> Tensor:
    """The picture of a frame; a still is one and the same every time."""
    return frame.image


def around(waveform: Tensor, sample_rate: int, middle: float, seconds: float) -> Tensor:
    """The part of a waveform (S,) that lies within ``seconds / 2`` of ``middle``."""
    first = max(0, round((middle - seconds / 2) * sample_rate))
    return waveform[first : max(first, round((middle + seconds / 2) * sample_rate))]


def notes_on(seen: Seen, listened: Listened, likely: Tensor) -> tuple[str, ...]:
    """What the user should know about an answer; ``likely`` (N,) is what its heat is made of."""
    height, width = seen.image.shape[-2:]
    notes = []
    if seen.original_size != (height, width):
        was = f"{seen.original_size[1]} x {seen.original_size[0]}"
        notes.append(f"the picture was scaled from {was} to {width} x {height} pixels")
    if len(likely) and not listened.heard.nothing and all_equal(likely):
        which = "all masks are equally likely" if len(likely) > 1 else "there is one mask only"
        notes.append(f"{which}, so the heat is 1 whatever the similarity")
    if listened.heard.silent:
        notes.append("the sound is silent, so nothing sounds")
    elif listened.heard.noise:
        notes.append("the sound is noise that nothing in particular makes, so nothing sounds")
    return tuple(notes)
