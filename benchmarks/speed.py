"""Speed of the preset, by stage, against a reference implementation: same weights, same machine, same run.

    python -m benchmarks.speed [--clip demo/clip.mp4] [--frames 16] [--rounds 3] [--scenes 40] [--json]
                               [--write docs/speed.md]

The reference crops masks with PIL one by one and runs one forward pass for each view, frame by frame. Every
round runs each variant once in direct succession, so that other load on the machine affects all variants
equally; ratios are of medians. Fidelity is measured on composites of dev media: the exact path (Eq. 1-3) and
the fast path have the same masks and audio.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import tables
from recipes.common.options import add_media, open_media
from recipes.common.pairwise_choice import ChoiceScene, encode_windows, render_choice_scenes
from seac.associate.embed import embed_masks
from seac.core.atomic import write_atomic
from seac.core.result import FrameResult
from seac.core.types import Proposals
from seac.export.draw import draw_result
from seac.export.record import RecordWriter
from seac.export.writer import Clip, Writer
from seac.media.decode import AudioReader
from seac.media.encode import VideoWriter
from seac.media.sources import audio_file, resolve_source, source_frames
from seac.pipeline import SeAC
from seac.presets.load import load
from seac.profiling.reference import reference_embeddings
from seac.segment.base import best_of
from seac.video.predictor import VideoPredictor

FIRST = "import seac; next(seac.VideoPredictor(seac.load()).stream({clip!r}, {fps}))"


class DrawnResults:
    """A video of the results, drawn."""

    def __init__(self, folder: Path, clip: Clip) -> None:
        self._writer = VideoWriter(folder / "overlay.mp4", clip.fps, clip.audio)

    def add(self, result: FrameResult) -> None:
        """Draw a result."""
        self._writer.add(draw_result(result))

    def close(self) -> None:
        """Finish the video."""
        self._writer.close()


def open_writers(folder: Path, clip: Path, fps: float) -> list[Writer]:
    """Writers of the results, as masks in a record and as a video."""
    given = Clip(clip, clip, fps, {})
    return [RecordWriter(folder, given), DrawnResults(folder, given)]


def stages(model: SeAC, clip: Path, fps: float, frames: int) -> dict[str, dict[str, float]]:
    """Milliseconds per frame of each stage, frames in sequence: median, 90th percentile, share."""
    source = resolve_source(clip)
    sound = AudioReader(audio_file(source), model.stages.audio.sample_rate)
    spent: dict[str, list[float]] = {}

    def propose(image: Tensor) -> Proposals:
        return best_of(model.stages.segmenter, image, model.settings.top_n)

    def timed(name: str, work: Callable[..., Any], *given: Any) -> Any:
        began = time.perf_counter()
        answer = work(*given)
        spent.setdefault(name, []).append(1000 * (time.perf_counter() - began))
        return answer

    def written(result: FrameResult) -> None:
        for each in writers:
            each.add(result)

    with tempfile.TemporaryDirectory() as folder:
        writers = open_writers(Path(folder), clip, fps)
        frame_iterator = source_frames(source, fps, model.settings.max_side)
        for number in range(frames):
            frame = timed("decode", next, frame_iterator, None)
            if frame is None:
                break
            proposals = timed("propose", propose, frame.image)
            masks, boxes = proposals.masks, proposals.boxes
            vision, views = model.stages.vision, model.settings.views
            timed("embed, fast", partial(embed_masks, exact=False), frame.image, masks, boxes, vision, views)
            timed("embed, exact", partial(embed_masks, exact=True), frame.image, masks, boxes, vision, views)
            timed("embed, reference", reference_embeddings, frame.image, masks, boxes, vision, views)
            half = model.settings.audio_window / 2
            window = sound.read(frame.time - half, frame.time + half)
            encoded_audio = timed(
                "encode audio", model.encode_audio, window, model.stages.audio.sample_rate, half
            )
            result = timed(
                "predict", model.predict, model.encode_image(frame.image), encoded_audio, frame.time
            )
            timed("draw and write", written, result)
            if number == 0:
                spent = {}  # the first frame is a warm-up
        for each in writers:
            each.close()
    return {
        name: {"median_ms": float(np.median(times)), "p90_ms": float(np.percentile(times, 90))}
        for name, times in spent.items()
    }


def measure_end_to_end(
    model: SeAC, clip: Path, fps: float, frames: int, rounds: int
) -> dict[str, dict[str, float]]:
    """End-to-end speed of alternating variants: frames per second, and CPU milliseconds per frame.

    CPU time is hardly affected by other load. The number of cores divided by it approximates the rate of an
    idle machine.
    """
    modes = {
        "fast": model.settings,
        "fast, one frame at a time": replace(model.settings, workers=1),
        "exact": replace(model.settings, exact=True),
    }
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in modes}
    for _ in range(rounds):
        for name, settings in modes.items():
            mode = SeAC(model.stages, model.vocabulary, settings)
            with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
                began, worked = time.perf_counter(), time.process_time()
                writers = open_writers(Path(folder), clip, fps)
                for each in writers:
                    stack.callback(each.close)
                count = 0
                for result in islice(VideoPredictor(mode).stream(clip, fps), frames):
                    count += 1
                    for each in writers:
                        each.add(result)
                wall, work = time.perf_counter() - began, time.process_time() - worked
            rates[name].append((count / wall, 1000 * work / count))
    return {
        name: {
            "frames_per_second": float(np.median([rate for rate, _ in values])),
            "cpu_ms_per_frame": float(np.median([work for _, work in values])),
        }
        for name, values in rates.items()
    }


def commands(clip: Path, fps: float, rounds: int) -> dict[str, float]:
    """Medians over rounds of :func:`command`, and the minimum and maximum rate."""
    runs = [command(clip, fps) for _ in range(rounds)]
    rates = [each["frames_per_second"] for each in runs]
    medians = {name: float(np.median([each[name] for each in runs])) for name in runs[0]}
    return medians | {"min_frames_per_second": min(rates), "max_frames_per_second": max(rates)}


def command(clip: Path, fps: float) -> dict[str, float]:
    """Run ``seac segment``: seconds and peak memory; also seconds from start to the first result."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [
            sys.executable,
            "-c",
            PEAK,
            "segment",
            str(clip),
            "--fps",
            str(fps),
            "-o",
            folder,
            "--json",
        ]
        began = time.perf_counter()
        format_key = subprocess.run(arguments, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - began
    summary = json.loads(format_key.stdout.splitlines()[-1])["clips"][0]
    peak, work = map(float, format_key.stderr.splitlines()[-1].split())
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", FIRST.format(clip=str(clip), fps=fps)], check=True)
    first = time.perf_counter() - began
    return {
        "seconds_from_start_to_end": seconds,
        "frames_per_second": summary["frames"] / summary["seconds"],
        "cpu_ms_per_frame_with_start": 1000 * work / summary["frames"],
        "seconds_to_first_result": first,
        "peak_megabytes": peak,
    }


PEAK = """
import atexit, resource, sys
from seac.cli.app import main
from seac.profiling.memory import peak_memory
def print_usage():
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(peak_memory() / 2**20, used.ru_utime + used.ru_stime, file=sys.stderr)
atexit.register(print_usage)
main()
"""


def ranks(values: Tensor) -> Tensor:
    """Centred ranks, (n,) float."""
    rank_correlations = values.argsort().argsort().float()
    return rank_correlations - rank_correlations.mean()


def fidelity(model: SeAC, composites: Sequence[ChoiceScene]) -> dict[str, float]:
    """Fast path against exact path, on proposals (ranking) and on true masks (choice)."""
    rank_correlations: list[float] = []
    same: list[bool] = []
    picked: dict[str, list[bool]] = {"exact": [], "fast": []}
    for scene in composites:
        audio_features = encode_windows(model.stages.audio, scene.waveform)
        proposals = best_of(model.stages.segmenter, scene.image, model.settings.top_n)
        masks = torch.cat([scene.masks, proposals.masks])
        boxes = torch.cat([scene.boxes, proposals.boxes])
        true = len(scene.masks)
        similarity = {}
        for name, exact in (("exact", True), ("fast", False)):
            vision, views = model.stages.vision, model.settings.views
            embeddings = embed_masks(scene.image, masks, boxes, vision, views, exact=exact)
            similarity[name] = model.stages.association(embeddings, audio_features)
        for name, values in similarity.items():
            picked[name].append(int(values[:true].argmax()) == 0)
        left, right = (ranks(values[true:]) for values in similarity.values())
        rank_correlations.append(float((left * right).sum() / (left.norm() * right.norm()).clamp_min(1e-9)))
        same.append(bool(left.argmax() == right.argmax()))
    return {
        "scenes": len(composites),
        "rank_correlation": float(np.mean(rank_correlations)),
        "same_best_mask": float(np.mean(same)),
        "pairwise_choice_exact": float(np.mean(picked["exact"])),
        "pairwise_choice_fast": float(np.mean(picked["fast"])),
    }


def main() -> None:
    """Measure and print; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, default=Path(__file__).parents[1] / "demo/clip.mp4")
    parser.add_argument("--frames", type=int, default=16, help="frames for the table by stage; 0 omits it")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of end-to-end runs")
    parser.add_argument("--fps", type=float, default=4.0)
    add_media(parser)
    parser.add_argument("--scenes", type=int, default=40, help="composites for fidelity; 0 omits it")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", type=Path, help="a page of the docs")
    options = parser.parse_args()
    model = load("tiny")
    report: dict[str, Any] = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    report["machine"] = tables.machine()
    report["clip"] = f"{options.clip.name} at {options.fps:g} frames a second, {model.settings.top_n} masks"
    if options.frames:
        report["stages"] = stages(model, options.clip, options.fps, options.frames + 1)
        reference_ms = report["stages"]["embed, reference"]["median_ms"]
        report["embed_times_reference"] = {
            name: reference_ms / report["stages"][f"embed, {name}"]["median_ms"] for name in ("exact", "fast")
        }
        report["whole"] = measure_end_to_end(model, options.clip, options.fps, options.frames, options.rounds)
        report["command"] = commands(options.clip, options.fps, options.rounds)
    if options.scenes:
        scenes = list(render_choice_scenes(open_media(options.media), options.scenes, 0))
        report["fidelity"] = fidelity(model, scenes)
    print(json.dumps(report) if options.json else page(report))
    if options.write:
        write_atomic(options.write, page(report))


def page(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    lines = [
        "# Speed of tiny",
        "",
        f"Written by `python -m benchmarks.speed --write docs/speed.md` on {report['machine']}, torch "
        f"{report['torch']}, {report['threads']} threads: {report['clip']}. What else a machine does counts: "
        "compare rows with one another. The reference is PIL crops in a loop, one forward pass each.",
    ]
    for title, name in TITLES.items():
        rows = report.get(name)
        if rows:
            nested = isinstance(next(iter(rows.values())), dict)
            heads = [format_key(key) for key in next(iter(rows.values()))] if nested else [""]
            values = ((key, row.values() if nested else [row]) for key, row in rows.items())
            table_rows = [[format_key(key), *(f"{value:.4g}" for value in row)] for key, row in values]
            lines += ["", f"## {title}", "", *tables.table(["", *heads], table_rows)]
    return "\n".join(lines) + "\n"


def format_key(key: str) -> str:
    """A key as readable text."""
    return key.replace("_", " ")


TITLES = {
    "By stage, one frame at a time": "stages",
    "Embedding masks: speed-up over the reference": "embed_times_reference",
    "From decoding to files": "whole",
    "As a user runs it: `seac segment`, medians": "command",
    "Fidelity of the fast path to the exact one, on composites": "fidelity",
}
"""Headings of the page -> parts of the report."""


if __name__ == "__main__":
    main()
