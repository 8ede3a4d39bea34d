"""gallery.html: tables of patterns, then images in ascending order of IoU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment

from benchmarks.gallery.clip_patterns import clip_patterns
from benchmarks.gallery.clips import ShownClip
from benchmarks.gallery.images import ShownImage, ShownRegion
from benchmarks.gallery.patterns import Group, Pattern, misses, patterns, summarise

TEMPLATE = Path(__file__).with_name("gallery.html.j2")


@dataclass(frozen=True)
class Section:
    """One set of images: metrics, worst regions and all images, the worst first."""

    title: str
    note: str
    every: Group
    how: dict[str, float]
    patterns: tuple[Pattern, ...]
    worst: tuple[ShownRegion, ...]
    images: tuple[ShownImage, ...]
    composite: bool


def section(
    title: str,
    note: str,
    images: Sequence[ShownImage],
    worst: Sequence[ShownRegion],
    *,
    composite: bool = False,
) -> Section:
    """Metrics of images, and the images in the order of the page."""
    regions = [region for image in images for region in image.regions]
    return Section(
        title,
        note,
        summarise("all regions", regions),
        misses(regions),
        tuple(patterns(regions)) if regions else (),
        tuple(worst),
        tuple(sorted(images, key=lambda image: image.iou)),
        composite,
    )


def write_page(sections: Sequence[Section], clips: Sequence[ShownClip], about: str, path: Path) -> None:
    """Write a page that is self-contained in its folder."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    ordered = sorted(clips, key=lambda clip: clip.heatmap_iou)
    attributions = {
        name: sum(clip.attribution == name for clip in clips)
        for name in sorted({c.attribution for c in clips})
    }
    page = template.render(
        sections=sections,
        clips=ordered,
        clip_patterns=clip_patterns(clips),
        attributions=attributions,
        about=about,
    )
    path.write_text(page, encoding="utf-8")
