"""The figures of docs/how_it_works.md, from the demo clip: ``python -m benchmarks.site.figures``.

Each figure shows what one stage of the preset tiny computed for one frame and its audio. The timeline of that
page is the one that ``make pictures`` writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

import seac
from seac.core.result import FrameResult
from seac.export.draw import draw_result
from seac.media.decode import AudioReader, frames

REPO = Path(__file__).resolve().parents[2]
CLIP = REPO / "demo/clip.mp4"
FOLDER = REPO / "docs/figures"
TIME = 4.0
"""Seconds of the frame: the sheep bleats and the duck is silent."""
SHOWN = 8
"""Masks that are shown, best proposal first."""
COLOURS = 255
"""Colours of a figure: photographs as PNG are large."""


@dataclass(frozen=True)
class Scene:
    """A frame with its audio, and what the model computes from both.

    Attributes:
        result: of the frame.
        waveform: (S,) float32, the audio window of the frame.
        sample_rate: Hz.
        start: seconds of the first sample.
        threshold: minimum probability of a sounding mask.
    """

    result: FrameResult
    waveform: NDArray[np.float32]
    sample_rate: int
    start: float
    threshold: float

    @property
    def shown(self) -> list[int]:
        """Rows of the masks that are shown, best proposal first."""
        return list(range(min(SHOWN, len(self.result))))


def analyse(clip: Path, time: float) -> Scene:
    """The scene at a time of a video.

    Args:
        clip: a video with audio.
        time: seconds.
    """
    model = seac.load("tiny")
    rate, half = model.stages.audio.sample_rate, model.settings.audio_window / 2
    frame = next(found for found in frames(clip, 2.0, model.settings.max_side) if found.time >= time)
    waveform = AudioReader(clip, rate).read(frame.time - half, frame.time + half)
    image = model.encode_image(frame.image)
    result = model.predict(image, model.encode_audio(waveform, rate), frame.time)
    return Scene(result, waveform.numpy(), rate, frame.time - half, model.stages.calibration.threshold)


def draw_input(scene: Scene) -> Figure:
    """The frame, and the waveform of its audio window."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    image, audio = figure.subplots(1, 2)
    show(image, scene.result.image, f"frame at {scene.result.time:g} s")
    times = scene.start + np.arange(len(scene.waveform)) / scene.sample_rate
    audio.plot(times, scene.waveform, linewidth=0.4, color="#3949ab")
    audio.axvline(scene.result.time, color="black", linestyle=":")
    name, share = scene.result.audio_summary.top_classes[0]
    audio.set_title(f"audio window; audio encoder: {name} {share:.0%}", fontsize=9)
    audio.set_xlabel("seconds")
    return figure


def draw_proposals(scene: Scene) -> Figure:
    """The masks that are shown, one by one, on a darkened frame."""
    result = scene.result
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    panels = figure.subplots(2, SHOWN // 2).flat
    for number, (axes, row) in enumerate(zip(panels, scene.shown, strict=False)):
        only = np.where(result.masks[row][..., None], result.image, result.image // 5)
        show(axes, only, f"mask {number}: objectness {result.scores[row]:.2f}")
    figure.suptitle(f"{SHOWN} of {len(result)} proposals; no audio was used", fontsize=10)
    return figure


def draw_values(scene: Scene, values: NDArray[np.float32], title: str, limit: float | None = None) -> Figure:
    """A value of each mask: on the frame, the greatest at each pixel; as bars, of the masks that are shown.

    Args:
        scene: gives frame and masks.
        values: (N,) one of each mask.
        title: what they are.
        limit: value of a line across the bars.
    """
    result, rows = scene.result, scene.shown
    low, high = (0.0, 1.0) if limit is not None else (float(values.min()), float(values.max()))
    painted = np.where(result.masks, values[:, None, None], np.nan)
    covered = result.masks.any(axis=0)
    painted = np.where(covered, np.nanmax(np.where(result.masks, painted, -np.inf), axis=0), np.nan)
    figure = Figure(figsize=(9, 3), layout="constrained")
    image, bars = figure.subplots(1, 2)
    show(image, result.image, f"{title}: greatest of the masks at each pixel")
    shade = image.imshow(painted, cmap="viridis", vmin=low, vmax=high, alpha=0.75)
    figure.colorbar(shade, ax=image, fraction=0.04)
    bars.barh([f"mask {number}" for number in range(len(rows))], values[rows], color="#3949ab")
    bars.invert_yaxis()
    bars.set_xlim(min(0.0, low), high * 1.05)
    bars.set_title(title, fontsize=9)
    if limit is not None:
        bars.axvline(limit, color="black", linestyle=":")
        bars.text(limit, len(rows) - 0.6, " threshold", fontsize=8, va="top")
    return figure


def draw_decision(scene: Scene) -> Figure:
    """The heatmap, and the sounding masks with their names."""
    result = scene.result
    figure = Figure(figsize=(9, 3), layout="constrained")
    heat, sounding = figure.subplots(1, 2)
    show(heat, result.image, "heatmap (Eq. 4)")
    shade = heat.imshow(result.heatmap, cmap="inferno", vmin=0, vmax=1, alpha=0.7)
    figure.colorbar(shade, ax=heat, fraction=0.04)
    shown = len(result.display_rows())
    title = f"{int(result.sounding.sum())} of {len(result)} masks sound, {shown} not covered by another"
    show(sounding, draw_result(result), title)
    return figure


def show(axes: Any, image: NDArray[np.uint8], title: str) -> None:
    """Show an image without axes."""
    axes.imshow(image)
    axes.set_title(title, fontsize=9)
    axes.axis("off")


def draw_all(scene: Scene) -> dict[str, Figure]:
    """File -> figure."""
    result, threshold = scene.result, scene.threshold
    return {
        "input.png": draw_input(scene),
        "proposals.png": draw_proposals(scene),
        "similarity.png": draw_values(scene, result.similarity, "similarity with the audio"),
        "probability.png": draw_values(scene, result.probability, "probability to sound", threshold),
        "decision.png": draw_decision(scene),
    }


def as_png(figure: Figure) -> bytes:
    """A figure as PNG of :data:`COLOURS` colours."""
    raw, small = BytesIO(), BytesIO()
    figure.savefig(raw, dpi=100)
    with Image.open(raw) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the figures."""
    FOLDER.mkdir(exist_ok=True)
    for name, figure in draw_all(analyse(CLIP, TIME)).items():
        (FOLDER / name).write_bytes(as_png(figure))
        print(f"docs/figures/{name}")


if __name__ == "__main__":
    main()
