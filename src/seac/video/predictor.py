"""Prediction on videos: frames, audio windows, tracks and prefetching for :class:`seac.pipeline.SeAC`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from seac.core.result import FrameResult
from seac.core.types import EncodedImage
from seac.media.decode import AudioReader, Frame
from seac.media.sources import Source, resolve_source, source_frames
from seac.pipeline import SeAC
from seac.video.prefetch import prefetch, workers_of
from seac.video.tracker import Tracker, max_track_age


class VideoPredictor:
    """Streams the results of a video; memory does not grow with its length.

    Args:
        model: its ``settings`` give the audio windows of a frame, the smoothing of similarities, and the
            number of frames that are encoded concurrently.
    """

    def __init__(self, model: SeAC) -> None:
        self.model = model

    def stream(
        self, source: str | Path | Source, fps: float = 1.0, *, audio: str | Path | None = None
    ) -> Iterator[FrameResult]:
        """Results at 0, 1/fps, 2/fps, ... seconds.

        Args:
            source: a video file, an image, which is repeated for the duration of ``audio``, or an opened
                source.
            fps: frames per second of video.
            audio: an audio file in place of the video's own audio.

        Raises:
            InputError: the file is not a video, has no audio, or is truncated.
        """
        if not isinstance(source, Source):
            source = resolve_source(Path(source), Path(audio) if audio else None)
        settings, sample_rate = self.model.settings, self.model.stages.audio.sample_rate
        audio_reader = AudioReader(source.audio, sample_rate)
        tracker = Tracker(settings.smoothing, max_track_age(fps))
        half = settings.audio_window / 2
        frames = source_frames(source, fps, settings.max_side)
        for frame, image in prefetch(frames, self._encode, workers_of(settings.workers), pixels_of):
            window = audio_reader.read(frame.time - half, frame.time + half)
            encoded = self.model.encode_audio(window, sample_rate, min(frame.time, half))
            tracks = tracker.track(image.proposals.masks, image.text_embeddings, frame.time)
            yield self.model.predict(image, encoded, frame.time, tracks)

    def _encode(self, frame: Frame) -> EncodedImage:
        return self.model.encode_image(frame.image, frame.original_size)


def pixels_of(frame: Frame) -> Tensor:
    """Image of a frame; all frames of a still image share one tensor object."""
    return frame.image
