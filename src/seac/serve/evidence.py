"""What a decision is made from, as JSON: with the rules of :mod:`seac.results.decide` a client decides alike.

Probabilities are written with all digits of float32, and pairs of masks that cover one another are given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seac.results.decide import DecideOptions, covering
from seac.results.find import find_steps, find_tracks
from seac.results.reader import VideoResult
from seac.results.rle import overlap_shares


def evidence_values(result: VideoResult) -> dict[str, Any]:
    """Key frames with their tracks and covering masks, and the probabilities of every step.

    Args:
        result: from :func:`seac.open_result`.

    Raises:
        InputError: the result is damaged.
    """
    steps = result.steps
    return {
        "threshold": _exact(np.float32(result.threshold)),
        "margin": result.margin,
        "key_frames": {
            "times": [round(time, 6) for time in result.times.tolist()],
            "tracks": [ids.tolist() for ids in result.track_ids],
            "covering": _covering(result),
        },
        "steps": {
            "key_frame": steps.key_frame.tolist(),
            "probability": [[_exact(value) for value in row] for row in steps.probability],
            "active": (~(steps.silent | steps.noise)).tolist(),
        },
    }


def found_values(result: VideoResult, options: DecideOptions) -> dict[str, Any] | None:
    """Tracks and runs of steps (first, last exclusive) that agree with the phrase; None without a phrase.

    Args:
        result: from :func:`seac.open_result`.
        options: of a decision.
    """
    if options.find is None:
        return None
    tracks: list[int] = []
    if result.tracks:
        agree = find_tracks(np.stack([track.class_scores for track in result.tracks]), options.find)
        tracks = [track.id for track, agrees in zip(result.tracks, agree.tolist(), strict=True) if agrees]
    return {"tracks": tracks, "steps": _runs(find_steps(result.steps, options.find))}


def _runs(values: NDArray[np.bool_]) -> list[list[int]]:
    """First and last (exclusive) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.r_[False, values, False].astype(np.int8)))
    return [[int(first), int(last)] for first, last in edges.reshape(-1, 2).tolist()]


def _covering(result: VideoResult) -> list[list[int]]:
    """Pairs of masks that cover one another in each key frame, as rows a, b, a, b, ... of its masks."""
    found = []
    for frame in result.key_frames():
        pairs = covering(overlap_shares(frame.masks, result.info.size))
        found.append(np.argwhere(np.triu(pairs)).ravel().tolist())
    return found


def _exact(value: np.float32) -> float:
    """The shortest number that is read back as the same float32."""
    return float(str(value))
