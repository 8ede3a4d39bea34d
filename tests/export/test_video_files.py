"""Cut-outs with alpha and videos of masks, decoded again: times, alpha, colours, values, audio."""

from __future__ import annotations

import csv
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from seac.core.errors import InputError
from seac.results.values import DecidedTrack, FrameMasks
from tests.export.sample import (
    DURATION,
    NAMES,
    SIZE,
    TIMES,
    audio_file,
    constant_rate,
    decided,
    export,
    frames,
)

AUDIBLE = 0.05


def decode(path: Path, array: str, decoder: str | None = None) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """(time, pixels) of each frame. The default decoder of VP9 drops the alpha channel."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if decoder is None:
            found = container.decode(stream)
        else:
            context = av.CodecContext.create(decoder, "r")
            found = (
                f
                for packet in container.demux(stream)
                for f in context.decode(packet if packet.size else None)
            )
        for frame in found:
            yield float(frame.pts * frame.time_base), frame.to_ndarray(format=array)


def audio_of(path: Path) -> NDArray[np.float32]:
    """(S,) float32 at 48 kHz."""
    resampler = av.AudioResampler("fltp", "mono", 48_000)
    with av.open(str(path)) as container:
        found = [
            part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)
        ]
    return np.concatenate(found)


def alpha_of(frame: FrameMasks) -> NDArray[np.bool_]:
    return frame.masks.any(axis=0) if len(frame.masks) else np.zeros(SIZE, np.bool_)


@pytest.mark.parametrize(
    ("name", "file", "decoder"), [("alpha-webm", "cutout.webm", "libvpx-vp9"), ("prores", "cutout.mov", None)]
)
def test_cut_outs_have_the_times_alpha_and_colours_of_the_source(
    name: str, file: str, decoder: str | None, tmp_path: Path
) -> None:
    given = frames()
    path = export(name, tmp_path, decided(audio_file(tmp_path))) / file
    found = list(decode(path, "rgba", decoder))
    assert [time for time, _ in found] == pytest.approx(TIMES, abs=1e-3)
    for (_, pixels), frame in zip(found, given, strict=True):
        assert pixels.shape == (*SIZE, 4)
        alpha = alpha_of(frame)
        assert ((pixels[..., 3] > 128) != alpha).mean() < 0.01
        if alpha.sum() > 20:
            assert frame.image is not None
            difference = np.abs(pixels[alpha][:, :3].astype(int) - frame.image[alpha])
            assert difference.mean() < (4 if name == "prores" else 10)
    with av.open(str(path)) as container:
        assert container.duration / av.time_base == pytest.approx(DURATION, abs=0.06)
        stream = container.streams.video[0]
        if name == "alpha-webm":
            assert {key.lower(): value for key, value in stream.metadata.items()}["alpha_mode"] == "1"
        else:
            assert stream.codec_context.codec_tag == "ap4h"
    audio = audio_of(path)
    assert len(audio) / 48_000 == pytest.approx(DURATION, abs=0.06)
    assert np.abs(audio).max() > AUDIBLE


def test_prores_of_a_constant_rate_has_that_rate(tmp_path: Path) -> None:
    path = (
        export("prores", tmp_path, decided(frame_rate=30_000 / 1001), constant_rate(8, 30_000 / 1001))
        / "cutout.mov"
    )
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == pytest.approx(30_000 / 1001, rel=1e-6)
        assert [frame.pts for frame in container.decode(stream)] == [4004 * n for n in range(8)]


def test_images_have_exact_alpha_and_the_audio_is_beside_them(tmp_path: Path) -> None:
    folder = export("alpha-png", tmp_path, decided(audio_file(tmp_path))) / "cutouts"
    with (folder / "frames.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, frame in zip(rows, frames(), strict=True):
        assert (int(row["frame"]), float(row["time"])) == (frame.index, pytest.approx(frame.time))
        pixels = np.asarray(Image.open(folder / row["file"]))
        alpha = alpha_of(frame)
        assert np.array_equal(pixels[..., 3] == 255, alpha)
        assert set(np.unique(pixels[..., 3])) <= {0, 255}
        assert frame.image is not None
        assert np.array_equal(pixels[alpha][:, :3], frame.image[alpha])
    with wave.open(str(folder / "audio.wav")) as file_:
        assert file_.getnframes() / file_.getframerate() == pytest.approx(DURATION, abs=1e-3)


@pytest.mark.parametrize("count", [3, 300])
def test_grey_values_are_tracks(count: int, tmp_path: Path) -> None:
    """With 300 tracks the values have 16 bits; track 2 has the last value."""
    more = tuple(DecidedTrack(100 + n, f"name {n}", (0, 0, 0), ()) for n in range(count - 3))
    video = decided()
    video = replace(video, tracks=(video.tracks[0], *more, video.tracks[2], video.tracks[1]))
    folder = export("mask-video", tmp_path, video)
    with (folder / "masks.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    values = {int(row["track"]): int(row["value"]) for row in rows}
    assert {row["name"] for row in rows} >= set(NAMES)
    assert values[2] == count
    found = list(decode(folder / "masks.mkv", "gray" if count < 256 else "gray16le"))
    assert [time for time, _ in found] == pytest.approx(TIMES, abs=1e-3)
    for (_, pixels), frame in zip(found, frames(), strict=True):
        known = np.zeros(SIZE, np.int64)
        for track, mask in reversed(list(zip(frame.tracks, frame.masks, strict=True))):
            known[mask] = values[int(track)]
        assert np.array_equal(pixels, known)


@pytest.mark.parametrize("name", ["alpha-webm", "prores", "alpha-png", "mask-video"])
def test_without_audio_and_without_frames(name: str, tmp_path: Path) -> None:
    export(name, tmp_path / "silent")
    assert any(path.is_file() for path in (tmp_path / "silent").rglob("*"))
    export(name, tmp_path / "empty", given=[])
    assert not [
        path for path in tmp_path.glob("empty/**/*") if path.suffix in {".webm", ".mov", ".mkv", ".png"}
    ]


def test_audio_that_cannot_be_decoded_is_said_in_one_line(tmp_path: Path) -> None:
    damaged = tmp_path / "tone.wav"
    damaged.write_bytes(b"RIFF nothing")
    with pytest.raises(InputError, match="not a readable media file"):
        export("alpha-webm", tmp_path / "out", decided(damaged))
