"""The decision from stored probabilities: its properties, and a slow reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.core.covering import covering_pairs
from seac.core.errors import InputError
from seac.results.decide import DecideOptions, Words, covering, decide, runs
from seac.results.find import Phrase, find_steps, find_tracks
from seac.results.palette import colour
from seac.results.reader import VideoResult, open_result
from seac.results.rle import decode_rle, encode_rle, overlap_shares
from seac.results.values import STEP, DecidedVideo
from tests.results.synthetic import LABELS, SIZE, make_key_frame, make_masks, make_values, write_result

NO_GAP = {"max_gap": 0.0}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[VideoResult]:
    folder = tmp_path_factory.mktemp("results")
    return [
        open_result(write_result(folder / str(seed), make_values(seed, frames, 6)))
        for seed, frames in ((0, 8), (1, 20), (2, 3), (3, 0))
    ]


def sounding_steps(video: DecidedVideo) -> dict[int, set[int]]:
    """Steps in the spans of each track."""
    return {
        track.id: {
            step
            for span in track.spans
            for step in range(round(span.start / STEP), int(np.ceil(span.stop / STEP - 1e-6)))
        }
        for track in video.tracks
    }


def reference(result: VideoResult, threshold: float, tracks: set[int]) -> dict[int, set[int]]:
    """Steps in which each of ``tracks`` sounds, mask by mask and step by step."""
    steps = result.steps
    frames = list(result.key_frames())
    values: dict[int, list[float]] = {}
    for step, position in enumerate(steps.key_frame.tolist()):
        for row, track in enumerate(frames[position].tracks.tolist() if position >= 0 else ()):
            value = steps.probability[step][row]
            active = not steps.silent[step] and not steps.noise[step]
            if track in tracks and active and value >= np.float32(min(threshold, result.threshold)):
                values.setdefault(track, []).append(float(value))
    level = np.float32(result.threshold)
    rank = sorted(sorted(values), key=lambda t: (-sum(v for v in values[t] if v >= level), -max(values[t])))
    found: dict[int, set[int]] = {}
    for position, frame in enumerate(frames):
        paired = [
            step
            for step in np.flatnonzero(steps.key_frame == position).tolist()
            if not steps.silent[step] and not steps.noise[step]
        ]
        masks = dict(zip(frame.tracks.tolist(), decode_rle(frame.masks, result.info.size), strict=True))
        kept: list[int] = []
        for track in [track for track in rank if track in masks]:
            joint = [(masks[track] & masks[other]).sum() for other in kept]
            least = [min(masks[track].sum(), masks[other].sum()) for other in kept]
            inside = [j >= 0.8 * k and k > 0 for j, k in zip(joint, least, strict=True)]
            kept += [] if any(inside) else [track]
            shown = kept[inside.index(True)] if any(inside) else track
            row = frame.tracks.tolist().index(track)
            for step in paired:
                if steps.probability[step][row] >= np.float32(threshold):
                    found.setdefault(shown, set()).add(step)
    return found


OPTIONS = st.builds(
    DecideOptions,
    threshold=st.none() | st.floats(0, 1),
    mute=st.frozensets(st.integers(0, 5), max_size=3),
    solo=st.frozensets(st.integers(0, 5), max_size=3),
    rename=st.dictionaries(st.integers(0, 5), st.just("kettle"), max_size=2),
    min_duration=st.floats(0, 1),
    max_gap=st.floats(0, 1),
)
WHICH = st.integers(0, 3)


@settings(max_examples=60)
@given(which=WHICH, options=OPTIONS)
def test_spans_are_sorted_disjoint_and_long_enough(
    results: list[VideoResult], which: int, options: DecideOptions
) -> None:
    result = results[which]
    video = decide(result, options)
    assert [track.spans[0].start for track in video.tracks] == sorted(
        track.spans[0].start for track in video.tracks
    )
    for track in video.tracks:
        assert track.id not in options.mute
        assert not options.solo or track.id in options.solo
        assert track.colour == colour(track.id)
        assert track.name == options.rename.get(track.id, track.name)
        assert list(track.covered) == sorted(set(track.covered))
        previous = -1.0
        for span in track.spans:
            assert previous + options.max_gap < span.start + 1e-6
            assert span.start < span.stop <= result.info.duration + 1e-9
            assert span.stop - span.start >= options.min_duration - 1e-6
            assert span.probability >= np.float32(options.threshold or 0)
            previous = span.stop


@settings(max_examples=40)
@given(which=WHICH, threshold=st.floats(0, 1), mute=st.frozensets(st.integers(0, 5), max_size=3))
def test_a_slow_reference_agrees(
    results: list[VideoResult], which: int, threshold: float, mute: frozenset[int]
) -> None:
    result = results[which]
    video = decide(result, DecideOptions(threshold=threshold, mute=mute, **NO_GAP))
    expected = reference(result, threshold, {track.id for track in result.tracks} - mute)
    assert sounding_steps(video) == expected


def test_one_track_stands_for_a_thing_whose_masks_take_turns(tmp_path: Path) -> None:
    frames, steps, tracks = make_values(0, 6, 2)
    masks = np.zeros((2, *SIZE), bool)
    masks[0, 2:20, 2:20] = masks[1, 2:20, 2:18] = True
    rng = np.random.default_rng(0)
    frames = [
        replace(make_key_frame(rng, each.index, each.time, np.arange(2)), masks=encode_rle(masks), cut=False)
        for each in frames
    ]
    values = ([0.95, 0.02], [0.02, 0.9])
    active = np.zeros(len(steps), np.bool_)
    steps = replace(
        steps,
        silent=active,
        noise=active,
        probability=tuple(np.array(values[frame % 2], np.float32) for frame in steps.key_frame.tolist()),
    )
    (track,) = decide(open_result(write_result(tmp_path, (frames, steps, tracks)))).tracks
    assert track.id == 0
    assert track.covered == ()
    assert [(span.start, span.stop) for span in track.spans] == [(0.0, len(steps) * STEP)]


@settings(max_examples=60)
@given(which=WHICH, options=OPTIONS, higher=st.floats(0, 1))
def test_a_higher_threshold_never_adds(
    results: list[VideoResult], which: int, options: DecideOptions, higher: float
) -> None:
    low, high = sorted((options.threshold or 0.0, higher))
    more = sounding_steps(decide(results[which], replace(options, threshold=low)))
    fewer = sounding_steps(decide(results[which], replace(options, threshold=high)))
    for track, steps in fewer.items():
        assert steps <= more[track]


@settings(max_examples=30)
@given(which=WHICH, options=OPTIONS)
def test_a_longer_duration_never_adds(results: list[VideoResult], which: int, options: DecideOptions) -> None:
    more = sounding_steps(decide(results[which], replace(options, min_duration=0.0)))
    for track, steps in sounding_steps(decide(results[which], options)).items():
        assert steps <= more[track]


@settings(max_examples=100)
@given(steps=st.sets(st.integers(0, 60)), gap=st.integers(0, 5), least=st.integers(0, 5))
def test_runs_close_gaps_and_drop_what_is_short(steps: set[int], gap: int, least: int) -> None:
    found = runs(np.array(sorted(steps), np.int64), gap, least)
    closed = set(steps)
    for first, last in zip(sorted(steps)[:-1], sorted(steps)[1:], strict=True):
        if last - first - 1 <= gap:
            closed |= set(range(first, last))
    parts: list[list[int]] = []
    for step in sorted(closed):
        if parts and parts[-1][-1] == step - 1:
            parts[-1].append(step)
        else:
            parts.append([step])
    assert found == [(part[0], part[-1] + 1) for part in parts if len(part) >= least]


@settings(max_examples=40)
@given(seed=st.integers(0, 1000), count=st.integers(0, 8))
def test_masks_cover_one_another_in_code_as_in_pixels(seed: int, count: int) -> None:
    masks = make_masks(np.random.default_rng(seed), count) & True
    masks[: count // 4] = False
    expected = covering_pairs(torch.from_numpy(masks), stride=1).numpy()
    np.testing.assert_array_equal(covering(overlap_shares(encode_rle(masks), masks.shape[1:])), expected)


class TestNames:
    def test_the_class_scores_of_the_whole_track_name_it(self, results: list[VideoResult]) -> None:
        scores = {track.id: track.class_scores for track in results[1].tracks}
        for track in decide(results[1]).tracks:
            assert track.name == LABELS[1 + int(scores[track.id].argmax())]

    def test_known_words_compare_their_scores(self, results: list[VideoResult]) -> None:
        scores = {track.id: track.class_scores for track in results[1].tracks}
        for track in decide(results[1], DecideOptions(words=Words(("piano", "dog")))).tracks:
            assert track.name == ("piano" if scores[track.id][2] > scores[track.id][0] else "dog")

    def test_new_words_compare_embeddings(self, results: list[VideoResult]) -> None:
        embeddings = {track.id: track.embedding for track in results[1].tracks}
        words = Words(("kettle", "drum"), np.eye(2, 8, dtype=np.float32))
        for track in decide(results[1], DecideOptions(words=words)).tracks:
            assert track.name == words.names[int(embeddings[track.id][:2].argmax())]
        with pytest.raises(InputError, match="segment the video again"):
            decide(results[1], DecideOptions(words=Words(("kettle",), np.ones((1, 3), np.float32))))


class TestFind:
    def test_image_and_audio_must_agree(self, results: list[VideoResult]) -> None:
        result, names = results[1], np.array([1, -1, -1], np.float32)
        everything = sounding_steps(decide(result, DecideOptions(**NO_GAP)))
        dogs = find_tracks(
            np.stack([track.class_scores for track in result.tracks]), Phrase("", names, np.zeros(4))
        )
        for number in range(4):
            audio = np.full(4, -1, np.float32)
            audio[number] = 1
            phrase = Phrase("a dog", names, audio)
            steps = set(np.flatnonzero(find_steps(result.steps, phrase)).tolist())
            found = decide(result, DecideOptions(find=phrase, **NO_GAP))
            for track, sounding in sounding_steps(found).items():
                assert dogs[track]
                assert sounding <= steps
                assert sounding <= everything.get(track, set()) or len(found.tracks) < len(everything)
            for other in found.off_screen:
                assert {round(other.span.start / STEP), round(other.span.stop / STEP) - 1} <= steps


class TestOffScreen:
    def test_it_is_audio_in_which_no_track_sounds(self, results: list[VideoResult]) -> None:
        options = DecideOptions(threshold=1.0, off_screen_duration=0.0, off_screen_probability=0.5, **NO_GAP)
        steps = results[1].steps
        found = decide(results[1], options).off_screen
        assert found
        inside = set()
        for each in found:
            for step in range(round(each.span.start / STEP), round(each.span.stop / STEP)):
                assert not steps.silent[step]
                assert not steps.noise[step]
                assert results[1].audio_labels[steps.sources[step, 0]] == each.name
                inside.add(step)
        likely = (steps.source_probabilities[:, 0] >= 0.5) & ~steps.silent & ~steps.noise
        visible = [max(values, default=0) >= 1 for values in steps.probability]
        assert inside == set(np.flatnonzero(likely & ~np.array(visible)).tolist())

    def test_a_muted_track_does_not_move_off_screen(self, results: list[VideoResult]) -> None:
        everything = frozenset(track.id for track in results[1].tracks)
        muted = decide(results[1], DecideOptions(mute=everything))
        assert muted.tracks == ()
        assert muted.off_screen == decide(results[1]).off_screen


def test_options_that_cannot_be(results: list[VideoResult]) -> None:
    for options in ({"threshold": 1.5}, {"min_duration": -1}, {"max_gap": float("nan")}, {"rename": {1: ""}}):
        with pytest.raises(InputError):
            DecideOptions(**options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="track 99: there is none"):
        decide(results[0], DecideOptions(mute=frozenset({99})))
    with pytest.raises(InputError, match="it has tracks from 0 to 5"):
        decide(results[0], DecideOptions(rename={-1: "kettle"}))


def test_a_result_without_tracks(tmp_path: Path) -> None:
    video = decide(open_result(write_result(tmp_path, make_values(0, 4, 0))))
    assert video.tracks == ()
    assert len(video.captions) == len(video.level) == 20


def test_an_added_track_sounds_wherever_it_has_a_mask_and_the_audio_is_active(
    results: list[VideoResult],
) -> None:
    for result in results:
        steps = result.steps
        for track in result.tracks:
            expected = {
                step
                for step, position in enumerate(steps.key_frame.tolist())
                if position >= 0 and track.id in result.track_ids[position]
                if not steps.silent[step] and not steps.noise[step]
            }
            video = decide(result, DecideOptions(threshold=1.0, add=frozenset({track.id}), **NO_GAP))
            assert sounding_steps(video).get(track.id, set()) == expected


def test_a_muted_track_is_not_shown_though_it_was_added(results: list[VideoResult]) -> None:
    (first, *_), chosen = results[0].tracks, frozenset({results[0].tracks[0].id})
    video = decide(results[0], DecideOptions(add=chosen, mute=chosen))
    assert first.id not in {track.id for track in video.tracks}


def test_a_colour_replaces_that_of_the_palette(results: list[VideoResult]) -> None:
    chosen = decide(results[0]).tracks[0].id
    video = decide(results[0], DecideOptions(colours={chosen: (1, 2, 3)}))
    for track in video.tracks:
        assert track.colour == ((1, 2, 3) if track.id == chosen else colour(track.id))
    with pytest.raises(InputError, match="colour"):
        DecideOptions(colours={chosen: (1, 2, 300)})
