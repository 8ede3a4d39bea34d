"""One clock for all tracks: resets and leaps are closed, pauses and jitter are kept."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seac.media.clock import DISCONTINUOUS_GAP, MAX_EPOCHS, MAX_GAP, Clock
from seac.media.damage import Damage

VIDEO, AUDIO = 0, 1


@dataclass
class Packet:
    """Timestamps of a packet, in milliseconds."""

    dts: int | None
    stream_index: int = VIDEO
    duration: int | None = 40
    pts: int | None = None
    time_base: Fraction | None = Fraction(1, 1000)


def corrected(packets: list[Packet], *, discontinuous: bool = True) -> list[int | None]:
    """Their timestamps by the clock."""
    clock = Clock(discontinuous=discontinuous)
    for packet in packets:
        clock.correct(packet)
    return [packet.dts for packet in packets]


def run(start: int, count: int, stream: int = VIDEO) -> list[Packet]:
    """Packets of 40 ms one after another."""
    return [Packet(start + 40 * n, stream) for n in range(count)]


@given(st.integers(-10_000_000, 10_000_000), st.integers(1, 50), st.booleans())
def test_times_that_go_on_are_kept(start, count, discontinuous):
    packets = run(start, count)
    assert corrected(packets, discontinuous=discontinuous) == [start + 40 * n for n in range(count)]


@given(st.lists(st.tuples(st.integers(-(10**8), 10**8), st.integers(1, 20)), min_size=1, max_size=8))
def test_joined_recordings_go_on_without_gap_whatever_their_clocks(parts):
    packets = [packet for start, count in parts for packet in run(start, count)]
    times = corrected(packets)
    steps = np.diff([time for time in times if time is not None])
    assert (steps > -100).all()
    assert (steps <= 1000 * DISCONTINUOUS_GAP + 40).all()


@pytest.mark.parametrize("second", [0, 500, 4_000_000, -7_000])
def test_both_tracks_of_a_joined_recording_move_by_the_same(second):
    def part(start: int) -> list[Packet]:
        both = [*run(start, 25), *run(start + 13, 25, AUDIO)]
        return sorted(both, key=lambda packet: packet.dts)

    first, joined = part(1_000), part(second)
    apart = [packet.dts - second for packet in joined]
    corrected([*first, *joined])
    assert len({packet.dts - was for packet, was in zip(joined, apart, strict=True)}) == 1
    assert joined[0].dts == pytest.approx(2_000, abs=60)


def test_the_last_packet_of_a_part_may_come_late():
    """A demuxer gives the last frame of a recording when the first one of the next has begun."""
    audio, video = run(0, 25, AUDIO), run(0, 25)
    late = video.pop()
    corrected([*audio, *video, *(more := run(0, 3, AUDIO)), late, *(videos := run(0, 3))])
    assert late.dts == 960
    assert videos[0].dts == more[0].dts


@pytest.mark.parametrize("discontinuous", [True, False])
def test_a_pause_of_one_track_is_kept_while_the_other_goes_on(discontinuous):
    sounds = [*run(0, 10, AUDIO), *run(60_000, 10, AUDIO)]
    packets = sorted([*run(0, 2_000), *sounds], key=lambda packet: packet.dts)
    before = [packet.dts for packet in packets]
    assert corrected(packets, discontinuous=discontinuous) == before


def test_formats_with_a_continuous_clock_keep_long_pauses():
    packets = [*run(0, 5), *run(600_000, 5)]
    assert corrected(packets, discontinuous=False)[5] == 600_000
    assert corrected([*run(0, 5), *run(1000 * MAX_GAP * 30, 5)], discontinuous=False)[5] == 200


def test_one_bad_timestamp_does_not_move_the_others():
    for bad in (-5_000, 0, 3_000_000):
        packets = run(2_000, 20)
        packets[10].dts = bad
        times = corrected(packets)
        assert times[11:] == [2_000 + 40 * n for n in range(11, 20)]
        assert times[10] == pytest.approx(2_400, abs=100)


def test_equal_and_missing_timestamps_are_left_to_the_decoder():
    packets = [Packet(0), Packet(0), Packet(None), Packet(40, pts=120), Packet(None, pts=None)]
    assert corrected(packets) == [0, 0, None, 40, None]


def test_pts_move_with_dts_and_count_where_dts_is_missing():
    packets = [*run(9_000, 5), Packet(0, pts=80), Packet(None, pts=40)]
    corrected(packets)
    assert (packets[5].dts, packets[5].pts, packets[6].pts) == (9_200, 9_280, 9_240)


def test_memory_is_bounded():
    clock = Clock(discontinuous=True)
    for _ in range(10 * MAX_EPOCHS):
        for packet in run(0, 3):
            clock.correct(packet)
    assert len(clock._shifts) <= MAX_EPOCHS
    assert clock.end == pytest.approx(10 * MAX_EPOCHS * 0.12, abs=1)


def test_notes_say_what_is_damaged():
    damage = Damage()
    assert damage.notes("a.mp4") == ()
    damage.count("audio")
    damage.compare_ends(10.0, 9.8)
    assert [line.split(":")[0] for line in damage.notes("a.mp4")] == ["a.mp4 is damaged"]
    damage.compare_ends(10.0, 4.0)
    assert "ends early: its header says 10.0 s, 4.0 s are there" in damage.notes("a.mp4")[1]
