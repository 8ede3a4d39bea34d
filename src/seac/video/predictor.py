"""Prediction on videos: frames, audio, tracks and prefetching for :class:`seac.pipeline.SeAC`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seac.core.result import FrameResult
from seac.core.types import EncodedImage
from seac.decision.audio_steps import StepRule
from seac.media.damage import Damage
from seac.media.decode import AudioReader, Frame
from seac.media.live import LiveMedia
from seac.media.presentation import TimedFrame, timed_frames
from seac.media.sources import Source, resolve_source, source_frames
from seac.pipeline import SeAC
from seac.results.rle import encode_rle
from seac.results.values import STEP, AudioSteps, KeyFrame
from seac.video.audio_steps import StepReader, as_audio_steps, concatenate, step_probabilities
from seac.video.class_scores import RecordedTracks
from seac.video.key_frames import ChosenFrame, KeyFrameRate, Rate, choose_key_frames
from seac.video.prefetch import prefetch, workers_of
from seac.video.tracker import Tracker, max_track_age

MAX_STEPS = 100
"""Steps whose audio is encoded at a time."""


@dataclass(frozen=True)
class KeyFrameResult:
    """What the networks found in a key frame and in the audio around it.

    Attributes:
        result: the result at the time of the key frame.
        key_frame: the same as values of a result folder; its track ids are those of ``result``.
        steps: the audio nearest to the key frame in its shot, with probabilities of its masks; the steps of
            all key frames follow one another without a gap, from 0.
        class_scores: (N, C) float32 share of each name of ``result.labels[1:]`` for each mask.
        latency: seconds from the arrival of the frame to its result; None for a file.
    """

    result: FrameResult
    key_frame: KeyFrame
    steps: AudioSteps
    class_scores: NDArray[np.float32]
    latency: float | None = None


@dataclass(frozen=True)
class _Pending:
    """A key frame that waits for the next one, which ends its steps."""

    chosen: ChosenFrame
    image: EncodedImage
    result: FrameResult
    class_scores: NDArray[np.float32]


class VideoPredictor:
    """Streams the results of a video; memory does not grow with its length.

    Args:
        model: its ``settings`` give the audio windows of a frame, the smoothing of similarities, and the
            number of frames that are encoded concurrently.
        rule: constants of the audio steps.
    """

    def __init__(self, model: SeAC, rule: StepRule | None = None) -> None:
        self.model = model
        self.rule = rule or StepRule()

    def stream(
        self,
        source: str | Path | Source,
        fps: float = 1.0,
        *,
        audio: str | Path | None = None,
        damage: Damage | None = None,
    ) -> Iterator[FrameResult]:
        """Results at 0, 1/fps, 2/fps, ... seconds.

        Args:
            source: a video file, an image, which is repeated for the duration of ``audio``, or an opened
                source. Of a stream (see :func:`seac.media.sources.resolve_source`), the results of
                :meth:`key_frames` are given.
            fps: frames per second of video.
            audio: an audio file in place of the video's own audio.
            damage: filled with what is damaged in the files; damaged packets are left out.

        Raises:
            InputError: the file is not a video, or nothing of it can be decoded.
        """
        source = _resolved(source, audio)
        if source.live:
            yield from (found.result for found in self.key_frames(source, fps))
            return
        settings, sample_rate = self.model.settings, self.model.stages.audio.sample_rate
        reader = None if source.audio is None else AudioReader(source.audio, sample_rate, damage)
        tracker = Tracker(settings.smoothing, max_track_age(fps))
        half = settings.audio_window / 2
        frames = source_frames(source, fps, settings.max_side, damage)
        for frame, image in prefetch(frames, self._encode, workers_of(settings.workers), pixels_of):
            window = torch.zeros(0) if reader is None else reader.read(frame.time - half, frame.time + half)
            encoded = self.model.encode_audio(window, sample_rate, min(frame.time, half))
            tracks = tracker.track(image.proposals.masks, image.embeddings.local, frame.time)
            yield self.model.predict(image, encoded, frame.time, tracks)

    def key_frames(
        self,
        source: str | Path | Source,
        fps: Rate = "auto",
        *,
        audio: str | Path | None = None,
        record: Path | None = None,
        damage: Damage | None = None,
    ) -> Iterator[KeyFrameResult]:
        """Results of the key frames of a video, with the audio in steps of a tenth of a second.

        A result is given as soon as the next key frame is known and its audio was read.

        Args:
            source: as for :meth:`stream`.
            fps: key frames per second; "auto" follows the image, see :mod:`seac.video.key_frames`.
            audio: an audio file in place of the video's own audio.
            record: Matroska file into which a stream is copied, for what needs its frames later.
            damage: filled with what is damaged in the files; damaged packets are left out.

        Raises:
            InputError: the file is not a video, or nothing of it can be decoded.
        """
        source, rate = _resolved(source, audio), KeyFrameRate.of(fps)
        sample_rate, max_side = self.model.stages.audio.sample_rate, self.model.settings.max_side
        if source.live:
            with LiveMedia(source.live, sample_rate, record) as live:
                frames = _Ending(live.frames())
                steps = StepReader(live if live.has_audio else None, self.model, self.rule)
                chosen = choose_key_frames(frames, rate, max_side, live.latency)
                yield from self._analyse(chosen, frames, steps, rate, live.latency)
            return
        reader = None if source.audio is None else AudioReader(source.audio, sample_rate, damage)
        steps = StepReader(reader, self.model, self.rule)
        if source.still:
            yield from self._analyse(still_frames(source, rate, max_side), source.duration, steps, rate)
            return
        frames = _Ending(timed_frames(source.image, damage))
        yield from self._analyse(choose_key_frames(frames, rate, max_side), frames, steps, rate)

    def _analyse(
        self,
        chosen: Iterable[ChosenFrame],
        end: _Ending | float,
        steps: StepReader,
        rate: KeyFrameRate,
        latency: Callable[[float], float] | None = None,
    ) -> Iterator[KeyFrameResult]:
        """Results of key frames in order.

        Args:
            chosen: the key frames.
            end: frames whose end is known after the last key frame, or the end in seconds.
            steps: the audio.
            rate: of the key frames.
            latency: seconds since the arrival of the frame of a time, of a stream; its frames are not encoded
                concurrently, so that each result is given early.
        """
        tracker = Tracker(self.model.settings.smoothing, max_track_age(1 / rate.longest))
        pending: _Pending | None = None
        first, number = 0, 0
        for frame, image in self._encoded(chosen, concurrent=latency is None):
            if pending is not None:
                last = max(first, first_step_after(boundary(pending.chosen, frame)))
                yield self._finish(pending, number, steps, first, last, latency)
                first, number = last, number + 1
            pending = self._predict(frame, image, steps, tracker)
        if pending is not None:
            seconds = end if isinstance(end, float) else end.seconds
            last = max(first, math.ceil(seconds / STEP - 1e-6))
            yield self._finish(pending, number, steps, first, last, latency)

    def _encoded(
        self, chosen: Iterable[ChosenFrame], *, concurrent: bool
    ) -> Iterator[tuple[ChosenFrame, EncodedImage]]:
        if not concurrent:
            yield from ((frame, self._encode(frame)) for frame in chosen)
            return
        yield from prefetch(chosen, self._encode, workers_of(self.model.settings.workers), pixels_of)

    def _encode(self, frame: Frame | ChosenFrame) -> EncodedImage:
        return self.model.encode_image(frame.image, frame.original_size)

    def _predict(
        self, frame: ChosenFrame, image: EncodedImage, steps: StepReader, tracker: Tracker
    ) -> _Pending:
        half = self.model.settings.audio_window / 2
        window = steps.waveform(frame.time - half, frame.time + half)
        audio = self.model.encode_audio(window, steps.sample_rate, min(frame.time, half))
        masks, embeddings, cut = image.proposals.masks, image.embeddings.local, frame.cut is not None
        tracked = tracker.track(masks, embeddings, frame.time, flow=frame.flow, cut=cut)
        tracks = RecordedTracks(tracked)
        result = self.model.predict(image, audio, frame.time, tracks)
        scores = tracks.class_scores(image.text_embeddings, self.model.classifier.classes)
        return _Pending(frame, image, result, scores.numpy())

    def _finish(
        self,
        pending: _Pending,
        number: int,
        steps: StepReader,
        first: int,
        last: int,
        latency: Callable[[float], float] | None,
    ) -> KeyFrameResult:
        """The result of a key frame with its steps, from ``first`` to ``last``, exclusive."""
        parts = []
        for begin in range(first, max(last, first + 1), MAX_STEPS):
            audio = steps.take(begin, min(begin + MAX_STEPS, last))
            probability = step_probabilities(self.model, pending.image, audio)
            parts.append(as_audio_steps(audio, probability, number))
        time = pending.chosen.time
        return KeyFrameResult(
            pending.result,
            as_key_frame(pending.chosen, pending.result),
            concatenate(parts),
            pending.class_scores,
            None if latency is None else latency(time),
        )


class _Ending:
    """Frames of a video; ``seconds`` is the end of the last one that was given."""

    def __init__(self, frames: Iterable[TimedFrame]) -> None:
        self._frames = frames
        self.seconds = 0.0

    def __iter__(self) -> Iterator[TimedFrame]:
        for frame in self._frames:
            self.seconds = frame.time + frame.duration
            yield frame


def _resolved(source: str | Path | Source, audio: str | Path | None) -> Source:
    if isinstance(source, Source):
        return source
    return resolve_source(source, Path(audio) if audio else None)


def pixels_of(frame: Frame | ChosenFrame) -> Tensor:
    """Image of a frame; all frames of a still image share one tensor object."""
    return frame.image


def still_frames(source: Source, rate: KeyFrameRate, max_side: int) -> Iterator[ChosenFrame]:
    """Key frames of a still image, repeated to the end of its audio; all have the index 0.

    Raises:
        InputError: the image cannot be read.
    """
    for frame in source_frames(source, 1 / rate.longest, max_side):
        end = min(source.duration, frame.time + rate.longest)
        yield ChosenFrame(0, frame.time, end, None, frame.image, frame.original_size)


def boundary(frame: ChosenFrame, following: ChosenFrame) -> float:
    """Seconds from which the audio belongs to the following key frame."""
    return (frame.time + following.time) / 2 if following.cut is None else following.cut


def first_step_after(time: float) -> int:
    """First step whose middle is not before a time in seconds."""
    return math.ceil(time / STEP - 0.5 - 1e-6)


def as_key_frame(chosen: ChosenFrame, result: FrameResult) -> KeyFrame:
    """The value of a result folder for a key frame."""
    return KeyFrame(
        index=chosen.index,
        time=chosen.time,
        cut=chosen.cut is not None,
        masks=encode_rle(result.masks),
        boxes=result.boxes,
        scores=result.scores,
        similarity=result.similarity,
        probability=result.probability,
        tracks=result.ids,
        classes=result.classes,
    )
