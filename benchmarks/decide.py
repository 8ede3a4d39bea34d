"""CPU time of ``seac decide`` against ``seac segment``, and the size of what a result keeps.

    python -m benchmarks.decide demo/clip.mp4 CLIP... --document docs/decide.md

CPU time is hardly affected by other load on the machine. The size of an hour is that of a synthetic hour with
as many key frames, masks and steps of the audio as the options say, and masks of the first clip.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import publish
from benchmarks.tables import machine, table
from seac.jobs.decide import DecideJob, ExportJob, decide_folder, export_folder
from seac.jobs.segment import SegmentJob, segment_all
from seac.media.sources import resolve_source
from seac.results.reader import VideoResult, open_result
from seac.results.schema import STORE_FILES
from seac.results.values import STEP, AudioSteps, KeyFrame, StoredTrack
from seac.results.writer import ResultWriter

HOUR = 3600.0
LIGHT = ("timeline", "csv", "events-json", "srt", "vtt")
"""Exports without the images of the source."""


@dataclass(frozen=True)
class Row:
    """Figures of a clip.

    Attributes:
        name: its file name.
        duration: seconds.
        segment: CPU seconds of ``seac segment``.
        decide: CPU seconds of ``seac decide`` with the same exports.
        light: CPU seconds of the exports without images.
        size: bytes of the store.
    """

    name: str
    duration: float
    segment: float
    decide: float
    light: float
    size: int


def cpu_seconds(work: Callable[..., Any], *given: Any) -> float:
    """CPU seconds of a call, of all threads."""
    began = time.process_time()
    work(*given)
    return time.process_time() - began


def store_size(folder: Path) -> int:
    """Bytes of the store of a result folder."""
    return sum((folder / name).stat().st_size for name in STORE_FILES)


def measure(clip: Path, out: Path) -> Row:
    """Segment a clip, decide again, and write the exports that need no images."""
    segment = cpu_seconds(segment_all, SegmentJob(str(clip), out))
    decide = cpu_seconds(decide_folder, DecideJob(out))
    light = cpu_seconds(export_folder, ExportJob(out, LIGHT, out / "light"))
    return Row(clip.name, resolve_source(clip).duration, segment, decide, light, store_size(out))


def write_hour(
    folder: Path, result: VideoResult, masks: int, rate: float, tracks: int, seconds: float = HOUR
) -> None:
    """Write a synthetic result with the masks and embeddings of another one, in random order.

    Args:
        folder: the result folder.
        result: gives masks, labels and sizes.
        masks: masks of a key frame.
        rate: key frames per second.
        tracks: number of tracks.
        seconds: duration.
    """
    rng = np.random.default_rng(0)
    codes = [code for frame in islice(result.key_frames(), 50) for code in frame.masks]
    dim, classes = len(result.tracks[0].embedding), len(result.labels) - 1
    count = round(seconds * rate)
    with ResultWriter(
        folder,
        replace(result.info, duration=seconds, frames=round(seconds * result.info.frame_rate)),
        result.labels,
        result.audio_labels,
        threshold=result.threshold,
        settings=result.settings,
        provenance=result.provenance,
    ) as writer:
        per_frame = round(1 / (rate * STEP))
        for number in range(count):
            ids = np.sort(rng.choice(tracks, masks, replace=False))
            writer.add_key_frame(random_key_frame(rng, codes, number, rate, ids, classes))
            writer.add_steps(random_steps(rng, number, per_frame, masks, len(result.audio_labels)))
        for number in range(tracks):
            embedding = rng.normal(size=dim).astype(np.float32)
            scores = rng.dirichlet(np.full(classes, 0.1)).astype(np.float32)
            writer.add_track(StoredTrack(number, 0.0, seconds, embedding / np.linalg.norm(embedding), scores))
        writer.close()


def random_key_frame(
    rng: np.random.Generator,
    codes: Sequence[bytes],
    number: int,
    rate: float,
    tracks: np.ndarray[Any, np.dtype[np.int64]],
    classes: int,
) -> KeyFrame:
    """A key frame with masks of others and random values."""
    count = len(tracks)
    scores, similarity, probability = rng.uniform(size=(3, count)).astype(np.float32)
    return KeyFrame(
        index=number,
        time=number / rate,
        cut=False,
        masks=tuple(codes[row] for row in rng.integers(len(codes), size=count)),
        boxes=rng.integers(0, 448, (count, 4)).astype(np.float32),
        scores=scores,
        similarity=similarity,
        probability=probability,
        tracks=tracks.astype(np.int64),
        classes=rng.integers(0, classes, count),
    )


def random_steps(
    rng: np.random.Generator, key_frame: int, steps: int, masks: int, classes: int
) -> AudioSteps:
    """Steps of one key frame with random values."""
    return AudioSteps(
        level=rng.uniform(-60, 0, steps).astype(np.float32),
        silent=np.zeros(steps, np.bool_),
        noise=np.zeros(steps, np.bool_),
        sources=rng.integers(0, classes, (steps, 3)),
        source_probabilities=rng.uniform(size=(steps, 3)).astype(np.float32),
        key_frame=np.full(steps, key_frame),
        probability=tuple(rng.uniform(size=masks).astype(np.float32) for _ in range(steps)),
    )


def report(rows: Sequence[Row], hour: int, open_seconds: float, options: argparse.Namespace) -> list[str]:
    """Lines of the section of the page."""
    lines = table(
        (
            "clip",
            "seconds",
            "segment, CPU s",
            "decide, CPU s",
            "ratio",
            "without overlay, CPU s",
            "store, kB",
        ),
        [
            (
                row.name,
                f"{row.duration:.1f}",
                f"{row.segment:.1f}",
                f"{row.decide:.1f}",
                f"{row.segment / row.decide:.1f}",
                f"{row.light:.2f}",
                f"{row.size / 1000:.0f}",
            )
            for row in rows
        ],
    )
    text = (
        f"A synthetic hour with {options.masks} masks a key frame, {options.rate:g} key frames and "
        f"{1 / STEP:.0f} steps of the audio a second, and {options.tracks} tracks takes {hour / 1e6:.0f} MB; "
        f"opening it takes {open_seconds:.1f} CPU seconds. Machine: {machine()}."
    )
    return [*lines, "", text]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--document", type=Path)
    parser.add_argument("--masks", type=int, default=20)
    parser.add_argument("--rate", type=float, default=2.0)
    parser.add_argument("--tracks", type=int, default=4000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        rows = [measure(clip, Path(scratch) / str(number)) for number, clip in enumerate(options.clips)]
        first, hour = open_result(Path(scratch) / "0"), Path(scratch) / "hour"
        write_hour(hour, first, options.masks, options.rate, options.tracks)
        lines = report(rows, store_size(hour), cpu_seconds(open_result, hour), options)
    publish(lines, options.document, "decide")


if __name__ == "__main__":
    main()
