"""What a player shows: the result of a job as JSON values, and a decision about it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seac.classify.prompts import MeanEncoder
from seac.jobs.decide import store_decision
from seac.jobs.words import text_encoder, with_words
from seac.results.captions import step_captions
from seac.results.decide import DecideOptions, decide, track_names
from seac.results.decision_file import DecisionRecord, read_decision
from seac.results.palette import colour
from seac.results.reader import VideoResult, open_result
from seac.results.values import STEP, DecidedVideo, StoredTrack
from seac.serve.evidence import evidence_values, found_values
from seac.serve.job_store import Job

NAMES = 5
"""Names that are given for each track, likeliest first."""
MAX_OPEN = 4
"""Results that are held open."""


class TextEncoders:
    """Text encoders of results, each loaded once."""

    def __init__(self, weights_dir: Path | None) -> None:
        self._weights_dir, self._lock = weights_dir, threading.Lock()
        self._loaded: dict[str, MeanEncoder] = {}

    def of(self, result: VideoResult) -> MeanEncoder:
        """The text encoder of a result.

        Raises:
            InputError: it cannot be loaded.
        """
        key = repr([result.settings.get(name) for name in ("preset", "parts")])
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = text_encoder(result, self._weights_dir)
            return self._loaded[key]


class Results:
    """The results of jobs; the last few stay open.

    Args:
        weights_dir: folder of local weights, for text encoders.
    """

    def __init__(self, weights_dir: Path | None) -> None:
        self._encoders, self._lock = TextEncoders(weights_dir), threading.Lock()
        self._opened: OrderedDict[str, VideoResult] = OrderedDict()

    def open(self, job: Job) -> VideoResult:
        """The result of a finished job, with its video where the server has it.

        Raises:
            InputError: it is damaged.
        """
        with self._lock:
            if job.id not in self._opened:
                result = open_result(job.folder)
                info, source = result.info, str(job.source)
                audio = source if info.audio == info.source else info.audio
                self._opened[job.id] = replace(result, info=replace(info, source=source, audio=audio))
                while len(self._opened) > MAX_OPEN:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(job.id)
            return self._opened[job.id]

    def forget(self, job: str) -> None:
        """Close a result."""
        with self._lock:
            self._opened.pop(job, None)

    def options(self, result: VideoResult, record: DecisionRecord) -> DecideOptions:
        """The options of a decision.

        Raises:
            InputError: a value is out of range.
        """
        return with_words(result, record, lambda: self._encoders.of(result))

    def decide(self, job: Job, record: DecisionRecord) -> dict[str, Any]:
        """Decide about a result, and keep the decision in its folder.

        Raises:
            InputError: an option is out of range, or names a track that is not there.
        """
        result = self.open(job)
        options = self.options(result, record)
        with self._lock:
            video = decide(result, options)
            store_decision(result, record)
        return decision_values(record, video) | choice_values(result, options)

    def evidence(self, job: Job) -> dict[str, Any]:
        """What a decision about a result is made from, see :func:`seac.serve.evidence.evidence_values`.

        Raises:
            InputError: the result is damaged.
        """
        result = self.open(job)
        with self._lock:
            return evidence_values(result)

    def describe(self, job: Job) -> dict[str, Any]:
        """What a player needs to know of a result.

        Raises:
            InputError: the result or its decision is damaged.
        """
        result, record = self.open(job), read_decision(job.folder)
        options = self.options(result, record)
        with self._lock:
            video = decide(result, options)
        return {
            "id": job.id,
            "name": job.name,
            "video": video_values(result, f"/v1/jobs/{job.id}/source"),
            "step": STEP,
            "steps": len(result.steps),
            "threshold": result.threshold,
            "margin": result.margin,
            "labels": list(result.labels[1:]),
            "tracks": track_values(result, options),
            "audio": audio_values(result),
            "cuts": list(result.cuts),
            "key_frames": rounded(result.times, 3),
            **decision_values(record, video),
            **choice_values(result, options),
        }


def video_values(result: VideoResult, address: str) -> dict[str, Any]:
    """The video of a result; sizes in pixels, duration in seconds."""
    info = result.info
    return {
        "url": address,
        "width": info.original_size[1],
        "height": info.original_size[0],
        "mask_width": info.size[1],
        "mask_height": info.size[0],
        "duration": info.duration,
        "frame_rate": info.frame_rate,
        "frames": info.frames,
        "still": info.still,
        "has_audio": info.audio is not None,
    }


def track_values(result: VideoResult, options: DecideOptions) -> list[dict[str, Any]]:
    """Every track: times in seconds, its likeliest names, its probability in steps from ``first_step`` on."""
    names = track_names(result, options)
    by_track = step_probability(result)
    found = []
    for track in result.tracks:
        first, values = by_track.get(track.id, (0, np.zeros(0, np.float32)))
        found.append(
            {
                "id": track.id,
                "name": names[track.id],
                "names": likeliest_names(track, result.labels[1:]),
                "colour": list(colour(track.id)),
                "first": track.start,
                "last": track.stop,
                "first_step": first,
                "probability": rounded(values, 3),
            }
        )
    return found


def step_probability(result: VideoResult) -> dict[int, tuple[int, NDArray[np.float32]]]:
    """By track, its first step and its probability in each step from there; 0 where it has no mask."""
    steps = result.steps
    found: dict[int, dict[int, float]] = {}
    for step, (position, values) in enumerate(zip(steps.key_frame.tolist(), steps.probability, strict=True)):
        if position < 0:
            continue
        for track, value in zip(result.track_ids[position].tolist(), values.tolist(), strict=True):
            found.setdefault(track, {})[step] = value
    dense: dict[int, tuple[int, NDArray[np.float32]]] = {}
    for track, by_step in found.items():
        first, last = min(by_step), max(by_step)
        filled = np.zeros(last - first + 1, np.float32)
        filled[np.array(list(by_step)) - first] = list(by_step.values())
        dense[track] = (first, filled)
    return dense


def likeliest_names(track: StoredTrack, labels: Sequence[str]) -> list[str]:
    """The likeliest names of a track, likeliest first."""
    order = np.argsort(-track.class_scores, kind="stable")[:NAMES]
    return [labels[row] for row in order.tolist()]


def audio_values(result: VideoResult) -> dict[str, Any]:
    """The audio in steps: level in dBFS, whether it is active, and what it is."""
    steps = result.steps
    return {
        "level": rounded(steps.level, 1),
        "active": (~(steps.silent | steps.noise)).astype(int).tolist(),
        "captions": list(step_captions(steps, result.audio_labels)),
    }


def decision_values(record: DecisionRecord, video: DecidedVideo) -> dict[str, Any]:
    """A decision: when each track sounds, in seconds, and the options that led to it."""
    return {
        "decision": record.model_dump(mode="json"),
        "sounding": [
            {
                "id": track.id,
                "name": track.name,
                "colour": list(track.colour),
                "spans": [[span.start, span.stop, round(span.probability, 4)] for span in track.spans],
                "covered": list(track.covered),
            }
            for track in video.tracks
        ],
        "off_screen": [
            {"name": each.name, "start": each.span.start, "stop": each.span.stop} for each in video.off_screen
        ],
    }


def choice_values(result: VideoResult, options: DecideOptions) -> dict[str, Any]:
    """What the words of a decision choose: the name of every track, and what agrees with the phrase.

    A name that the user gave is not among them: it may be taken back.
    """
    names = track_names(result, replace(options, rename={}))
    return {
        "names": {str(track): name for track, name in names.items()},
        "found": found_values(result, options),
    }


def rounded(values: NDArray[Any], digits: int) -> list[float]:
    """An array as a list of rounded numbers."""
    return [round(value, digits) for value in values.tolist()]
