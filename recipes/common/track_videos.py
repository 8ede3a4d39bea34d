"""Test videos for tracking: cut-outs of photographs that move over photographs, with known ids and audio.

    python -m recipes.common.track_videos --data REAL --media MEDIA --out DIR [--side dev] [--seed 0]

Every video follows a row of :data:`SCENARIOS`: crossing, occlusion of up to :data:`MAX_HIDDEN` seconds,
camera pan and shake, scene cuts after which some objects come back, late entries, two equal objects. Motion
is smooth, and the times at which each object sounds are known. A video is a function of the data, the side,
the seed and the scenario. ``main`` writes ``NAME/video.mp4`` and ``NAME/truth.npz``, whose keys are the
arguments of :func:`write_truth`.

The data are a folder with ``photos/{train,dev}`` (:mod:`recipes.common.photographs`) and
``recordings/{train,dev}/<class>/*.ogg``; media are ``{train,dev}`` of :mod:`recipes.common.composites.media`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter, label, uniform_filter1d

from recipes.common.composites.audio import limit_peak, to_gain
from recipes.common.composites.media import Media
from recipes.common.media_bank import SILENT
from recipes.common.options import errors_in_one_line
from recipes.common.photographs import read_rows
from recipes.common.waveforms import fit_length
from seac.core.errors import InputError
from seac.export.folder import atomic_folder
from seac.media.decode import SAMPLE_RATE

Floats = NDArray[np.float32]
Rng = np.random.Generator
Side = Literal["train", "dev"]

HEIGHT, WIDTH = 256, 448
RATES = (12.0, 15.0, 25.0)
SECONDS = 12.0
MAX_HIDDEN, MIN_HIDDEN = 2.0, 0.5
"""Maximum seconds that an object is hidden within a shot; minimum of scenarios with an occluder."""
MIN_VISIBLE, MIN_PIXELS = 0.15, 60
"""Minimum visible share and number of pixels of an object that is in the truth of a frame."""
MIN_AREA, MIN_SIDE, MIN_FILL, MAX_FILL, MIN_PART = 2_500, 40, 0.3, 0.95, 0.95
"""Suitable cut-outs: minimum area and side in pixels; minimum and maximum share of the box that the mask
fills; minimum share of the mask in its largest connected part."""
BORDER = 2
"""Pixels between a suitable cut-out and the edges of its photograph."""
QUALITIES = ("exact", "good")
SOUNDS = {
    "person": ("speech", "singing", "laughter"), "baby": ("crying_baby",), "car": ("car_horn",),
    "bird": ("songbird", "crow", "seagull"), "boat": ("whistle",), "drum_kit": ("drum",),
    "bus": ("car_horn",),
    "clock": ("clock",), "goat": ("sheep",), "hawk": ("hawk",),
}  # fmt: skip
"""Classes of recordings of a class of cut-outs, where they differ from its name."""
PHOTOGRAPHS = 0.85
"""Share of cut-outs that are drawn from photographs alone; cut-outs of the media are drawings in part."""
MARGIN = 0.3
"""Share of the size of a frame by which its background is larger on each side, for motion of the camera."""
SENSOR_NOISE = 2.0
LEVEL, SPREAD = -19.0, 3.0
"""Mean level of a source and maximum deviation, in dB of full scale."""
ROOM_NOISE = -62.0
FADE = 0.03
"""Seconds in which a source starts and stops."""
DECIMALS = 1
"""Digits of a second to which the times of sounding are rounded."""
CHECKS_PER_SECOND = 5
MAX_TRIES = 200


class NoCutoutError(InputError):
    """No instance of a class is in one piece."""


@dataclass(frozen=True)
class Scenario:
    """What happens in a video.

    Attributes:
        objects: number of objects besides an occluder.
        twins: whether the first two objects have the same cut-out.
        motion: how objects move.
        occluder: an object in front of the first object, at rest or passing by.
        pan: motion of the camera over the video, as a share of the width.
        shake: amplitude of the shake of the camera, as a share of the height.
        cuts: number of scene cuts; the first object comes back after each.
        late: whether the last object enters late and the one before it leaves early.
        rhythm: whether objects move with the loudness of their audio.
    """

    objects: int = 2
    twins: bool = False
    motion: Literal["drift", "cross", "fast", "approach"] = "drift"
    occluder: Literal["none", "fixed", "passing"] = "none"
    pan: float = 0.0
    shake: float = 0.0
    cuts: int = 0
    late: bool = False
    rhythm: bool = False


SCENARIOS: dict[str, Scenario] = {
    "drift": Scenario(3),
    "occlusion": Scenario(2, occluder="fixed"),
    "passing": Scenario(2, occluder="passing"),
    "crossing": Scenario(2, motion="cross"),
    "twins": Scenario(2, twins=True),
    "twins-crossing": Scenario(2, twins=True, motion="cross"),
    "camera": Scenario(3, pan=0.5, shake=0.03),
    "fast": Scenario(2, motion="fast"),
    "approach": Scenario(2, motion="approach"),
    "cut": Scenario(3, cuts=1),
    "cuts": Scenario(3, cuts=2, pan=0.2),
    "late": Scenario(4, late=True, pan=0.25),
}  # fmt: skip
"""The videos of a seed, by name."""

RHYTHM: dict[str, Scenario] = {
    "rhythm-twins": Scenario(2, twins=True, rhythm=True),
    "rhythm-twins-camera": Scenario(2, twins=True, rhythm=True, pan=0.2, shake=0.02),
}
"""Videos in which what sounds moves with its loudness; :data:`SCENARIOS` has none."""


@dataclass(frozen=True)
class Cutout:
    """A cut-out of a photograph.

    Attributes:
        name: class.
        file: where it is from.
        image: RGBA, cropped to its extent.
    """

    name: str
    file: str
    image: Image.Image


@dataclass(frozen=True)
class Trajectory:
    """Smooth motion through points.

    Attributes:
        times: (k,) seconds, increasing.
        points: (k, 3) centre x and y in pixels of a frame of which the camera does not move, and height in
            pixels.
    """

    times: Floats
    points: Floats

    def __call__(self, time: float) -> Floats:
        """Centre x, y and height at ``time``; at rest before the first and after the last point."""
        if len(self.times) == 1:
            return np.asarray(self.points[0])
        smooth = PchipInterpolator(self.times, self.points)
        return np.asarray(smooth(np.clip(time, self.times[0], self.times[-1])), np.float32)


@dataclass(frozen=True)
class Appearance:
    """An object in a shot.

    Attributes:
        object: number of the object.
        trajectory: its motion.
        image: RGBA; its height is scaled to that of the trajectory.
        area: opaque pixels of ``image``.
    """

    object: int
    trajectory: Trajectory
    image: Image.Image
    area: int


@dataclass(frozen=True)
class Shot:
    """A shot.

    Attributes:
        start: seconds.
        stop: seconds, exclusive.
        background: RGB, larger than a frame by :data:`MARGIN` on each side.
        pan: (x, y) pixels by which the camera moves from start to stop.
        shake: (n, 4) amplitude x and y in pixels, frequency in hertz, phase of each movement of the camera.
        appearances: objects, the one in front last.
    """

    start: float
    stop: float
    background: Image.Image
    pan: tuple[float, float]
    shake: Floats
    appearances: tuple[Appearance, ...]

    def camera(self, time: float) -> Floats:
        """Position (x, y) of the camera in pixels: objects and background move by its negative."""
        share = (time - self.start) / (self.stop - self.start) - 0.5
        moved = np.array(self.pan, np.float32) * share
        for x, y, frequency, phase in self.shake:
            wave = np.sin(2 * np.pi * (frequency * time + phase))
            moved = moved + np.array([x, y], np.float32) * np.float32(wave)
        return moved


@dataclass(frozen=True)
class TrackVideo:
    """A test video; frames are rendered on demand.

    Attributes:
        name: scenario.
        fps: frames per second.
        seconds: duration.
        names: class of each object.
        shots: in order of time.
        spans: (start, stop) seconds in which each object sounds.
        waveform: (S,) float32 mono at 16 kHz.
        loudness: (objects, frames) share of its greatest loudness that each object has in each frame.
        seed: of the sensor noise.
        rhythm: pixels by which an object moves with its loudness.
    """

    name: str
    fps: float
    seconds: float
    names: tuple[str, ...]
    shots: tuple[Shot, ...]
    spans: tuple[tuple[tuple[float, float], ...], ...]
    waveform: Floats
    loudness: Floats
    seed: int
    rhythm: float = 0.0
    size: tuple[int, int] = field(default=(HEIGHT, WIDTH))

    def __len__(self) -> int:
        return int(self.seconds * self.fps)

    @property
    def cuts(self) -> tuple[float, ...]:
        """Seconds at which a new shot begins."""
        return tuple(shot.start for shot in self.shots[1:])

    def shot(self, time: float) -> Shot:
        """The shot at ``time`` seconds."""
        return next(shot for shot in reversed(self.shots) if shot.start <= time or shot is self.shots[0])

    def sounds(self, time: float) -> NDArray[np.bool_]:
        """Whether each object sounds at ``time`` seconds: (objects,) bool."""
        return np.array([any(a <= time < b for a, b in spans) for spans in self.spans], bool)

    def frame(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
        """Image (H, W, 3) RGB and owner (H, W), the object that each pixel shows, -1 for the background."""
        height, width = self.size
        time = index / self.fps
        shot = self.shot(time)
        camera = shot.camera(time)
        canvas = np.asarray(
            shot.background.transform(
                (width, height),
                Image.Transform.AFFINE,
                (1, 0, MARGIN * width + camera[0], 0, 1, MARGIN * height + camera[1]),
                Image.Resampling.BILINEAR,
            ),
            np.float32,
        )
        for shown in shot.appearances:
            layer = self._place(shown.image.convert("RGBa"), shown, index)
            alpha = layer[..., 3:] / 255
            canvas = (canvas * (1 - alpha) + layer[..., :3]).astype(np.float32)
        noise = np.random.default_rng((self.seed, index)).standard_normal(canvas.shape, np.float32)
        return (canvas + SENSOR_NOISE * noise).clip(0, 255).astype(np.uint8), self.owner(index)

    def owner(self, index: int) -> NDArray[np.int8]:
        """Object that each pixel (H, W) of a frame shows, -1 for the background and for slivers."""
        time = index / self.fps
        owner = np.full(self.size, -1, np.int8)
        full = np.zeros(len(self.names))
        for shown in self.shot(time).appearances:
            owner[self._place(shown.image.getchannel("A"), shown, index) > 127] = shown.object
            full[shown.object] = shown.area * (shown.trajectory(time)[2] / shown.image.height) ** 2
        for number, area in enumerate(full):
            mine = owner == number
            if mine.sum() < max(MIN_PIXELS, MIN_VISIBLE * area):
                owner[mine] = -1
        return owner

    def _place(self, image: Image.Image, shown: Appearance, index: int) -> Floats:
        """The image of an object at its place in a frame: (H, W) or (H, W, channels)."""
        time = index / self.fps
        x, y, tall = shown.trajectory(time)
        y = y - self.rhythm * self.loudness[shown.object, min(index, self.loudness.shape[1] - 1)]
        camera = self.shot(time).camera(time)
        step = image.height / tall
        left = x - camera[0] - image.width / step / 2
        top = y - camera[1] - tall / 2
        moved = image.transform(
            (self.size[1], self.size[0]),
            Image.Transform.AFFINE,
            (step, 0, -left * step, 0, step, -top * step),
            Image.Resampling.BILINEAR,
        )
        return np.asarray(moved, np.float32)

    def frames(self) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int8]]]:
        """All frames, see :meth:`frame`."""
        for index in range(len(self)):
            yield self.frame(index)


class TrackVideos:
    """Renders test videos of one side of the data.

    Args:
        data: folder with ``photos`` and ``recordings``.
        media: folder with ``train`` and ``dev`` of cut-outs, recordings and backgrounds.
        side: which side of both.

    Raises:
        InputError: a folder is missing, or has too few classes that sound.
    """

    def __init__(self, data: Path, media: Path, side: Side = "dev") -> None:
        self.photos, self.side = data / "photos" / side, side
        recordings = data / "recordings" / side
        self.media = Media.open(media / side)
        if not recordings.is_dir():
            raise InputError(f"{recordings} does not exist: name a folder with photos and recordings")
        self.recordings = {
            folder.name: sorted(folder.glob("*.ogg"))
            for folder in sorted(recordings.iterdir())
            if folder.is_dir()
        }
        self.instances = self._index()
        self.sounding = sorted(name for name in {*self.instances, *self.media.classes} if self.sources(name))
        self.silent = [name for name in self.instances if not self.sources(name)]
        if len(self.sounding) < 4:
            raise InputError(f"{self.photos}: {len(self.sounding)} classes with recordings; needs four")

    def sources(self, name: str) -> tuple[str, ...]:
        """Classes of recordings of a class of cut-outs; empty if it is silent."""
        return tuple(source for source in SOUNDS.get(name, (name,)) if self.recordings.get(source))

    def _index(self) -> dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]:
        """Suitable instances with their photographs, by class."""
        found: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
        for row in read_rows(self.photos):
            if row.get("quality") not in QUALITIES:
                continue
            for instance in row.get("instances", ()):
                if is_suitable(row, instance):
                    found.setdefault(instance["class"], []).append((row, instance))
        return dict(sorted(found.items()))

    def cutout(self, rng: Rng, name: str) -> Cutout:
        """A random cut-out of a class: from a photograph, or else of the media.

        Raises:
            NoCutoutError: the photographs have none.
        """
        if name not in self.instances:
            paths = self.media.cutouts[name]
            path = paths[rng.integers(len(paths))]
            return Cutout(name, path.name, self.media.cutout(path))
        for _ in range(MAX_TRIES):
            row, instance = self.instances[name][rng.integers(len(self.instances[name]))]
            image = self._cut(row, instance)
            if image is not None:
                return Cutout(name, row["file"], image)
        raise NoCutoutError(f"{self.photos}: no suitable cut-out of {name}")

    def _cut(self, row: dict[str, Any], instance: dict[str, Any]) -> Image.Image | None:
        code = {"size": [row["height"], row["width"]], "counts": instance["rle"].encode()}
        mask = coco_mask.decode(code).astype(bool)
        parts, count = label(mask)
        if count > 1 and np.bincount(parts[mask]).max() < MIN_PART * mask.sum():
            return None
        with Image.open(self.photos / row["file"]) as opened:
            photo = opened.convert("RGB")
        if photo.size != (row["width"], row["height"]):
            return None
        alpha = gaussian_filter(mask.astype(np.float32), 0.7) * 255
        x1, y1, x2, y2 = (round(value) for value in instance["box"])
        layer = np.dstack([np.asarray(photo), alpha.astype(np.uint8)])
        return Image.fromarray(layer).crop((x1 - 1, y1 - 1, x2 + 1, y2 + 1))

    def silent_cutout(self, rng: Rng) -> Cutout:
        """A random cut-out of something that does not sound: from a photograph, or of the media."""
        paths = self.media.cutouts.get(SILENT, ())
        if self.silent and (not paths or rng.random() < PHOTOGRAPHS):
            return self.cutout(rng, self.silent[rng.integers(len(self.silent))])
        path = paths[rng.integers(len(paths))]
        return Cutout(SILENT, path.name, self.media.cutout(path))

    def background(self, rng: Rng) -> Image.Image:
        """A random background, larger than a frame by :data:`MARGIN` on each side."""
        image = self.media.background(self.media.backgrounds[rng.integers(len(self.media.backgrounds))])
        width, height = (round(side * (1 + 2 * MARGIN)) for side in (WIDTH, HEIGHT))
        scale = max(width / image.width, height / image.height) * rng.uniform(1, 1.3)
        shape = round(image.width * scale) + 1, round(image.height * scale) + 1
        left, top = rng.integers(shape[0] - width + 1), rng.integers(shape[1] - height + 1)
        box = tuple(value / scale for value in (left, top, left + width, top + height))
        inside = (
            *(float(box[0]), float(box[1])),
            *(min(float(box[2]), image.width), min(float(box[3]), image.height)),
        )
        return image.resize((width, height), Image.Resampling.BILINEAR, box=inside)

    def __call__(self, name: str, seed: int, scenario: Scenario | None = None) -> TrackVideo:
        """The video of a scenario.

        Args:
            name: row of :data:`SCENARIOS` or :data:`RHYTHM`, or any name with ``scenario``.
            seed: of all random choices.
            scenario: what happens; None takes the row.

        Raises:
            InputError: no draw met the limits of hidden time.
        """
        scenario = scenario or {**SCENARIOS, **RHYTHM}[name]
        key = [seed, *name.encode()]
        for number in range(MAX_TRIES):
            rng = np.random.default_rng([*key, number])
            try:
                video = self._draw(rng, name, scenario)
            except NoCutoutError:
                continue
            if meets(video, scenario):
                return self._add_audio(rng, video, scenario)
        raise InputError(f"{name}: no draw with objects hidden for at most {MAX_HIDDEN} s; change the seed")

    def _draw(self, rng: Rng, name: str, scenario: Scenario) -> TrackVideo:
        count = scenario.objects
        cutouts = [self.cutout(rng, each) for each in self._choose_classes(rng, count - (count > 2))]
        if scenario.twins:
            cutouts[1] = cutouts[0]
        if count > 2:
            cutouts.insert(2, self.silent_cutout(rng))
        if scenario.occluder != "none":
            cutouts.append(self.silent_cutout(rng))
        edges = [0.0, *cut_times(rng, scenario.cuts), SECONDS]
        shots = tuple(
            self._shot(rng, scenario, cutouts, start, stop, number)
            for number, (start, stop) in enumerate(pairwise(edges))
        )
        names = tuple(cutout.name for cutout in cutouts)
        fps = float(rng.choice(RATES))
        return TrackVideo(
            name,
            fps,
            SECONDS,
            names,
            shots,
            ((),) * len(names),
            np.zeros(0, np.float32),
            np.zeros((len(names), 1), np.float32),
            int(rng.integers(2**31)),
        )

    def _choose_classes(self, rng: Rng, count: int) -> list[str]:
        """Different classes that sound, most of them of photographs."""
        chosen: list[str] = []
        while len(chosen) < count:
            photographs = rng.random() < PHOTOGRAPHS
            names = [name for name in self.sounding if not photographs or name in self.instances]
            name = names[rng.integers(len(names))]
            chosen += [] if name in chosen else [name]
        return chosen

    def _shot(
        self, rng: Rng, scenario: Scenario, cutouts: Sequence[Cutout], start: float, stop: float, number: int
    ) -> Shot:
        pan = (
            float(rng.choice([-1, 1])) * scenario.pan * WIDTH,
            scenario.pan * HEIGHT * rng.uniform(-0.3, 0.3),
        )
        size = scenario.shake * HEIGHT
        shake = np.array(
            [
                (
                    *rng.uniform(0.3, 1, 2) * size / (1 + order),
                    rng.uniform(0.4, 1.2) * (1 + order),
                    rng.random(),
                )
                for order in range(3 if size else 0)
            ],
            np.float32,
        ).reshape(-1, 4)
        shown = [k for k in range(len(cutouts)) if number == 0 or k == 0 or rng.random() < 0.6]
        places = place_trajectories(rng, scenario, [cutouts[k] for k in shown], start, stop)
        appearances = [
            show(k, trajectory, change_view(rng, cutouts[k].image, number))
            for k, trajectory in zip(shown, places, strict=True)
        ]
        if scenario.occluder == "none":
            appearances = [appearances[k] for k in rng.permutation(len(appearances))]
        return Shot(start, stop, self.background(rng), pan, shake, tuple(appearances))

    def _add_audio(self, rng: Rng, video: TrackVideo, scenario: Scenario) -> TrackVideo:
        """The video with the audio of its sounding objects; at least one sounds."""
        able = [k for k, name in enumerate(video.names) if name != SILENT and self.sources(name)]
        if scenario.twins:
            able.remove(int(rng.choice([0, 1])))  # one of two twin objects sounds
        chosen = [k for k in able if rng.random() < 0.75] or [able[0]]
        spans: list[tuple[tuple[float, float], ...]] = [()] * len(video.names)
        samples = round(video.seconds * SAMPLE_RATE)
        total = rng.normal(0, to_gain(ROOM_NOISE), samples).astype(np.float32)
        loudness = np.zeros((len(video.names), len(video)), np.float32)
        for k in chosen:
            spans[k] = draw_spans(rng, video.seconds)
            source = self._render_source(rng, video.names[k], samples)
            source = source * envelope(spans[k], samples)
            loudness[k] = frame_loudness(source, video.fps, len(video))
            total = total + source * to_gain(LEVEL + rng.uniform(-SPREAD, SPREAD))
        return replace(
            video,
            spans=tuple(spans),
            waveform=limit_peak(total),
            loudness=loudness,
            rhythm=0.08 * HEIGHT if scenario.rhythm else 0.0,
        )

    def _render_source(self, rng: Rng, name: str, samples: int) -> Floats:
        sources = self.sources(name)
        paths = self.recordings[str(rng.choice(sources))]
        waveform = self.media.recording(paths[rng.integers(len(paths))])
        return fit_length(waveform, rng, samples, SAMPLE_RATE // 4)


def is_suitable(row: dict[str, Any], instance: dict[str, Any]) -> bool:
    """Whether an instance of a photograph is whole and large enough to be cut out."""
    if instance["rle"] is None or instance["class"] is None or instance["crowd"]:
        return False
    x1, y1, x2, y2 = instance["box"]
    inside = min(x1, y1, row["width"] - x2, row["height"] - y2) >= BORDER
    if not inside or min(x2 - x1, y2 - y1) < MIN_SIDE:
        return False
    code = {"size": [row["height"], row["width"]], "counts": instance["rle"].encode()}
    area = float(coco_mask.area(code))
    return area >= MIN_AREA and MIN_FILL <= area / ((x2 - x1) * (y2 - y1)) <= MAX_FILL


def show(number: int, trajectory: Trajectory, image: Image.Image) -> Appearance:
    """An object in a shot."""
    return Appearance(number, trajectory, image, int((np.asarray(image.getchannel("A")) > 127).sum()))


def cut_times(rng: Rng, count: int) -> list[float]:
    """Seconds of scene cuts, with shots of similar length."""
    return [SECONDS * (k + 1) / (count + 1) + float(rng.uniform(-1, 1)) for k in range(count)]


def change_view(rng: Rng, image: Image.Image, shot: int) -> Image.Image:
    """An object in another shot: mirrored or not, and in other light."""
    if shot == 0:
        return image
    if rng.random() < 0.3:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    layer = np.array(image, np.float32)
    layer[..., :3] = (layer[..., :3] * rng.uniform(0.85, 1.15)).clip(0, 255)
    return Image.fromarray(layer.astype(np.uint8))


def place_trajectories(
    rng: Rng, scenario: Scenario, cutouts: Sequence[Cutout], start: float, stop: float
) -> list[Trajectory]:
    """Motion of each object of a shot; an occluder is the last."""
    covered = scenario.occluder != "none"
    moving = cutouts[:-1] if covered else cutouts
    slots = rng.permutation(len(moving))
    share = {1: 0.5, 2: 0.42, 3: 0.38}.get(len(moving), 0.34)
    trajectories: list[Trajectory] = []
    for k, cutout in enumerate(moving):
        tall = fit_height(cutout, HEIGHT * share * float(rng.uniform(0.85, 1.15)))
        if scenario.twins and k == 1:
            tall = trajectories[0].points[0, 2] * float(rng.uniform(0.92, 1.08))
        x = WIDTH * (slots[k] + 0.5) / len(moving)
        y = HEIGHT * float(rng.uniform(0.42, 0.62))
        trajectories.append(MOTIONS[scenario.motion](rng, (x, y, tall), slots[k], start, stop))
    if scenario.late and len(trajectories) > 1:
        trajectories[-1] = enter(rng, trajectories[-1], start + float(rng.uniform(2, 5)), stop)
        trajectories[-2] = leave(rng, trajectories[-2], stop - float(rng.uniform(2, 5)), start)
    if covered:
        trajectories = add_occluder(rng, scenario, moving, cutouts[-1], trajectories, start, stop)
    return trajectories


def fit_height(cutout: Cutout, side: float) -> float:
    """Height at which a cut-out has the area of a square of ``side`` pixels."""
    return float(side * (cutout.image.height / cutout.image.width) ** 0.5)


def drift(rng: Rng, at: tuple[float, float, float], slot: int, start: float, stop: float) -> Trajectory:
    """Slow motion around a place."""
    x, y, tall = at
    knots = 4
    points = np.array(
        [
            (
                x + WIDTH * rng.uniform(-0.09, 0.09),
                y + HEIGHT * rng.uniform(-0.07, 0.07),
                tall * rng.uniform(0.85, 1.18),
            )
            for _ in range(knots)
        ],
        np.float32,
    )
    return Trajectory(np.linspace(start, stop, knots, dtype=np.float32), points)


def cross(rng: Rng, at: tuple[float, float, float], slot: int, start: float, stop: float) -> Trajectory:
    """From one side to the other and back, so that objects of different slots pass one another."""
    _, y, tall = at
    left, right = WIDTH * rng.uniform(0.14, 0.22), WIDTH * rng.uniform(0.78, 0.86)
    near, far = (left, right) if slot % 2 == 0 else (right, left)
    turn = start + (stop - start) * float(rng.uniform(0.45, 0.55))
    points = np.array([(near, y, tall), (far, y + HEIGHT * rng.uniform(-0.05, 0.05), tall), (near, y, tall)])
    return Trajectory(np.array([start, turn, stop], np.float32), points.astype(np.float32))


def fast(rng: Rng, at: tuple[float, float, float], slot: int, start: float, stop: float) -> Trajectory:
    """Back and forth within two seconds, by about its own size in half a second."""
    _, y, tall = at
    knots = int((stop - start) / float(rng.uniform(1.7, 2.5))) + 1
    y = HEIGHT * (0.3 if slot % 2 == 0 else 0.7)
    ends = (WIDTH * rng.uniform(0.1, 0.25), WIDTH * rng.uniform(0.75, 0.9))
    points = np.array(
        [(ends[(k + slot) % 2], y + HEIGHT * rng.uniform(-0.1, 0.1), tall * 0.8) for k in range(knots)]
    )
    return Trajectory(np.linspace(start, stop, knots, dtype=np.float32), points.astype(np.float32))


def approach(rng: Rng, at: tuple[float, float, float], slot: int, start: float, stop: float) -> Trajectory:
    """Growing to more than twice the height, or shrinking."""
    x, y, tall = at
    low, high = tall * float(rng.uniform(0.55, 0.7)), tall * float(rng.uniform(1.3, 1.6))
    first, last = (low, high) if slot % 2 == 0 else (high, low)
    points = np.array([(x, y, first), (x + WIDTH * rng.uniform(-0.08, 0.08), y, last)])
    return Trajectory(np.array([start, stop], np.float32), points.astype(np.float32))


MOTIONS = {"drift": drift, "cross": cross, "fast": fast, "approach": approach}


def enter(rng: Rng, trajectory: Trajectory, time: float, stop: float) -> Trajectory:
    """The trajectory of an object that is outside of the frame until ``time``."""
    x, y, tall = trajectory.points[0]
    outside = -0.8 * WIDTH if x < WIDTH / 2 else 1.8 * WIDTH
    points = np.array([(outside, y, tall), (x, y, tall), trajectory.points[-1]], np.float32)
    return Trajectory(np.array([time, time + 1.5, stop + 1.6], np.float32), points)


def leave(rng: Rng, trajectory: Trajectory, time: float, start: float) -> Trajectory:
    """The trajectory of an object that leaves the frame after ``time``."""
    x, y, tall = trajectory.points[-1]
    outside = -0.8 * WIDTH if x < WIDTH / 2 else 1.8 * WIDTH
    points = np.array([trajectory.points[0], (x, y, tall), (outside, y, tall)], np.float32)
    return Trajectory(np.array([min(start, time - 0.1), time, time + 1.5], np.float32), points)


def add_occluder(
    rng: Rng,
    scenario: Scenario,
    moving: Sequence[Cutout],
    cutout: Cutout,
    trajectories: list[Trajectory],
    start: float,
    stop: float,
) -> list[Trajectory]:
    """Trajectories with an occluder that hides the first object for about one and a half seconds."""
    tall = float(trajectories[0].points[0, 2]) * 0.8
    wide = tall * moving[0].image.width / moving[0].image.height
    scale = max(1.5 * wide / cutout.image.width, 1.35 * tall / cutout.image.height)
    cover = cutout.image.height * scale
    speed = max(20.0, (cutout.image.width * scale - 0.6 * wide) / float(rng.uniform(1.0, 1.9)))
    y = HEIGHT * float(rng.uniform(0.45, 0.55))
    distance = WIDTH * 0.8
    begin = float(rng.uniform(start + 1, max(start + 1.1, stop - distance / speed - 1)))
    times = np.array([begin, begin + distance / speed], np.float32)
    ends = np.array([(WIDTH * 0.1, y, 0), (WIDTH * 0.9, y, 0)], np.float32)
    ends = ends if rng.random() < 0.5 else ends[::-1]
    centre = WIDTH * float(rng.uniform(0.42, 0.58))
    still = np.array([(centre, y, 0)], np.float32)
    place, moved = Trajectory(times[:1], still), Trajectory(times, ends)
    target, occluder = (moved, place) if scenario.occluder == "fixed" else (place, moved)
    return [with_height(target, tall), *trajectories[1:], with_height(occluder, cover)]


def with_height(trajectory: Trajectory, tall: float) -> Trajectory:
    """The trajectory of an object of constant height."""
    points = trajectory.points.copy()
    points[:, 2] = tall
    return Trajectory(trajectory.times, points)


def hidden_seconds(video: TrackVideo) -> list[float]:
    """For each object, the longest time within a shot between two times at which it is visible."""
    longest = [0.0] * len(video.names)
    step = max(1, round(video.fps / CHECKS_PER_SECOND))
    seen: dict[tuple[int, int], int] = {}
    for index in range(0, len(video), step):
        owner = video.owner(index)
        shot = video.shots.index(video.shot(index / video.fps))
        for number in np.unique(owner[owner >= 0]).tolist():
            last = seen.get((shot, number))
            if last is not None and index - last > step:
                longest[number] = max(longest[number], (index - last) / video.fps)
            seen[shot, number] = index
    return longest


def meets(video: TrackVideo, scenario: Scenario) -> bool:
    """Whether every object is hidden for at most :data:`MAX_HIDDEN` seconds, and one by the occluder."""
    hidden = hidden_seconds(video)
    return max(hidden) <= MAX_HIDDEN and (scenario.occluder == "none" or hidden[0] >= MIN_HIDDEN)


def draw_spans(rng: Rng, seconds: float) -> tuple[tuple[float, float], ...]:
    """Sample the times at which an object sounds: one or two spans, rounded to :data:`DECIMALS`."""
    if rng.random() < 0.2:
        return ((0.0, seconds),)
    count = int(rng.choice([1, 2]))
    room = seconds / count
    spans = []
    for k in range(count):
        length = float(rng.uniform(1.5, room - 0.8))
        start = k * room + float(rng.uniform(0, room - 0.8 - length))
        spans.append((round(start, DECIMALS), round(start + length, DECIMALS)))
    return tuple(spans)


def envelope(spans: Sequence[tuple[float, float]], samples: int) -> Floats:
    """Gain (samples,) of a source that is active in spans of seconds, with fades inside of them."""
    gain = np.zeros(samples, np.float32)
    fade = round(FADE * SAMPLE_RATE)
    for start, stop in spans:
        gain[round(start * SAMPLE_RATE) + fade // 2 : round(stop * SAMPLE_RATE) - fade // 2] = 1
    return np.asarray(uniform_filter1d(gain, fade), np.float32)


def frame_loudness(source: Floats, fps: float, frames: int) -> Floats:
    """Level of a waveform around each frame, as a share of its maximum: (frames,)."""
    power = uniform_filter1d(np.square(source, dtype=np.float64), round(0.08 * SAMPLE_RATE))
    at = (np.arange(frames) / fps * SAMPLE_RATE).astype(int).clip(0, len(source) - 1)
    level = np.sqrt(power[at].clip(0))
    return np.asarray(level / max(float(level.max()), 1e-6), np.float32)


def write_video(path: Path, video: TrackVideo) -> None:
    """Write H.264 with AAC; frames have constant rate."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(video.fps).limit_denominator(1000))
        stream.height, stream.width = video.size
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "18", "preset": "fast"}
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        for image, _ in video.frames():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
        sound = av.AudioFrame.from_ndarray(video.waveform[None], format="fltp", layout="mono")
        sound.sample_rate = SAMPLE_RATE
        container.mux(audio.encode(sound))
        container.mux(audio.encode())


def write_truth(path: Path, video: TrackVideo) -> None:
    """Write ``owner`` (T, H, W) int8, ``sounds`` (objects, T) bool, ``names``, ``cuts`` and ``fps``."""
    owner = np.stack([owner for _, owner in video.frames()])
    sounds = np.stack([video.sounds(index / video.fps) for index in range(len(video))], 1)
    cuts = np.array(video.cuts, np.float32)
    np.savez_compressed(
        path, owner=owner, sounds=sounds, names=np.array(video.names), cuts=cuts, fps=np.array(video.fps)
    )


def main() -> None:
    """Render the videos of a seed from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with photos and recordings")
    parser.add_argument("--media", type=Path, required=True, help="folder with train and dev media")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", choices=("train", "dev"), default="dev")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=[*SCENARIOS, *RHYTHM])
    options = parser.parse_args()
    with errors_in_one_line():
        videos = TrackVideos(options.data, options.media, options.side)
        with atomic_folder(options.out) as folder:
            for name in options.scenarios:
                video = videos(name, options.seed)
                (folder / name).mkdir()
                write_video(folder / name / "video.mp4", video)
                write_truth(folder / name / "truth.npz", video)


if __name__ == "__main__":
    main()
