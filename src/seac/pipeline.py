"""The three stages in a row: segment everything, associate it with the sound, classify it.

Read this file first. What is costly is asked once and kept apart: :meth:`SeAC.encode_image` (the picture alone) and
:meth:`SeAC.encode_audio` (the sound alone) give values that :meth:`SeAC.predict` joins, so one picture can be judged
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

from seac.associate.aggregate import aggregate, all_equal, confidence, minmax, softmax_scores
from seac.associate.base import Association
from seac.associate.embed import DenseEncoder, embed_masks, high_resolution_crops
from seac.classify.base import ClassScorers, MaskClassifier, class_scores
from seac.classify.prompts import MeanEncoder, class_embeddings
from seac.classify.semantic import ClassifiedMasks, classify_masks, semantic_mask
from seac.classify.vocabulary import Vocabulary
from seac.core.result import AudioSummary, FrameResult
from seac.core.types import AudioFeatures, MaskEmbeddings, Proposals
from seac.decision.activity import Calibration, is_noise, is_silent, level, sounding
from seac.encoders.audio.windows import encode_windows, top_classes
from seac.encoders.base import AudioEncoder, VisionEncoder
from seac.media.decode import AudioReader, Frame
from seac.media.image import as_image, get_image_size
from seac.media.sources import resolve_source, source_frames
from seac.media.waveform import as_waveform
from seac.segment.base import Segmenter, best_of
from seac.settings import Settings
from seac.video.prefetch import prefetch, workers_of
from seac.video.tracker import Tracker, TrackState, max_track_age

__all__ = ["EncodedAudio", "EncodedImage", "SeAC", "Settings", "Stages"]


@dataclass(frozen=True)
class Stages:
    """The parts; any of them can be another that answers to the same protocol.

    ``to_text_space`` puts masks into text space, where class names are: (N, d) from their embeddings; ``classifier`` does
    so for the names of those that sound, and may listen.
    """

    segmenter: Segmenter
    vision: VisionEncoder
    audio: AudioEncoder
    text: MeanEncoder
    association: Association
    to_text_space: Callable[[MaskEmbeddings], Tensor]
    classifier: MaskClassifier
    calibration: Calibration

    def versions(self) -> dict[str, str]:
        """Which weights each part has, for the record."""
        parts = ("segmenter", "vision", "audio", "text", "association", "classifier")
        return {name: version_of(getattr(self, name)) for name in parts}


def version_of(part: object) -> str:
    """What a part says of its weights; its class where it has none."""
    return str(getattr(part, "version", type(part).__name__))


@dataclass(frozen=True)
class EncodedImage:
    """What the picture alone says: masks, what they look like, where they are among words, their names."""

    image: Tensor
    original_size: tuple[int, int]
    proposals: Proposals
    embeddings: MaskEmbeddings
    text_embeddings: Tensor
    classified: ClassifiedMasks


@dataclass(frozen=True)
class EncodedAudio:
    """What the sound alone says, in features and in words."""

    features: AudioFeatures
    summary: AudioSummary


class SeAC:
    """Segments what sounds in a picture or a video, and names it."""

    def __init__(self, stages: Stages, vocabulary: Vocabulary, settings: Settings | None = None) -> None:
        self.stages = stages
        self.vocabulary = vocabulary
        self.settings = settings or Settings()

    def __call__(self, image: Any, waveform: Any, sample_rate: int) -> FrameResult:
        """One frame with its sound.

        Args:
            image: PIL image, array (H, W, 3) or tensor (3, H, W); see :func:`seac.media.image.as_image`.
            waveform: array or tensor (S,) or (C, S); see :func:`seac.media.waveform.as_waveform`.
            sample_rate: Hz, 4,000 to 192,000.

        Raises:
            InputError: a picture or sound that is none.
        """
        return self.predict(self.encode_image(image), self.encode_audio(waveform, sample_rate))

    def video(
        self, path: str | Path, fps: float = 1.0, *, audio: str | Path | None = None
    ) -> Iterator[FrameResult]:
        """Results at 0, 1/fps, 2/fps, ... seconds; memory does not grow with the length.

        Args:
            path: a video file, or a picture that is shown as long as ``audio`` lasts.
            fps: frames to judge per second of video.
            audio: a sound file in place of the video's own sound.

        Raises:
            InputError: not a video, no sound, or broken off.
        """
        source = resolve_source(Path(path), Path(audio) if audio else None)
        audio_reader = AudioReader(source.audio, self.stages.audio.sample_rate)
        tracker = Tracker(self.settings.smoothing, max_track_age(fps))
        half = self.settings.audio_window / 2
        _ = self._classes  # once, before several threads ask for it
        images = source_frames(source, fps, self.settings.max_side)
        for frame, encoded_image in prefetch(
            images, self._encode_frame, workers_of(self.settings.workers), image_of
        ):
            window = audio_reader.read(frame.time - half, frame.time + half)
            middle = min(frame.time, half)
            encoded_audio = self.encode_audio(window, self.stages.audio.sample_rate, middle)
            yield self.predict(encoded_image, encoded_audio, frame.time, tracker)

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
    def encode_image(self, image: Any, original_size: tuple[int, int] | None = None) -> EncodedImage:
        """Stage 1 (masks), the frozen half of stage 2 (Eq. 1-3), and names (stage 3) of a picture."""
        original_size = original_size or get_image_size(image)
        image = as_image(image, self.settings.max_side)
        proposals = self.propose(image)
        embeddings = self.embed(image, proposals)
        text_embeddings = self.stages.to_text_space(embeddings).cpu()
        return EncodedImage(
            image,
            original_size,
            proposals,
            embeddings,
            text_embeddings,
            classify_masks(text_embeddings, self._classes),
        )

    @torch.inference_mode()
    def encode_audio(self, waveform: Any, sample_rate: int, middle: float | None = None) -> EncodedAudio:
        """The frozen audio network's answer to a sound, and whether there is any.

        Args:
            waveform: array or tensor (S,) or (C, S).
            sample_rate: Hz.
            middle: seconds; if given, only the sound close to it (``activity_window``) decides on silence.
        """
        audio = self.stages.audio
        waveform = as_waveform(waveform, sample_rate, audio.sample_rate)
        features = encode_windows(waveform, audio)
        near = (
            waveform
            if middle is None
            else crop_waveform(waveform, audio.sample_rate, middle, self.settings.activity_window)
        )
        silent = is_silent(near, audio.sample_rate, self.stages.calibration, features, audio.labels)
        audible = level(near, audio.sample_rate)
        noise = not silent and is_noise(
            waveform, audio.sample_rate, self.stages.calibration, features, audio.labels
        )
        summary = AudioSummary(silent, audible, top_classes(features, audio.labels), noise)
        return EncodedAudio(features, summary)

    @torch.inference_mode()
    def predict(
        self,
        encoded_image: EncodedImage,
        encoded_audio: EncodedAudio,
        time: float = 0.0,
        tracker: Tracker | None = None,
    ) -> FrameResult:
        """The rest of stage 2 (similarity, Eq. 4, the decision) and of stage 3 (Eq. 5)."""
        masks, inactive = encoded_image.proposals.masks, encoded_audio.summary.inactive
        similarity = self.stages.association(encoded_image.embeddings, encoded_audio.features).float().cpu()
        ids = torch.arange(len(masks))
        if tracker is not None:
            ids = tracker.follow(masks, encoded_image.text_embeddings, time)
            similarity = tracker.smooth(ids, similarity, time, silent=inactive)
        logits = self.logits(similarity, encoded_image.proposals.scores)
        probability = self.stages.calibration.probability(logits) * (not inactive)
        is_sounding = sounding(logits, self.stages.calibration, silent=inactive)
        weights = softmax_scores(logits, self.settings.softmax_temperature)
        heatmap, scaled = aggregate(weights, masks) * (not inactive), minmax(weights)
        active = (is_sounding | (scaled > self.settings.sigma)) & (not inactive)
        track_state = TrackState(tracker, ids, probability) if tracker is not None else None
        labels = self.classify(encoded_image, encoded_audio, active, track_state)
        semantic = semantic_mask(labels, scaled, masks, self.settings.sigma)
        return FrameResult(
            image=own(encoded_image.image.permute(1, 2, 0)),
            masks=own(masks),
            boxes=own(encoded_image.proposals.boxes),
            scores=own(encoded_image.proposals.scores),
            embeddings=own(encoded_image.text_embeddings),
            similarity=similarity.numpy(),
            probability=probability.numpy(),
            sounding=is_sounding.numpy(),
            confidence=-1.0 if inactive else confidence(similarity),
            heatmap=heatmap.numpy(),
            semantic=(semantic * (not inactive)).numpy(),
            labels=("background", *self.vocabulary.names),
            classes=(labels + 1).numpy(),
            audio_summary=encoded_audio.summary,
            time=time,
            ids=ids.numpy(),
            original_size=encoded_image.original_size,
            notes=notes_for(encoded_image, encoded_audio, weights),
        )

    @torch.inference_mode()
    def classify(
        self,
        encoded_image: EncodedImage,
        encoded_audio: EncodedAudio,
        which: Tensor,
        track_state: TrackState | None = None,
    ) -> Tensor:
        """Class of every mask (N,) int64, from 0; of those of ``which`` (N,) bool after a closer look.

        Args:
            encoded_image: the picture.
            encoded_audio: the sound, which has a say in what is called ``which``.
            which: masks that sound.
            track_state: the masks' tracks, which remember; None names this frame by itself.
        """
        rows = torch.nonzero(which)[:, 0]
        if len(rows) == 0:
            return encoded_image.classified.labels

        def score_crops(new: Tensor) -> Tensor:
            return self._class_scorers.score_masks(self._crop_embeddings(encoded_image, rows[new]))

        crop_scores = (
            score_crops(torch.arange(len(rows)))
            if track_state is None
            else track_state.aggregate_crops(rows, score_crops)
        )
        scores = class_scores(crop_scores, self._class_scorers.score_audio(encoded_audio.features))
        if track_state is not None:
            scores = track_state.average_scores(rows, scores)
        return encoded_image.classified.labels.index_copy(0, rows, scores.argmax(1))

    def _crop_embeddings(self, encoded_image: EncodedImage, rows: Tensor) -> MaskEmbeddings:
        """What masks ``rows`` (n,) look like: looked at again, if looks so far were quick."""
        views = self.settings.views
        if self.settings.exact or not views.crop_size or not isinstance(self.stages.vision, DenseEncoder):
            return encoded_image.embeddings.at(rows)  # looked at in full already
        masks, boxes = encoded_image.proposals.masks[rows], encoded_image.proposals.boxes[rows]
        return high_resolution_crops(encoded_image.image, masks, boxes, self.stages.vision, views)

    def _encode_frame(self, frame: Frame) -> EncodedImage:
        return self.encode_image(frame.image, frame.original_size)

    def logits(self, similarity: Tensor, scores: Tensor) -> Tensor:
        """What is decided on: the similarity, and objectness that counts beside it; (N,) both and result."""
        return similarity + self.settings.objectness * scores

    @cached_property
    def _classes(self) -> Tensor:
        """Class embeddings of the vocabulary, averaged over the templates: (K, d)."""
        return class_embeddings(self.vocabulary.names, self.stages.text)

    @cached_property
    def _class_scorers(self) -> ClassScorers:
        """Who says what of the vocabulary's classes."""
        return self.stages.classifier.scorers_for(self._classes)


def own(values: Tensor) -> NDArray[Any]:
    """A copy: what is seen once may be judged often, and an answer is its user's to change."""
    return np.array(values.numpy(), order="C")


def image_of(frame: Frame) -> Tensor:
    """The picture of a frame; a still is one and the same every time."""
    return frame.image


def crop_waveform(waveform: Tensor, sample_rate: int, middle: float, seconds: float) -> Tensor:
    """The part of a waveform (S,) that lies within ``seconds / 2`` of ``middle``."""
    first = max(0, round((middle - seconds / 2) * sample_rate))
    return waveform[first : max(first, round((middle + seconds / 2) * sample_rate))]


def notes_for(encoded_image: EncodedImage, encoded_audio: EncodedAudio, weights: Tensor) -> tuple[str, ...]:
    """What the user should know about an answer; ``weights`` (N,) is what its heat is made of."""
    height, width = encoded_image.image.shape[-2:]
    notes = []
    if encoded_image.original_size != (height, width):
        was = f"{encoded_image.original_size[1]} x {encoded_image.original_size[0]}"
        notes.append(f"the image was scaled from {was} to {width} x {height} pixels")
    if len(weights) and not encoded_audio.summary.inactive and all_equal(weights):
        which = "all masks are equally likely" if len(weights) > 1 else "there is one mask only"
        notes.append(f"{which}, so the heat is 1 whatever the similarity")
    if encoded_audio.summary.silent:
        notes.append("the sound is silent, so nothing sounds")
    elif encoded_audio.summary.noise:
        notes.append("the sound is noise that nothing in particular makes, so nothing sounds")
    return tuple(notes)
