"""The decision: which tracks sound when, from stored probabilities, without a network.

A mask sounds in a step of the audio if its probability reaches the threshold and the audio is neither silent
nor noise. Masks that cover one another in a key frame are one thing and its parts
(:mod:`seac.core.covering`): the one whose track has the most evidence over the video stands for the others,
and sounds when one of them does. Short gaps are closed, then short spans dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from seac.core.covering import COVERED, representatives
from seac.core.errors import InputError
from seac.results.captions import step_captions
from seac.results.find import Phrase, find_steps, find_tracks
from seac.results.palette import colour
from seac.results.reader import VideoResult
from seac.results.rle import overlap_shares
from seac.results.values import STEP, DecidedTrack, DecidedVideo, OffScreen, Span, StoredTrack

RGB: TypeAlias = tuple[int, int, int]
"""Red, green, blue from 0 to 255."""
TINY = 1e-7
ADDED = np.float32(1e6)
"""In place of the probability of a track that was added by hand: such a track comes before all others."""
MAX_SECONDS = 3600.0
"""Greatest minimum duration and greatest gap of a decision in seconds."""


@dataclass(frozen=True)
class Words:
    """A vocabulary that names tracks in place of that of the result.

    Attributes:
        names: K names.
        embeddings: (K, d) float32 of unit length in the text space of :attr:`StoredTrack.embedding`; None
            if all names are labels of the result, whose scores are then compared.
    """

    names: tuple[str, ...]
    embeddings: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class DecideOptions:
    """Options of a decision.

    Attributes:
        threshold: minimum probability of a sounding mask, in [0, 1]; that of the result if None.
        mute: tracks that are never shown.
        solo: tracks that alone are shown; all if empty.
        rename: names of tracks.
        colours: colours of tracks in place of their own.
        min_duration: minimum seconds of a span.
        max_gap: seconds of the longest gap that does not end a span.
        words: vocabulary in place of that of the result.
        find: only what agrees with this phrase is shown, in the image and in the audio.
        off_screen_probability: minimum probability of the class of audio without a visible source.
        off_screen_duration: minimum seconds of audio without a visible source.
        add: tracks that sound wherever they have a mask and the audio is active, before all others; added by
            a person.

    Raises:
        InputError: a value is out of range.
    """

    threshold: float | None = None
    mute: frozenset[int] = frozenset()
    solo: frozenset[int] = frozenset()
    rename: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, RGB] = field(default_factory=dict)
    min_duration: float = 0.0
    max_gap: float = 0.1
    words: Words | None = None
    find: Phrase | None = None
    off_screen_probability: float = 0.3
    off_screen_duration: float = 0.5
    add: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        for name in ("threshold", "off_screen_probability"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"{name} is {value:g}: give a probability from 0 to 1")
        for name in ("min_duration", "max_gap", "off_screen_duration"):
            value = getattr(self, name)
            if not 0 <= value <= MAX_SECONDS:
                raise InputError(f"{name} is {value:g}: give seconds from 0 to {MAX_SECONDS:g}")
        if not all(name.strip() and name.isprintable() for name in self.rename.values()):
            raise InputError("a new name is empty or not printable: give one such as 2=kettle")
        if any(not 0 <= value <= 255 for chosen in self.colours.values() for value in chosen):
            raise InputError("a colour is out of range: give red, green and blue from 0 to 255")


@dataclass(frozen=True)
class _Rows:
    """Every mask in every step: M rows, in order of steps.

    Attributes:
        step: (M,) int64.
        key_frame: (M,) int64.
        track: (M,) int64.
        probability: (M,) float32.
        sounding: (M,) bool.
    """

    step: NDArray[np.int64]
    key_frame: NDArray[np.int64]
    track: NDArray[np.int64]
    probability: NDArray[np.float32]
    sounding: NDArray[np.bool_]

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> _Rows:
        return _Rows(
            self.step[rows],
            self.key_frame[rows],
            self.track[rows],
            self.probability[rows],
            self.sounding[rows],
        )


def decide(result: VideoResult, options: DecideOptions | None = None) -> DecidedVideo:
    """Decide which tracks sound when.

    Args:
        result: from :func:`seac.open_result`.
        options: the defaults of the result if None.

    Raises:
        InputError: an option names a track that the result does not have, or the result is damaged.
    """
    options = options or DecideOptions()
    _check_tracks(result, options)
    threshold = result.threshold if options.threshold is None else options.threshold
    possible = _rows(result, min(threshold, result.threshold), options.add)
    rows = replace(possible, sounding=possible.sounding & (possible.probability >= np.float32(threshold)))
    agreeing = np.ones(len(result.steps), np.bool_)
    if options.find is not None:
        agreeing = find_steps(result.steps, options.find)
    selected = agreeing[rows.step] & np.isin(rows.track, _selected(result, options))
    candidates, shown = possible[possible.sounding & selected], rows[rows.sounding & selected]
    ranks = track_ranks(candidates.track, candidates.probability, result.threshold)
    replaced = _replaced(result, ranks, set(shown.key_frame.tolist()))
    shown = _merged(shown, replaced)
    covered: dict[int, set[int]] = {}
    for position, number in replaced:
        covered.setdefault(number, set()).add(position)
    names = track_names(result, options)
    tracks = []
    order = np.lexsort((shown.step, shown.track))
    starts = np.flatnonzero(np.diff(shown.track[order], prepend=-1))
    for part in np.split(order, starts[1:]) if len(order) else ():
        number = int(shown.track[part[0]])
        spans = _spans(result, shown.step[part], shown.probability[part], options)
        if spans:
            hidden = tuple(sorted(covered.get(number, ())))
            tracks.append(DecidedTrack(number, names[number], colour_of(number, options), spans, hidden))
    tracks.sort(key=lambda track: (track.spans[0].start, track.id))
    return DecidedVideo(
        result.info,
        tuple(tracks),
        _off_screen(result, rows, agreeing, options),
        result.steps.level,
        cuts=result.cuts,
        captions=step_captions(result.steps, result.audio_labels),
    )


def colour_of(number: int, options: DecideOptions) -> RGB:
    """The colour of a track."""
    return options.colours.get(number, colour(number))


def track_names(result: VideoResult, options: DecideOptions) -> dict[int, str]:
    """The name of every track, from its class scores over the whole track.

    Raises:
        InputError: the words are of another text encoder than the tracks.
    """
    scored = result.labels[1:]
    names = scored if options.words is None else options.words.names
    found = {}
    for track in result.tracks:
        scores = track.class_scores if options.words is None else _word_scores(track, options.words, scored)
        found[track.id] = names[int(np.argmax(scores))] if len(scores) else "sound"
    return {**found, **options.rename}


def _word_scores(track: StoredTrack, words: Words, scored: Sequence[str]) -> NDArray[np.float32]:
    if words.embeddings is None:
        return track.class_scores[[scored.index(name) for name in words.names]]
    if words.embeddings.shape[1:] != track.embedding.shape:
        raise InputError(
            f"the tracks have embeddings of {len(track.embedding)} values, the words of "
            f"{words.embeddings.shape[1]}: segment the video again with this vocabulary"
        )
    return words.embeddings @ track.embedding


def _check_tracks(result: VideoResult, options: DecideOptions) -> None:
    known = {track.id for track in result.tracks}
    for number in sorted({*options.mute, *options.solo, *options.rename, *options.add, *options.colours}):
        if number not in known:
            there = f"tracks from {min(known)} to {max(known)}" if known else "no tracks"
            raise InputError(f"track {number}: there is none in {result.folder}, it has {there}")


def _rows(result: VideoResult, threshold: float, add: frozenset[int] = frozenset()) -> _Rows:
    steps = result.steps
    counts = np.array([len(probability) for probability in steps.probability], np.int64)
    step = np.repeat(np.arange(len(steps)), counts)
    ids = [result.track_ids[number] for number in steps.key_frame.tolist() if number >= 0]
    track = np.concatenate([np.zeros(0, np.int64), *ids])
    probability = np.concatenate([np.zeros(0, np.float32), *steps.probability])
    active = ~(steps.silent | steps.noise)
    added = np.isin(track, sorted(add))
    sounding = (probability >= np.float32(threshold)) & active[step]
    sounding &= _near_likeliest(step, probability, len(steps), result.margin)
    sounding |= added & active[step]
    probability = np.where(added, ADDED, probability)
    return _Rows(step, steps.key_frame[step], track, probability, sounding)


def _near_likeliest(
    step: NDArray[np.int64], probability: NDArray[np.float32], count: int, margin: float
) -> NDArray[np.bool_]:
    """Whether the log-odds of each row are within ``margin`` of the greatest of its step: (M,) bool."""
    clipped = np.clip(probability.astype(np.float64), TINY, 1 - TINY)
    odds = np.log(clipped / (1 - clipped))
    greatest = np.full(count, -np.inf)
    np.maximum.at(greatest, step, odds)
    return np.asarray(odds >= greatest[step] - margin)


def _selected(result: VideoResult, options: DecideOptions) -> list[int]:
    """Numbers of the tracks that may be shown."""
    found = [track for track in result.tracks if track.id not in options.mute]
    if options.solo:
        found = [track for track in found if track.id in options.solo]
    if options.find is not None and found:
        agree = find_tracks(np.stack([track.class_scores for track in found]), options.find)
        found = [track for track, agrees in zip(found, agree.tolist(), strict=True) if agrees]
    return [track.id for track in found]


def _replaced(
    result: VideoResult, ranks: Mapping[int, int], positions: Collection[int]
) -> dict[tuple[int, int], int]:
    """For (position of a key frame, track) the track that stands for it there, if it is another one.

    All masks of tracks with a rank count, so that the same track stands for a thing from one key frame to the
    next even where another of its masks is likelier.

    Args:
        result: gives the key frames.
        ranks: of :func:`track_ranks`.
        positions: of key frames in which something is shown.
    """
    replaced: dict[tuple[int, int], int] = {}
    if len(ranks) < 2:
        return replaced
    for position, frame in enumerate(result.key_frames()):
        rows = [row for row, track in enumerate(frame.tracks.tolist()) if track in ranks]
        if position not in positions or len(rows) < 2:
            continue
        ids = frame.tracks[rows].tolist()
        pairs = covering(overlap_shares([frame.masks[row] for row in rows], result.info.size))
        order = sorted(range(len(rows)), key=lambda row: ranks[ids[row]])
        for row, other in representatives(order, torch.from_numpy(pairs)).items():
            if other != row:
                replaced[position, ids[row]] = ids[other]
    return replaced


def track_ranks(
    track: NDArray[np.int64], probability: NDArray[np.float32], threshold: float
) -> dict[int, int]:
    """Rank of each track by its evidence over the video, 0 for the most.

    The evidence is the sum of the probabilities that reach a threshold: about the number of steps in which
    the track sounds. Where it is equal, the greatest probability counts. As the threshold is not that of a
    decision, a higher threshold of a decision shows the same tracks or fewer.

    Args:
        track: (M,) of each mask in each step.
        probability: (M,) of the same.
        threshold: probability from which a step counts.
    """
    numbers, rows = np.unique(track, return_inverse=True)
    counted = np.where(probability >= np.float32(threshold), probability, 0)
    greatest = np.zeros(len(numbers), np.float32)
    np.maximum.at(greatest, rows, probability)
    order = np.lexsort((-greatest, -np.bincount(rows, counted, len(numbers))))
    return {int(numbers[row]): rank for rank, row in enumerate(order)}


def _merged(rows: _Rows, replaced: Mapping[tuple[int, int], int]) -> _Rows:
    """Rows with the tracks that stand for theirs; of one track in one step the likeliest row is kept."""
    track = rows.track.copy()
    pairs = zip(rows.key_frame.tolist(), rows.track.tolist(), strict=True)
    for row, pair in enumerate(pairs):
        track[row] = replaced.get(pair, pair[1])
    order = np.lexsort((-rows.probability, track, rows.step))
    step, ordered = rows.step[order], track[order]
    first = np.r_[True, (np.diff(step) != 0) | (np.diff(ordered) != 0)][: len(order)]
    return replace(rows, track=track)[order[first]]


def covering(shares: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which pairs of masks cover one another, as :func:`seac.core.covering.covering_pairs`: (N, N) bool.

    Args:
        shares: (N, N) of :func:`seac.results.rle.overlap_shares`.
    """
    pairs = np.maximum(shares, shares.T) >= COVERED
    np.fill_diagonal(pairs, val=False)
    return np.asarray(pairs)


def _spans(
    result: VideoResult, step: NDArray[np.int64], probability: NDArray[np.float32], options: DecideOptions
) -> tuple[Span, ...]:
    """The spans of a track.

    Args:
        result: gives the level and the duration.
        step: (n,) steps in which it sounds, ascending.
        probability: (n,) in these steps.
        options: least duration and gap.
    """
    spans = []
    for first, last in runs(step, _steps(options.max_gap), _steps(options.min_duration)):
        inside = slice(np.searchsorted(step, first), np.searchsorted(step, last))
        spans.append(_span(result, first, last, min(1.0, float(probability[inside].max()))))
    return tuple(spans)


def runs(step: NDArray[np.int64], max_gap: int, min_length: int) -> list[tuple[int, int]]:
    """Runs (first, last) of ascending steps, ``last`` exclusive.

    Args:
        step: (n,) int64.
        max_gap: missing steps that do not end a run.
        min_length: steps of the shortest run.
    """
    if not len(step):
        return []
    breaks = np.flatnonzero(np.diff(step) > max_gap + 1)
    first, last = step[np.r_[0, breaks + 1]], step[np.r_[breaks, len(step) - 1]] + 1
    long = last - first >= min_length
    return list(zip(first[long].tolist(), last[long].tolist(), strict=True))


def _span(result: VideoResult, first: int, last: int, probability: float) -> Span:
    duration = result.info.duration
    stop = round(last * STEP, 6)
    if duration > first * STEP:  # the last step of a video may be shorter
        stop = min(stop, duration)
    return Span(round(first * STEP, 6), stop, probability, float(result.steps.level[first:last].max()))


def _steps(seconds: float) -> int:
    """Steps of at least so many seconds; a gap of .1 s is one step."""
    return int(np.ceil(seconds / STEP - 1e-6))


def _off_screen(
    result: VideoResult, rows: _Rows, agreeing: NDArray[np.bool_], options: DecideOptions
) -> tuple[OffScreen, ...]:
    """Audio with a probable class during which no track sounds, muted ones included.

    Args:
        result: gives the audio.
        rows: every mask in every step.
        agreeing: (S,) steps in which the audio is what is looked for.
        options: least probability, duration and gap.
    """
    steps = result.steps
    if not steps.sources.shape[1]:
        return ()
    visible = np.zeros(len(steps), np.bool_)
    visible[rows.step[rows.sounding]] = True
    likely = (steps.sources[:, 0] >= 0) & (steps.source_probabilities[:, 0] >= options.off_screen_probability)
    free = likely & agreeing & ~(visible | steps.silent | steps.noise)
    found = []
    length = _steps(options.off_screen_duration)
    for source in np.unique(steps.sources[free, 0]).tolist():
        step = np.flatnonzero(free & (steps.sources[:, 0] == source))
        for first, last in runs(step, _steps(options.max_gap), length):
            probability = float(steps.source_probabilities[first:last, 0].max())
            found.append(OffScreen(result.audio_labels[source], _span(result, first, last, probability)))
    return tuple(sorted(found, key=lambda each: (each.span.start, each.name)))
