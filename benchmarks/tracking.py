"""Evaluate trackers on test videos with known ids, and write docs/tracking.md.

    python -m benchmarks.tracking --data REAL --media MEDIA --work FOLDER [--seeds 0 1 2] [--write FILE]
    python -m benchmarks.tracking ... --choose 3

The videos are those of :mod:`recipes.common.track_videos`, one per scenario and seed. The networks run once
per video; their output is kept in FOLDER, so an interrupted run can be resumed. ``--choose SEED`` instead
prints the objective of each alternative setting of the tracker on the videos of another seed, one setting at
a time. ByteTrack is compared if the package ``trackers`` can be imported.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from benchmarks import motion_loudness, shots
from benchmarks.tables import machine, table
from benchmarks.tracking_cache import EncodedVideo, encode_video
from recipes.common.track_videos import HEIGHT, SCENARIOS, SECONDS, WIDTH, TrackVideos
from seac.core.atomic import write_atomic
from seac.core.covering import covering_pairs, keep_likeliest, representatives
from seac.decision.calibration import Calibration
from seac.decision.sounding import decide
from seac.metrics.functional.tracking import (
    MATCH,
    TrackedMasks,
    VideoOverlaps,
    id_sums,
    mask_iou,
    summarise,
    tracking_sums,
)
from seac.pipeline import SeAC
from seac.presets.load import load
from seac.results.decide import track_ranks
from seac.video.grid import GridMotion, to_grid
from seac.video.tracker import DEFAULT, MAX_AGE, NEVER, Tracker, TrackerSettings

RATE = 4
"""Key frames per second on which the networks run."""
STEPS = {4: 1.0, 2: 2.0, 1: 4.0}
"""Every how many of these key frames are tracked: key frames per second."""
USUAL = 2
"""Of :data:`STEPS`, that of all tables but one; ``seac segment`` has one to two key frames per second."""
IDS = ("assa", "idr", "switches")
SHOWN = ("hota", "deta", "assa", "idf1", "switches", "active_iou", "second_f1", "jitter")
HEADS = {
    "hota": "HOTA", "deta": "DetA", "assa": "AssA", "idf1": "IDF1", "idr": "IDR",
    "switches": "switches per video", "active_iou": "active IoU", "second_f1": "F1 per second",
    "jitter": "jitter, pixels",
}  # fmt: skip
OBJECTIVE = ("assa", "idr")

BEFORE = TrackerSettings(
    overlap=0.7, velocity=False, reidentify=NEVER, return_cosine=NEVER, update=1
)  # fmt: skip
"""The tracker before this page: overlap and text-space embedding of the last mask."""

ALTERNATIVES: dict[str, tuple[Any, ...]] = {
    "overlap": (0.1, 0.3, 0.5, 0.7, 1.0),
    "min_match": (0.25, 0.35, 0.45, 0.55),
    "certain": (0.65, 0.75, 0.85, NEVER),
    "velocity": (False, True),
    "reidentify": (0.4, 0.5, 0.6, NEVER),
    "reach": (3.0, 6.0, 12.0),
    "growth": (0.0, 6.0, 12.0),
    "return_cosine": (0.5, 0.65, 0.75, 0.85, NEVER),
    "update": (0.15, 0.3, 0.6, 1.0),
}
"""Values of each setting from which ``--choose`` chooses."""


class FollowsMasks(Protocol):
    """A method under test, for one video."""

    def follow(self, video: Prepared, frame: int) -> Tensor:
        """Track ids (N,) of the masks of a key frame."""
        ...


class FrameByFrame:
    """No tracker: the id of a mask is its rank."""

    def follow(self, video: Prepared, frame: int) -> Tensor:
        """Ranks."""
        return torch.arange(len(video.grids[frame]))


@dataclass(frozen=True)
class Inputs:
    """What a :class:`Tracker` is given.

    Attributes:
        local: image embeddings in place of text-space embeddings.
        flow: the motion between key frames.
        cuts: scene cuts.
    """

    local: bool = True
    flow: bool = True
    cuts: bool = True


class Ours:
    """:class:`seac.video.tracker.Tracker`."""

    def __init__(self, settings: TrackerSettings = DEFAULT, inputs: Inputs | None = None) -> None:
        self.tracker = Tracker(settings=settings)
        self.inputs = inputs or Inputs()

    def follow(self, video: Prepared, frame: int) -> Tensor:
        """Ids of the tracker."""
        embeddings = (video.local if self.inputs.local else video.text_embeddings)[frame]
        cut = self.inputs.cuts and video.encoded.is_cut(frame)
        motion = video.motion[frame] if self.inputs.flow and not cut else None
        time = float(video.encoded.times[frame])
        return self.tracker.follow_grids(video.grids[frame], embeddings, time, motion=motion, cut=cut)


class ByteTrack:
    """ByteTrack (Zhang et al., ECCV 2022) of the package ``trackers`` on the boxes of the masks.

    Every mask may start a track at once, and a track is kept for three seconds, as ours is.
    """

    def __init__(self) -> None:
        self._tracker: Any = None
        self._fresh = -1

    def follow(self, video: Prepared, frame: int) -> Tensor:
        """Ids of the tracker; what it does not track has an id of its own."""
        from supervision import Detections

        encoded, masks = video.encoded, video.masks[frame]
        rate = 1 / float(encoded.times[1] - encoded.times[0])
        if self._tracker is None:
            self._tracker = import_module("trackers").ByteTrackTracker(
                lost_track_buffer=round(MAX_AGE * rate), frame_rate=rate, track_activation_threshold=0.0,
                minimum_consecutive_frames=1, high_conf_det_threshold=0.5,
            )  # fmt: skip
        boxes = np.array([bounds(mask) for mask in masks], np.float32)
        scores = encoded.scores[encoded.rows(frame)].astype(np.float32)
        rows = np.arange(len(masks))
        found = self._tracker.update(Detections(boxes, confidence=scores, data={"row": rows}))
        ids = torch.full((len(masks),), -1, dtype=torch.int64)
        for row, number in zip(found.data.get("row", ()), found.tracker_id, strict=True):
            ids[int(row)] = int(number)
        for row in (ids < 0).nonzero().flatten().tolist():
            self._fresh -= 1
            ids[row] = self._fresh
        return ids


@dataclass(frozen=True)
class Method:
    """A row of the tables.

    Attributes:
        make: a tracker for a video.
        by_track: whether of masks that cover one another that of the best track is shown, as ``seac decide``
            does, in place of the likeliest of the frame.
    """

    make: Callable[[], FollowsMasks]
    by_track: bool = True


TODAY = Inputs(local=False, flow=False, cuts=False)
MAIN: dict[str, Method] = {
    "frame by frame": Method(FrameByFrame, by_track=False),
    "tracker before": Method(partial(Ours, BEFORE, TODAY), by_track=False),
    **({"ByteTrack": Method(ByteTrack)} if find_spec("trackers") else {}),
    "tracker": Method(Ours),
}
ORDERS: dict[str, Method] = {
    "tracker before, best track": Method(partial(Ours, BEFORE, TODAY)),
    "tracker, likeliest of the frame": Method(Ours, by_track=False),
}
PARTS: dict[str, Method] = {
    "without flow": Method(partial(Ours, inputs=Inputs(flow=False))),
    "without flow and velocity": Method(
        partial(Ours, replace(DEFAULT, velocity=False), Inputs(flow=False)),
    ),
    "without certain matches first": Method(partial(Ours, replace(DEFAULT, certain=NEVER))),
    "without growth of the reach": Method(partial(Ours, replace(DEFAULT, reach=12, growth=0))),
    "with text-space embeddings": Method(partial(Ours, inputs=Inputs(local=False))),
    "without embeddings": Method(partial(Ours, replace(DEFAULT, overlap=1, return_cosine=NEVER))),
    "with the embedding of the last mask": Method(partial(Ours, replace(DEFAULT, update=1))),
    "without re-identification by place": Method(partial(Ours, replace(DEFAULT, reidentify=NEVER))),
    "without return after cuts": Method(partial(Ours, replace(DEFAULT, return_cosine=NEVER))),
    "without cuts": Method(partial(Ours, inputs=Inputs(cuts=False))),
}
METHODS = {**MAIN, **ORDERS, **PARTS}


def bounds(mask: Tensor) -> tuple[int, int, int, int]:
    """Box (x1, y1, x2, y2) of a mask (H, W) bool."""
    ys, xs = mask.any(1).nonzero(), mask.any(0).nonzero()
    if not len(ys):
        return 0, 0, 1, 1
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


@dataclass(frozen=True)
class Prepared:
    """A video with what does not depend on the tracker.

    Attributes:
        encoded: the video after the networks.
        masks: N proposals of each key frame.
        grids: the same on the grid of the tracker.
        local: (N, d_m) image embeddings of the same.
        text_embeddings: (N, d) of the same.
        motion: from the key frame before to each; None for the first.
        objects: ids of everything that was pasted, in each key frame.
        overlaps: IoU (m, n) of these with the proposals ``matched``.
        sounding: truth of each key frame, what sounds.
        matched: rows of the proposals of each key frame that overlap an object by :data:`MATCH`. An object
            may have several; the metrics of ids choose one of them by its track.
    """

    encoded: EncodedVideo
    masks: tuple[Tensor, ...]
    grids: tuple[Tensor, ...]
    local: tuple[Tensor, ...]
    text_embeddings: tuple[Tensor, ...]
    motion: tuple[GridMotion | None, ...]
    objects: tuple[Tensor, ...]
    overlaps: tuple[Tensor, ...]
    sounding: tuple[TrackedMasks, ...]
    matched: tuple[Tensor, ...]

    @classmethod
    def of(cls, encoded: EncodedVideo) -> Prepared:
        """Unpack masks and truth."""
        masks, objects, overlaps, sounding, matched = [], [], [], [], []
        for frame in range(len(encoded)):
            owner = torch.from_numpy(encoded.owner[frame]).long()
            ids = torch.from_numpy(np.unique(encoded.owner[frame])).long()
            ids = ids[ids >= 0]
            truth = owner[None] == ids[:, None, None]
            active = torch.from_numpy(encoded.sounds[:, frame])[ids]
            proposals = torch.from_numpy(encoded.frame_masks(frame))
            iou = mask_iou(truth, proposals)
            rows = (iou >= MATCH).any(0).nonzero().flatten()
            masks.append(proposals)
            objects.append(ids)
            overlaps.append(iou[:, rows])
            sounding.append(TrackedMasks(ids[active], truth[active]))
            matched.append(rows)
        local, text_embeddings = (
            tuple(
                torch.from_numpy(column[encoded.rows(frame)].astype(np.float32))
                for frame in range(len(encoded))
            )
            for column in (encoded.local, encoded.text_embeddings)
        )
        flows = [torch.from_numpy(flow.astype(np.float32)) for flow in encoded.flows[1:]]
        return cls(
            encoded,
            tuple(masks),
            tuple(to_grid(each) for each in masks),
            local,
            text_embeddings,
            (None, *(GridMotion.from_flow(flow) for flow in flows)),
            tuple(objects),
            tuple(overlaps),
            tuple(sounding),
            tuple(matched),
        )

    def object_sums(self, ids: Sequence[Tensor]) -> Tensor:
        """Sums of the metrics of ids, of the proposals that overlap an object, from ids (N,) per frame."""
        rows = [each[rows] for each, rows in zip(ids, self.matched, strict=True)]
        return id_sums(VideoOverlaps.of(self.objects, rows, self.overlaps))


@dataclass(frozen=True)
class DecisionRule:
    """Constants of the decision of a model."""

    calibration: Calibration
    temperature: float
    absolute: bool

    @classmethod
    def of(cls, model: SeAC) -> DecisionRule:
        """The constants of a model."""
        head = model.stages.sounding_head
        return cls(model.stages.calibration, model.settings.softmax_temperature, head.absolute)

    def sounding(self, video: EncodedVideo, frame: int) -> tuple[Tensor, Tensor]:
        """Probability (N,), and whether each mask of a key frame sounds (N,)."""
        silent = bool(video.inactive[frame])
        logits = torch.from_numpy(video.logits[video.rows(frame)])
        found = decide(logits, self.calibration, self.temperature, absolute=self.absolute, inactive=silent)
        return found.probability, found.sounding


@dataclass(frozen=True)
class Candidates:
    """The masks of a key frame that may be shown.

    Attributes:
        probability: (N,).
        sounding: (N,) bool.
        pairs: (N, N) bool, which masks cover one another.
    """

    probability: Tensor
    sounding: Tensor
    pairs: Tensor

    @classmethod
    def frames(cls, video: Prepared, rule: DecisionRule) -> tuple[Candidates, ...]:
        """All key frames of a video."""
        return tuple(
            cls(*rule.sounding(video.encoded, frame), covering_pairs(masks, stride=1))
            for frame, masks in enumerate(video.masks)
        )


def likeliest_rows(candidates: Candidates) -> list[int]:
    """Rows that are shown by their probability, as :meth:`seac.core.result.FrameResult.display_rows`."""
    order = candidates.probability.argsort(descending=True, stable=True)
    return keep_likeliest(order[candidates.sounding[order]].tolist(), candidates.pairs)


def track_rows(ids: Sequence[Tensor], candidates: Sequence[Candidates]) -> list[list[int]]:
    """Rows that are shown in each key frame by their tracks, as :func:`seac.results.decide.decide`."""
    found = [(each[frame.sounding], frame.probability[frame.sounding])
             for each, frame in zip(ids, candidates, strict=True)]  # fmt: skip
    track, probability = (torch.cat(values).numpy() for values in zip(*found, strict=True))
    ranks = track_ranks(track, probability, 0.0)
    shown = []
    for each, frame in zip(ids, candidates, strict=True):
        numbers = each.tolist()
        order = sorted((row for row in range(len(numbers)) if numbers[row] in ranks),
                       key=lambda row: ranks[numbers[row]])  # fmt: skip
        stands = representatives(order, frame.pairs)
        shown.append(sorted({other for row, other in stands.items() if frame.sounding[row]}))
    return shown


def run_tracks(video: Prepared, method: Method, candidates: Sequence[Candidates] | None, rate: float) -> Sums:
    """Sums of the metrics of all objects and, if it is known what sounds, of what is shown; else 0."""
    tracker = method.make()
    ids = [tracker.follow(video, frame) for frame in range(len(video.encoded))]
    objects = video.object_sums(ids)
    if candidates is None:
        return objects, torch.zeros_like(objects)
    rows = track_rows(ids, candidates) if method.by_track else [likeliest_rows(frame) for frame in candidates]
    shown = [TrackedMasks(each[row], masks[row])
             for each, masks, row in zip(ids, video.masks, rows, strict=True)]  # fmt: skip
    return objects, tracking_sums(shown, video.sounding, rate)


def encode_missing(options: argparse.Namespace, seeds: Sequence[int], model: SeAC) -> None:
    """Run the networks on the videos of seeds that FOLDER lacks."""
    videos: TrackVideos | None = None
    for seed, name in product(seeds, options.scenarios):
        path = encoded_path(options, seed, name)
        if not path.is_file():
            videos = videos or TrackVideos(options.data, options.media)
            encode_video(model, videos(name, seed), RATE).save(path)


def encoded_path(options: argparse.Namespace, seed: int, name: str) -> Path:
    """File in FOLDER of a video."""
    return Path(options.work) / f"{seed}-{name}.npz"


OBJECTS, DISPLAYED = range(2)
"""Views of a video: all objects, and what is shown as sounding."""
Sums = tuple[Tensor, Tensor]
"""Sums of the metrics of both views of a video."""
Results = dict[tuple[str, int], dict[int, dict[str, Sums]]]
"""(method, step): seed: scenario: sums."""


def evaluate(options: argparse.Namespace, model: SeAC) -> Results:
    """Run every method on every video."""
    encode_missing(options, options.seeds, model)
    keys = list(product(options.seeds, options.scenarios))
    paths = [encoded_path(options, *key) for key in keys]
    results: Results = {}
    with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool:
        rules = [DecisionRule.of(model)] * len(paths)
        for (seed, name), found in zip(keys, pool.map(evaluate_video, paths, rules), strict=True):
            for method, sums in found.items():
                results.setdefault(method, {}).setdefault(seed, {})[name] = sums
    return results


def evaluate_video(path: Path, rule: DecisionRule) -> dict[tuple[str, int], Sums]:
    """Sums of each method and step on a video; at other rates than the usual one, the main methods."""
    torch.set_num_threads(1)
    encoded, found = EncodedVideo.load(path), {}
    for step, rate in STEPS.items():
        video = Prepared.of(encoded.thin(step))
        candidates = Candidates.frames(video, rule) if step == USUAL else None
        for method in METHODS if step == USUAL else MAIN:
            found[method, step] = run_tracks(video, METHODS[method], candidates, rate)
    return found


def seed_metrics(results: Results, method: str, seed: int, view: int, step: int = USUAL) -> dict[str, float]:
    """Metrics of a method over the videos of a seed, in a view."""
    each = [values[view] for values in results[method, step][seed].values()]
    metrics = summarise(torch.stack(each).sum(0))
    return {**metrics, "switches": metrics["switches"] / len(each)}


def metric_table(results: Results, methods: Iterable[str], view: int, columns: Sequence[str]) -> list[str]:
    """Lines of a table: a row per method, mean and standard deviation over seeds."""
    lines = []
    for method in methods:
        found = [seed_metrics(results, method, seed, view) for seed in results[method, USUAL]]
        lines.append([method, *(cell([values[key] for values in found], key) for key in columns)])
    return table(["", *(HEADS[key] for key in columns)], lines)


def rate_table(results: Results) -> list[str]:
    """Lines of a table: AssA of all objects, a row per method, a column per rate."""
    lines = []
    for method in MAIN:
        cells = []
        for step in STEPS:
            seeds = results[method, step]
            cells.append(cell([seed_metrics(results, method, seed, OBJECTS, step)["assa"] for seed in seeds]))
        lines.append([method, *cells])
    return table(["AssA", *(f"{RATE / step:g} per second" for step in STEPS)], lines)


def cell(values: Sequence[float], name: str = "") -> str:
    """Mean and standard deviation; shares are in percent."""
    scaled = np.array(values) * (1 if name in ("switches", "jitter") else 100)
    spread = f" ± {scaled.std(ddof=1):.1f}" if len(scaled) > 1 else ""
    return f"{scaled.mean():.1f}{spread}"


def scenario_table(results: Results) -> list[str]:
    """Lines of a table: a row per scenario, AssA and switches of all objects for each method."""
    rows = []
    for name in next(iter(results["tracker", USUAL].values())):
        cells = []
        for method in MAIN:
            each = [sums[name][OBJECTS] for sums in results[method, USUAL].values()]
            metrics = summarise(torch.stack(each).sum(0))
            cells.append(f"{100 * metrics['assa']:.1f} / {metrics['switches'] / len(each):.1f}")
        rows.append([name, *cells])
    return table(["AssA / switches per video", *MAIN], rows)


def choose(options: argparse.Namespace, model: SeAC) -> None:
    """Print the objective of each alternative setting, one at a time, on the videos of a seed."""
    encode_missing(options, [options.choose], model)
    paths = [encoded_path(options, options.choose, name) for name in options.scenarios]
    videos = [[without_masks(path, step) for step in STEPS] for path in paths]
    best = DEFAULT
    print(f"start {objective(videos, best):.4f}", flush=True)
    for name, values in ALTERNATIVES.items():
        scores = {value: objective(videos, replace(best, **{name: value})) for value in values}
        best = replace(best, **{name: max(scores, key=scores.__getitem__)})
        print(name, {value: round(score, 4) for value, score in scores.items()}, flush=True)
    print(best, f"{objective(videos, best):.4f}")


def without_masks(path: Path, step: int) -> Prepared:
    """A video for metrics of ids, which need no masks."""
    return replace(Prepared.of(EncodedVideo.load(path).thin(step)), masks=(), sounding=())


def objective(videos: Sequence[Sequence[Prepared]], settings: TrackerSettings) -> float:
    """Mean of :data:`OBJECTIVE` over all objects, over the rates, and without flow at the usual rate."""
    runs = [(index, Inputs()) for index in range(len(STEPS))]
    runs.append((list(STEPS).index(USUAL), Inputs(flow=False)))
    total = 0.0
    for index, inputs in runs:
        method = Method(partial(Ours, settings, inputs))
        sums = [run_tracks(video[index], method, None, 0.0)[OBJECTS] for video in videos]
        metrics = summarise(torch.stack(sums).sum(0))
        total += sum(metrics[name] for name in OBJECTIVE) / len(OBJECTIVE) / len(runs)
    return total


def rendered_sections(options: argparse.Namespace) -> list[str]:
    """Sections on cuts, and on motion and loudness, which need no network."""
    videos = TrackVideos(options.data, options.media)
    seeds, clips = options.seeds, options.data / "videos"
    cuts = kept_rows(
        options.work / f"cuts-{'-'.join(map(str, seeds))}.json", lambda: shots.rows(videos, seeds)
    )
    motion = kept_rows(options.work / "motion.json", lambda: motion_loudness.rows(videos, clips))
    return [
        "## Cuts",
        "",
        "Scene cuts in rendered videos, two of five with cuts, the others with a moving camera, fast objects "
        "and late entries. A flash of one to three frames is no cut.",
        "",
        *table(["", "found", "missed", "false"], cuts),
        "",
        "## Motion and loudness",
        "",
        "Of two things of one class, the one whose motion agrees better with the onsets of the audio would "
        "be the one that sounds: share of pairs in which that is so; chance is one half. Real clips of "
        f"{motion_loudness.WINDOW:g} s are put side by side with the audio of one of them. The tracker has "
        "no such rule: what sounds in a real clip moves with its audio too rarely.",
        "",
        *table(["", "right, percent", "pairs"], motion),
        "",
    ]


def kept_rows(path: Path, measure: Callable[[], list[list[object]]]) -> list[list[object]]:
    """Rows of a table from a file, or else measured and written to it."""
    if not path.is_file():
        write_atomic(path, json.dumps(measure()))
    found: list[list[object]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def page(results: Results, command: str, videos: int) -> str:
    """The whole page but the sections of :func:`rendered_sections`."""
    lines = [
        "# Tracks",
        "",
        f"Written by `{command}` on {machine()}.",
        "",
        f"{videos} rendered videos of {SECONDS:g} s, {HEIGHT} x {WIDTH} pixels: cut-outs of photographs with "
        "instance masks move over photographs, with recordings by class, all of the dev sides "
        "(`recipes/common/track_videos.py`). Ids, masks and times of sounding are known. Motion, occlusion "
        "and cuts are drawn at random, so rows can be compared with one another, not with published metrics. "
        f"The networks run on {RATE / USUAL:g} key frames a second. In percent unless a unit says otherwise; "
        "± is the standard deviation over seeds of the videos. The settings of the tracker were chosen on "
        "videos of another seed (`--choose`).",
        "",
        "Frame by frame, the id of a mask is its rank. The tracker before had overlap and text-space "
        "embedding of the last mask. ByteTrack is that of the package `trackers`, on the boxes of the masks; "
        "it has a motion model, and knows neither masks, embeddings nor cuts.",
        "",
        "## What is shown",
        "",
        "Masks that are shown as sounding, against the objects that sound and are visible. Of masks that "
        "cover one another, as a thing and its parts do, one is shown: frame by frame and with the tracker "
        "before the likeliest of the frame; in the other rows that of the track with the most evidence over "
        "the video, as `seac segment` and `seac decide` do.",
        "",
        *metric_table(results, [*MAIN, *ORDERS], DISPLAYED, SHOWN),
        "",
        "## All objects",
        "",
        "Ids of the proposals that overlap an object (IoU at least one half), whether it sounds or not. An "
        "object may have several proposals, so only metrics without false positives are given: AssA of HOTA, "
        "the share IDR of masks of an object that are in the track of the object, and id switches.",
        "",
        *metric_table(results, MAIN, OBJECTS, IDS),
        "",
        "By key frames per second:",
        "",
        *rate_table(results),
        "",
        "By scenario:",
        "",
        *scenario_table(results),
        "",
        "## Parts of the tracker",
        "",
        "All objects.",
        "",
        *metric_table(results, ["tracker", *PARTS], OBJECTS, IDS),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Evaluate and write the page, or choose settings."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with photos and recordings")
    parser.add_argument("--media", type=Path, required=True, help="folder with train and dev media")
    parser.add_argument("--work", type=Path, required=True, help="folder for the output of the networks")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=list(SCENARIOS))
    parser.add_argument("--choose", type=int, default=None, metavar="SEED")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--write", type=Path, default=None)
    options = parser.parse_args()
    model = load("tiny")
    if options.choose is not None:
        choose(options, model)
        return
    results = evaluate(options, model)
    command = "python -m benchmarks.tracking --data REAL --media MEDIA --work FOLDER"
    command += f" --seeds {' '.join(map(str, options.seeds))}"
    text = page(results, f"{command} --write {options.write}", len(options.seeds) * len(options.scenarios))
    text += "\n" + "\n".join(rendered_sections(options))
    print(text)
    if options.write is not None:
        write_atomic(options.write, text)


if __name__ == "__main__":
    main()
