"""Swap: clips under their own audio, under the audio of other clips, and in silence; without labels.

A frame is encoded once and paired with every waveform, as a video is: the same windows, tracks and smoothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seac.core.result import FrameResult
from seac.core.types import EncodedAudio, EncodedImage
from seac.decision.fit_swap import SwapLogits
from seac.media.decode import AudioReader, Frame
from seac.media.sources import Source, audio_duration, audio_file, source_frames
from seac.pipeline import SeAC
from seac.video.predictor import pixels_of
from seac.video.prefetch import prefetch, workers_of
from seac.video.tracker import Tracker, max_track_age


@dataclass(frozen=True)
class Active:
    """What is active in a frame under one waveform.

    Attributes:
        pixels: (1, H, W) bool, union of the sounding masks.
        probability: (1,) float32, of the likeliest mask; 0 without masks.
    """

    pixels: Tensor
    probability: Tensor

    @classmethod
    def of(cls, result: FrameResult) -> Active:
        """What is active in a result."""
        pixels = torch.from_numpy(result.masks[result.sounding].any(axis=0))
        return cls(pixels[None], torch.tensor([max(result.probability.tolist(), default=0.0)]))


@dataclass(frozen=True)
class SwapFrame:
    """A frame under its own audio, under that of other clips, and in silence."""

    own: Active
    others: tuple[Active, ...]
    silence: Active


def draw_partners(count: int, others: int, seed: int) -> list[tuple[int, ...]]:
    """Other clips for every clip; no clip is its own partner, and each is as often a partner as any other.

    The clips are shuffled into a circle; the partners of a clip are those that come next in it.

    Args:
        count: number of clips.
        others: partners per clip, less than ``count``.
        seed: of the order.
    """
    circle = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    partners: list[tuple[int, ...]] = [()] * count
    for at, clip in enumerate(circle):
        partners[clip] = tuple(circle[(at + step) % count] for step in range(1, others + 1))
    return partners


class RepeatedAudio:
    """Reads the audio of another clip around times that may exceed its length: it starts over at its end.

    Args:
        source: the other clip.
        sample_rate: Hz.

    Times must not decrease. Windows are clipped to the ends of the audio, as those of the clip itself are.
    """

    def __init__(self, source: Source, sample_rate: int) -> None:
        self.path, self.sample_rate = audio_file(source), sample_rate
        self.duration = audio_duration(self.path)
        self._reader, self._round = AudioReader(self.path, sample_rate), 0

    def read(self, time: float, half: float) -> tuple[Tensor, float]:
        """The waveform (S,) within ``half`` seconds of ``time``, and the place of ``time`` in it in seconds.

        Raises:
            InputError: the audio cannot be decoded.
        """
        turn = int(time // self.duration) if self.duration > 0 else 0
        if turn != self._round:
            self._reader, self._round = AudioReader(self.path, self.sample_rate), turn
        within = time - turn * self.duration
        return self._reader.read(within - half, within + half), min(within, half)


@dataclass(frozen=True)
class EncodedSwap:
    """An encoded frame and its waveforms.

    Attributes:
        time: seconds in the clip.
        image: the frame.
        audio: its own audio, that of each other clip, and silence.
    """

    time: float
    image: EncodedImage
    audio: tuple[EncodedAudio, ...]


def compare(model: SeAC, source: Source, others: Sequence[Source], fps: float) -> Iterator[SwapFrame]:
    """Yield the frames of a clip under every audio; memory does not grow with the length of the clips.

    Args:
        model: its settings give windows and smoothing, as in :class:`seac.video.predictor.VideoPredictor`.
        source: the clip.
        others: clips whose audio replaces that of ``source``.
        fps: frames per second of video.

    Raises:
        InputError: a file cannot be decoded; earlier frames have been yielded.
    """
    # One tracker for each audio: it smooths the similarities of that audio.
    trackers = [Tracker(model.settings.smoothing, max_track_age(fps)) for _ in range(len(others) + 2)]
    for frame in encode(model, source, others, fps):
        image, found = frame.image, []
        for audio, tracker in zip(frame.audio, trackers, strict=True):
            tracks = tracker.track(image.proposals.masks, image.embeddings.local, frame.time)
            found.append(Active.of(model.predict(image, audio, frame.time, tracks)))
        yield SwapFrame(found[0], tuple(found[1:-1]), found[-1])


def collect_logits(
    model: SeAC, source: Source, others: Sequence[Source], fps: float, noise: Sequence[EncodedAudio]
) -> Iterator[SwapLogits]:
    """Yield the logits of the frames of a clip, for :func:`seac.decision.fit_swap.fit_swap`.

    Frames without masks, and those whose own audio is inactive, are left out; so is other audio or noise that
    is inactive, because the activity of the audio decides on it.

    Args:
        model: the model to calibrate.
        source: the clip.
        others: clips whose audio replaces that of ``source``.
        fps: frames per second of video.
        noise: waveforms without a source.

    Raises:
        InputError: a file cannot be decoded; earlier frames have been yielded.
    """
    head, association, weight = (
        model.stages.sounding_head,
        model.stages.association,
        model.settings.objectness,
    )
    for frame in encode(model, source, others, fps):
        image = frame.image

        def logits(every: Sequence[EncodedAudio], image: EncodedImage = image) -> Tensor:
            rows = [
                head(association(image.embeddings, audio.features).float().cpu(), image, audio, weight)
                for audio in every
                if not audio.summary.inactive
            ]
            return torch.stack(rows) if rows else torch.zeros(0, len(image.proposals))

        if len(image.proposals) and not frame.audio[0].summary.inactive:
            yield SwapLogits(logits(frame.audio[:1])[0], logits(frame.audio[1:-1]), logits(noise))


def encode(model: SeAC, source: Source, others: Sequence[Source], fps: float) -> Iterator[EncodedSwap]:
    """Yield the encoded frames of a clip with every audio; arguments and errors as :func:`compare`."""
    settings, sample_rate = model.settings, model.stages.audio.sample_rate
    half = settings.audio_window / 2
    own_audio = AudioReader(audio_file(source), sample_rate)
    other_audio = [RepeatedAudio(other, sample_rate) for other in others]

    def encode_frame(frame: Frame) -> EncodedImage:
        return model.encode_image(frame.image, frame.original_size)

    frames = source_frames(source, fps, settings.max_side)
    for frame, image in prefetch(frames, encode_frame, workers_of(settings.workers), pixels_of):
        middle = min(frame.time, half)
        own = own_audio.read(frame.time - half, frame.time + half)
        windows = [(own, middle)]
        windows += [audio.read(frame.time, half) for audio in other_audio]
        windows += [(torch.zeros_like(own), middle)]
        encoded = tuple(model.encode_audio(waveform, sample_rate, centre) for waveform, centre in windows)
        yield EncodedSwap(frame.time, image, encoded)
