"""Films with a flash and a beep, whose tracks begin late, have holes, or change on the way."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 48_000
FPS = 10
SECONDS = 6


def flash_and_beep(
    path: Path,
    at: float,
    *,
    picture_from: float = 0.0,
    sound_from: float = 0.0,
    hole: tuple[float, float] = (0, 0),
) -> Path:
    """Six seconds in which a flash is seen and a beep is heard for half a second from ``at`` on.

    Tracks begin where they are said to; sound packets of ``hole`` are missing.
    """
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=FPS)
        picture.width, picture.height, picture.pix_fmt = 48, 32, "yuv420p"
        picture.options = {"bf": "0"}
        sound = container.add_stream("aac", rate=RATE, layout="mono")
        packets = []
        for number in range(round(picture_from * FPS), SECONDS * FPS):
            grey = 235 if at <= number / FPS < at + 0.5 else 30
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), grey, np.uint8), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            packets += picture.encode(frame)
        packets += picture.encode(None)
        time = np.arange(round(sound_from * RATE), SECONDS * RATE) / RATE
        wave = np.where((at <= time) & (time < at + 0.5), 0.4 * np.sin(2 * np.pi * 440 * time), 0)
        spoken = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), "fltp", "mono")
        spoken.sample_rate, spoken.pts, spoken.time_base = RATE, round(sound_from * RATE), Fraction(1, RATE)
        for packet in [*sound.encode(spoken), *sound.encode(None)]:
            if packet.pts is None or not hole[0] <= packet.pts * packet.time_base < hole[1]:
                packets.append(packet)
        for packet in sorted((p for p in packets if p.dts is not None), key=lambda p: p.dts * p.time_base):
            container.mux(packet)
    return path


def aac(layout: str, rate: int, seconds: float) -> bytes:
    """A tone as a stream of AAC that may be joined with others."""
    file = io.BytesIO()
    time = np.arange(round(seconds * rate)) / rate
    wave = (0.4 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    with av.open(file, "w", format="adts") as container:
        stream = container.add_stream("aac", rate=rate, layout=layout)
        channels = np.tile(wave, (len(stream.layout.channels), 1))
        frame = av.AudioFrame.from_ndarray(channels, "fltp", layout)
        frame.sample_rate = rate
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return file.getvalue()


def seen(images: list[np.ndarray], fps: float) -> float:
    """Seconds at which the first bright picture is shown."""
    return next(number for number, image in enumerate(images) if image.mean() > 128) / fps


def heard(waveform: np.ndarray, rate: int) -> float:
    """Seconds at which (S,) is first loud."""
    return float(np.argmax(np.abs(waveform) > 0.1)) / rate
