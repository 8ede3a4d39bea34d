"""Random MIDI scores: notes, chords and rhythms, and their rendering by FluidSynth."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

TICKS = 480
"""Ticks per beat; a beat is half a second."""


@contextmanager
def rendered_score(score: bytes, font: Path) -> Iterator[Path]:
    """A WAV file of a MIDI file, rendered with a sound font; it is removed at the end of the context.

    Args:
        score: content of the MIDI file.
        font: the sound font (.sf2).

    Raises:
        subprocess.CalledProcessError: FluidSynth failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        midi, wave = Path(scratch) / "a.mid", Path(scratch) / "a.wav"
        midi.write_bytes(score)
        options = ("-ni", "-q", "-g", "0.7", "-r", "44100")
        subprocess.run(["fluidsynth", *options, "-F", wave, font, midi], check=True, capture_output=True)
        yield wave


def melody(program: int, seconds: float, random: np.random.Generator, *, drums: bool = False) -> bytes:
    """A MIDI file (format 0) of random notes on one instrument.

    Args:
        program: General MIDI program, 0 to 127.
        seconds: duration.
        random: generator for pitch, length, velocity, chords and rests.
        drums: use the drum channel instead.
    """
    channel = 9 if drums else 0
    events: list[tuple[int, bytes]] = [(0, bytes([0xC0 | channel, program]))]
    tick, end = 0, round(seconds * 2 * TICKS)
    while tick < end:
        length = round(TICKS * float(random.choice([0.2, 0.5, 1.0, 2.0, 4.0], p=[0.2, 0.3, 0.25, 0.15, 0.1])))
        velocity = int(random.integers(50, 127))
        for pitch in _pitches(random, drums=drums):
            events.append((tick, bytes([0x90 | channel, pitch, velocity])))
            events.append((tick + length, bytes([0x80 | channel, pitch, 0])))
        tick += length + (round(TICKS * float(random.exponential(0.6))) if random.random() < 0.3 else 0)
    return _file(sorted(events, key=lambda event: event[0]))


def drumming(key: int, seconds: float, random: np.random.Generator) -> bytes:
    """A MIDI file of one drum or shaker in a random rhythm that changes every few beats.

    Args:
        key: key of the drum channel, 35 to 81.
        seconds: duration.
        random: generator for tempo, rhythm and velocity.
    """
    events: list[tuple[int, bytes]] = []
    tick, end = 0, round(seconds * 2 * TICKS)
    while tick < end:
        step = round(TICKS * float(random.choice([0.17, 0.25, 0.33, 0.5, 1.0])))
        for _ in range(int(random.integers(4, 17))):
            if random.random() < 0.8:
                velocity = int(random.integers(60, 127))
                events.append((tick, bytes([0x99, key, velocity])))
                events.append((tick + step, bytes([0x89, key, 0])))
            tick += step
    return _file(sorted(events, key=lambda event: event[0]))


def _pitches(random: np.random.Generator, *, drums: bool) -> list[int]:
    """Keys of one note or of a chord."""
    if drums:
        return sorted({int(key) for key in random.integers(35, 82, size=random.integers(1, 3))})
    root = int(np.clip(random.normal(60, 12), 28, 96))
    chord = ((0,), (0, 4, 7), (0, 3, 7), (0, 12), (0, 7))[
        int(random.choice(5, p=[0.7, 0.1, 0.1, 0.05, 0.05]))
    ]
    return [root + step for step in chord]


def _file(events: list[tuple[int, bytes]]) -> bytes:
    body, now = bytearray(), 0
    for tick, message in events:
        body += _number(tick - now) + message
        now = tick
    body += b"\x00\xff\x2f\x00"
    head = b"MThd" + (6).to_bytes(4, "big") + b"\x00\x00\x00\x01" + TICKS.to_bytes(2, "big")
    return head + b"MTrk" + len(body).to_bytes(4, "big") + bytes(body)


def _number(value: int) -> bytes:
    """A number in MIDI's variable-length encoding."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(0x80 | (value & 0x7F))
    return bytes(reversed(parts))
