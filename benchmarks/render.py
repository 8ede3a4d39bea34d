"""Cost of the overlay by stage, and quality of the masks between key frames against the cost of the flow.

    python -m benchmarks.render [--seconds 20] [--scenes 3] [--write docs/video.md]

Videos are synthetic: two cut-outs of photographs move, turn and grow over a panning photograph, so that the
masks of every frame are known. Milliseconds are CPU time of all threads.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from skimage import data

from benchmarks.tables import machine, replace_section, table
from seac.export.draw import Drawing, draw
from seac.media.encode import VideoWriter
from seac.media.presentation import timed_frames
from seac.results.palette import colour
from seac.results.rle import encode_rle
from seac.results.values import (
    STEP,
    AudioSteps,
    DecidedTrack,
    DecidedVideo,
    FrameMasks,
    KeyFrame,
    Span,
    VideoInfo,
)
from seac.video.flow import DEFAULT_FLOW, DenseFlow, FlowSettings, residual
from seac.video.propagation import KeyMasks, Propagation, SizedFrame
from seac.video.render import every_frame

SIZE = (256, 448)
FPS = 25
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
TRACKS = (0, 1)
PRESETS = (("ultrafast", 2), ("ultrafast", 1), ("fast", 2), ("fast", 1), ("medium", 1))
SIDES = (224, 320, 384, 448)
MAX_CPU = 20.0
"""Milliseconds per frame that the overlay may take."""


@dataclass(frozen=True)
class Cutout:
    """A part of a photograph that moves.

    Attributes:
        image: RGBA; the alpha channel is its shape.
        centre: (x, y) in the middle of the video, in pixels.
        speed: (x, y) in pixels per frame.
        turn: radians per frame.
        growth: natural logarithm of its growth per frame.
    """

    image: Image.Image
    centre: NDArray[np.float64]
    speed: NDArray[np.float64]
    turn: float
    growth: float

    def place(self, moment: float) -> Image.Image:
        """The cut-out ``moment`` frames after the middle of the video, on a transparent frame."""
        wave = 3 * np.array([np.sin(moment / 5), np.cos(moment / 4)])
        x, y = self.centre + self.speed * moment + wave
        scale = float(np.exp(-self.growth * moment))
        cos, sin = scale * np.cos(self.turn * moment), scale * np.sin(self.turn * moment)
        middle = self.image.width / 2
        matrix = (cos, sin, middle - cos * x - sin * y, -sin, cos, middle + sin * x - cos * y)
        return self.image.transform(SIZE[::-1], Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def photograph(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """A photograph of scikit-image, which is installed with it."""
    pixels = getattr(data, PHOTOGRAPHS[rng.integers(len(PHOTOGRAPHS))])()
    return Image.fromarray(pixels).convert("RGB").resize((width, height), Image.Resampling.BOX)


def make_cutout(rng: np.random.Generator) -> Cutout:
    """A cut-out of random shape, position and motion."""
    angle = np.linspace(0, 2 * np.pi, 100)
    waves = sum(rng.normal() * np.cos(k * angle + rng.uniform(0, 6.28)) / k for k in (2, 3, 4))
    radius = rng.uniform(18, 50) * (1 + 0.17 * waves)
    image, shape = photograph(rng, 256, 256), Image.new("L", (256, 256))
    outline = np.stack([128 + radius * np.cos(angle), 128 + radius * np.sin(angle)], 1)
    ImageDraw.Draw(shape).polygon([(float(x), float(y)) for x, y in outline], fill=255)
    image.putalpha(shape)
    centre = rng.uniform([100, 70], [SIZE[1] - 100, SIZE[0] - 70])
    speed, turn, growth = rng.normal(0, 3, 2), rng.normal(0, 0.02), rng.normal(0, 0.006)
    return Cutout(image, centre, speed, turn, growth)


def make_scene(seed: int, count: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
    """Frames (H, W, 3) uint8 and masks (2, H, W) bool of a video."""
    rng = np.random.default_rng(seed)
    ground = photograph(rng, SIZE[1] + 160, SIZE[0] + 100)
    cutouts = [make_cutout(rng) for _ in TRACKS]
    pan = rng.uniform(-2, 2, 2)
    for number in range(count):
        # A longer video goes to and fro, so that nothing leaves the frame.
        moment = float(np.abs((number + 13) % 52 - 26) - 13)
        x, y = np.array([80, 50]) + pan * moment
        frame = ground.transform(
            SIZE[::-1], Image.Transform.AFFINE, (1, 0, x, 0, 1, y), Image.Resampling.BILINEAR
        )
        masks: list[NDArray[np.bool_]] = []
        for cutout in cutouts:
            layer = cutout.place(moment)
            frame.paste(layer, (0, 0), layer)
            shape = np.asarray(layer.getchannel("A")) > 127
            masks = [*(mask & ~shape for mask in masks), shape]
        noise = rng.normal(0, 2, (*SIZE, 3))
        yield np.clip(np.asarray(frame) + noise, 0, 255).astype(np.uint8), np.stack(masks)


class AllTracks:
    """Shows both cut-outs at all times."""

    def at(self, time: float) -> list[int]:
        """Both."""
        return [*TRACKS]

    def during(self, start: float, stop: float) -> set[int]:
        """Both."""
        return {*TRACKS}


def overlap(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((mask & other).sum() / max(1, (mask | other).sum()))


def measure_flow(
    scenes: list[list[tuple[NDArray[np.uint8], NDArray[np.bool_]]]], settings: FlowSettings
) -> tuple[list[float], float]:
    """IoU of every mask between two key frames a second apart, and CPU milliseconds per frame."""
    overlaps, spent, count = [], 0.0, 0
    for scene in scenes:
        frames = [SizedFrame(n, n / FPS, 1 / FPS, image) for n, (image, _) in enumerate(scene)]
        keys = [
            KeyMasks(n, n / FPS, False, dict(zip(TRACKS, encode_rle(scene[n][1]), strict=True)))
            for n in (0, len(scene) - 1)
        ]
        began = time.process_time()
        found = list(Propagation(SIZE, AllTracks(), settings).run(frames, keys))
        spent, count = spent + time.process_time() - began, count + len(found)
        for number, (_, masks) in list(enumerate(found))[1:-1]:
            overlaps += [overlap(masks[track], scene[number][1][track]) for track in TRACKS]
    return overlaps, 1000 * spent / count


def flow_table(count: int) -> list[str]:
    """Quality and cost of each setting of the flow."""
    scenes = [list(make_scene(seed, FPS + 1)) for seed in range(count)]
    held = [
        overlap(masks[track], scene[0 if n <= FPS // 2 else -1][1][track])
        for scene in scenes
        for n, (_, masks) in list(enumerate(scene))[1:-1]
        for track in TRACKS
    ]
    rows = [("mask of the nearest key frame", "", "", *_quality(held), "")]
    for preset, finest in PRESETS:
        for side in SIDES:
            settings = FlowSettings(preset, side, finest)
            overlaps, cpu = measure_flow(scenes, settings)
            name = f"**{preset}**" if settings == DEFAULT_FLOW else preset
            rows.append((name, str(finest), str(side), *_quality(overlaps), f"{cpu:.1f}"))
    return [
        f"{count} scenes, key frames a second apart, {machine()}. The preset in use is bold.",
        "",
        *table(("preset", "finest scale", "long side", "mean IoU", "10th percentile", "ms per frame"), rows),
    ]


def _quality(overlaps: list[float]) -> tuple[str, str]:
    return f"{np.mean(overlaps):.3f}", f"{np.percentile(overlaps, 10):.3f}"


@dataclass(frozen=True)
class SceneResult:
    """A result of which every mask sounds."""

    info: VideoInfo
    steps: AudioSteps
    keys: tuple[KeyFrame, ...]

    def key_frames(self) -> Iterator[KeyFrame]:
        """The key frames."""
        return iter(self.keys)


def write_video(folder: Path, seconds: float) -> SceneResult:
    """A video with audio, and its result with a key frame per second."""
    path, count = folder / "video.mp4", round(seconds * FPS)
    writer, keys = VideoWriter(path, FPS, None), []
    for number, (image, masks) in enumerate(make_scene(0, count)):
        writer.add(image)
        if number % FPS == 0:
            ones = np.ones(len(masks), np.float32)
            boxes, tracks = np.zeros((len(masks), 4), np.float32), np.array(TRACKS)
            codes = encode_rle(masks)
            keys.append(KeyFrame(number, number / FPS, False, codes, boxes, ones, ones, ones, tracks, tracks))
    writer.close()
    info = VideoInfo(str(path), None, False, SIZE, SIZE, seconds, FPS, count)
    steps = round(seconds / STEP)
    quiet, none = np.zeros(steps, np.bool_), np.zeros((steps, 0))
    nearest = np.minimum(np.arange(steps) // 10, len(keys) - 1)
    probability = tuple(keys[row].probability for row in nearest)
    level = np.zeros(steps, np.float32)
    audio = AudioSteps(
        level, quiet, quiet, none.astype(np.int64), none.astype(np.float32), nearest, probability
    )
    return SceneResult(info, audio, tuple(keys))


def measure_stages(result: SceneResult, folder: Path) -> dict[str, float]:
    """CPU seconds of each stage."""
    span = Span(0.0, result.info.duration, 1.0, 0.0)
    tracks = tuple(DecidedTrack(track, f"thing {track}", colour(track), (span,)) for track in TRACKS)
    decided = DecidedVideo(result.info, tracks, (), result.steps.level)
    seconds = dict.fromkeys(("decode", "flow", "warp and join", "draw", "encode"), 0.0)
    began, flow, last = time.process_time(), DenseFlow(SIZE), None
    images = [frame.rgb(SIZE) for frame in timed_frames(Path(result.info.source))]
    seconds["decode"], began = time.process_time() - began, time.process_time()
    for image in images:
        gray = flow.to_gray(image)
        if last is not None:
            residual(gray, last, flow.flow(gray, last))
        last = gray
    seconds["flow"] = time.process_time() - began
    writer = VideoWriter(folder / "overlay.mp4", FPS, None)
    began, frames = time.process_time(), every_frame(result, decided)
    while (frame := next(frames, None)) is not None:
        seconds["warp and join"] += time.process_time() - began
        began = time.process_time()
        drawn = _draw(frame)
        seconds["draw"], began = seconds["draw"] + time.process_time() - began, time.process_time()
        writer.add(drawn, frame.time, frame.duration)
        seconds["encode"], began = seconds["encode"] + time.process_time() - began, time.process_time()
    writer.close()
    seconds["encode"] += time.process_time() - began
    seconds["warp and join"] -= seconds["decode"] + seconds["flow"]
    return seconds


def _draw(frame: FrameMasks) -> NDArray[np.uint8]:
    assert frame.image is not None
    tracks = frame.tracks.tolist()
    names, colours = [f"thing {track}" for track in tracks], [colour(track) for track in tracks]
    return draw(Drawing(frame.image, frame.masks, names, colours, "audio: thing 50%"))


def stage_table(seconds: float) -> list[str]:
    """CPU milliseconds per frame of each stage, and the share of real time on one core."""
    with tempfile.TemporaryDirectory() as scratch:
        result = write_video(Path(scratch), seconds)
        measured = measure_stages(result, Path(scratch))
    frames = result.info.frames
    rows = [
        (stage, f"{1000 * spent / frames:.1f}", f"{spent / seconds:.2f}") for stage, spent in measured.items()
    ]
    total = sum(measured.values())
    rows.append(("all", f"{1000 * total / frames:.1f}", f"{total / seconds:.2f}"))
    return [
        f"{SIZE[1]} x {SIZE[0]} pixels, {FPS} frames per second, two sounding objects in every frame, "
        f"{seconds:g} s; {machine()}. Limit: {MAX_CPU:g} ms.",
        "",
        *table(("stage", "ms per frame", "CPU time / duration"), rows),
    ]


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--scenes", type=int, default=3, help="of the table of flows; 0 leaves it out")
    parser.add_argument("--threads", type=int, default=1, help="of the flow")
    parser.add_argument("--write", type=Path, help="document with sections for the tables")
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    tables = {"stages": stage_table(options.seconds)}
    if options.scenes:
        tables["flow"] = flow_table(options.scenes)
    for name, lines in tables.items():
        print("\n".join(lines), "\n")
        if options.write:
            replace_section(options.write, name, lines)


if __name__ == "__main__":
    main()
