"""Figure of one result: frame, heatmap, sounding masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from seac.core.result import FrameResult
from seac.export.draw import caption, draw_result


def plot_result(result: FrameResult, path: str | Path | None = None) -> Any:
    """Plot a result as a matplotlib figure with three panels; written to ``path`` if given."""
    height, width = result.image.shape[:2]
    figure = Figure(figsize=(12, max(2.0, min(8.0, 4 * height / width + 0.6))), layout="constrained")
    frame, heat, sounding = figure.subplots(1, 3)
    frame.imshow(result.image)
    heat.imshow(result.image)
    shade = heat.imshow(result.heatmap, cmap="inferno", vmin=0, vmax=1, alpha=0.7)
    figure.colorbar(shade, ax=heat, fraction=0.04)
    sounding.imshow(draw_result(result))
    titles = (
        caption(result),
        f"heatmap (Eq. 4), confidence {result.confidence:.2f}",
        f"{int(result.sounding.sum())} of {len(result)} masks sound",
    )
    for axes, title in zip((frame, heat, sounding), titles, strict=True):
        axes.set_title(title, fontsize=10, parse_math=False)
        axes.axis("off")
    if path is not None:
        figure.savefig(path, dpi=110)
    return figure
