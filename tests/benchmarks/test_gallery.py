"""The gallery of proposals: features of regions, their grouping, and the page."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.gallery.clip_patterns import clip_patterns, outcome
from benchmarks.gallery.clips import ShownClip, frame_to_show, readers, show_clips
from benchmarks.gallery.figures import around
from benchmarks.gallery.images import Case, Worst, show_images
from benchmarks.gallery.page import section, write_page
from benchmarks.gallery.patterns import AXES, misses, patterns, summarise
from benchmarks.gallery.regions import (
    Region,
    colour_contrast,
    how_missed,
    measure_regions,
    pieces,
    touches,
    width,
)
from seac.core.errors import InputError
from seac.core.types import Proposals
from seac.segment.ops import boxes_of
from tests.fixtures import benchmarks
from tests.fixtures.parts import synthetic_model


def square(y: int, x: int, side: int, size: int = 80) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[y : y + side, x : x + side] = True
    return mask


def scene(seed: int = 0) -> Case:
    image = np.random.default_rng(seed).integers(0, 256, (80, 80, 3), np.uint8)
    return f"scene {seed}", image, np.stack([square(0, 0, 30), square(40, 40, 20)])


class Given:
    """Proposes the same masks for every image."""

    def __init__(self, *masks: np.ndarray) -> None:
        self.masks = torch.from_numpy(np.stack(masks))

    def __call__(self, image: torch.Tensor) -> Proposals:
        return Proposals(self.masks, boxes_of(self.masks), torch.linspace(1, 0.1, len(self.masks)))


ORDINARY = Region(
    iou=0.5,
    rank=0,
    iou_ten=0.5,
    covered=1.0,
    inside=0.5,
    share=0.05,
    on_frame=False,
    pieces=1,
    colour_contrast=10.0,
    spread=10.0,
    width=0.8,
    neighbours=5,
)


def test_a_region_that_is_proposed_exactly_is_found_at_that_rank() -> None:
    _, image, true = scene()
    first, second = measure_regions(image, true, np.stack([square(60, 0, 9), true[1]]))
    assert (second.iou, second.rank, second.covered, second.inside) == (1, 1, 1, 1)
    assert first.iou == 0
    assert how_missed(second) == "found"


def test_no_proposals_miss_every_region() -> None:
    _, image, true = scene()
    found = measure_regions(image, true, np.zeros((0, 80, 80), bool))
    assert [(one.iou, one.rank, how_missed(one)) for one in found] == [(0, -1, "beside")] * 2


@pytest.mark.parametrize(
    ("proposed", "expected"),
    [
        (square(10, 10, 60), "swallowed"),
        (square(25, 25, 8), "in pieces"),
        (square(32, 32, 20), "beside"),
        (square(21, 21, 20), "found"),
    ],
)
def test_the_type_of_a_miss_follows_from_the_overlap_with_the_best_proposal(
    proposed: np.ndarray, expected: str
) -> None:
    image = np.zeros((80, 80, 3), np.uint8)
    (found,) = measure_regions(image, square(20, 20, 20)[None], proposed[None])
    assert how_missed(found) == expected


def test_the_features_of_a_region_depend_on_its_shape() -> None:
    disc = np.hypot(*(np.indices((80, 80)) - 40)) < 20
    stripe = np.zeros((80, 80), bool)
    stripe[38:41, 5:75] = True
    assert width(disc) > 0.95
    assert width(stripe) < 0.3
    assert not touches(disc)
    assert touches(square(0, 20, 5))
    assert pieces(disc | square(0, 0, 8)) == 2
    assert pieces(disc | square(0, 0, 2)) == 1  # a component below 1 %


def test_colour_contrast_is_that_of_the_surroundings_and_not_of_the_whole_image() -> None:
    lab = np.zeros((80, 80, 3), np.float32)
    mask = square(30, 30, 20)
    lab[mask] = 40
    far = lab.copy()
    far[:10] = 90
    assert colour_contrast(lab, mask) == pytest.approx(40 * 3**0.5, rel=1e-5)
    assert colour_contrast(far, mask) == colour_contrast(lab, mask)
    assert colour_contrast(lab, np.ones((80, 80), bool)) == 0


@pytest.mark.parametrize("corner", [(0, 0), (0, 70), (33, 41), (70, 70)])
def test_a_crop_is_a_square_that_contains_the_region(corner: tuple[int, int]) -> None:
    mask = square(*corner, 10)
    mask[corner[0] + 5 :, :] = False  # 5 high, 10 wide
    window = around(mask)
    assert mask[window].sum() == mask.sum()
    assert mask[window].shape == (34, 34)
    assert around(np.ones((20, 30), bool)) == (slice(0, 20), slice(0, 30))


def test_every_grouping_has_every_region_once_and_the_missed_add_up() -> None:
    draw = np.random.default_rng(0)
    regions = [
        replace(
            ORDINARY,
            iou=float(draw.random()), share=float(draw.random() ** 3), pieces=int(draw.integers(1, 7)),
            colour_contrast=float(draw.random() * 60), spread=float(draw.random() * 40),
            width=float(draw.random()),
            on_frame=bool(draw.integers(2)), neighbours=int(draw.integers(1, 40)),
        )
        for _ in range(200)
    ]  # fmt: skip
    found = patterns(regions)
    assert {pattern.name for pattern in found} == {axis.name for axis in AXES}
    for pattern in found:
        assert sum(group.regions for group in pattern.groups) == 200
        assert sum(group.lost for group in pattern.groups) == pytest.approx(1)
        mean = sum(group.iou * group.regions for group in pattern.groups) / 200
        assert mean == pytest.approx(summarise("", regions).iou)
    assert sum(misses(regions).values()) == pytest.approx(1)


def test_the_most_explaining_grouping_comes_first() -> None:
    regions = [replace(ORDINARY, iou=0.9, on_frame=False), replace(ORDINARY, iou=0.2, on_frame=True)] * 5
    first, *rest = patterns(regions)
    assert first.name == "image border"
    assert first.explained == pytest.approx(1)
    assert all(pattern.explained == pytest.approx(0) for pattern in rest)


def test_only_the_worst_regions_stay_on_the_disk(tmp_path: Path) -> None:
    worst = Worst(tmp_path, 3)
    images = list(show_images((scene(seed) for seed in range(4)), Given(square(0, 0, 30)), tmp_path, worst))
    kept_regions = worst.regions()
    assert [shown.region.iou for shown in kept_regions] == [0, 0, 0]
    kept = {Path(shown.file).name for shown in kept_regions}
    assert {path.name for path in tmp_path.glob("region-*.jpg")} == kept
    assert len(kept) == 3
    assert [image.missed for image in images] == [1] * 4


def test_images_are_drawn_one_at_a_time(tmp_path: Path) -> None:
    opened: list[int] = []

    def cases():  # type: ignore[no-untyped-def]
        for seed in range(3):
            opened.append(seed)
            yield scene(seed)

    shown = show_images(cases(), Given(square(0, 0, 30)), tmp_path, Worst(tmp_path, 1))
    next(shown)
    assert opened == [0]


class Page(HTMLParser):
    """Collects the references of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_is_self_contained_and_shows_the_worst_first(tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    folder.mkdir()
    worst = Worst(folder, 2)
    good = ("good & <b>", *scene(1)[1:])
    cases = [good, ("bad", good[1], np.stack([square(60, 60, 15), square(40, 5, 12)]))]
    images = list(show_images(cases, Given(square(0, 0, 30)), folder, worst))
    part = section("Composite scenes", "note", images, worst.regions(), composite=True)
    write_page([part], [], "about", tmp_path / "gallery.html")
    text = (tmp_path / "gallery.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.sources
    for source in page.sources:
        with Image.open(tmp_path / source) as image:
            assert image.size[1] > 0
    assert "://" not in text
    assert "good &amp; &lt;b&gt;" in text
    captions = re.findall(r"<figcaption>(.*?) · mean best", text)
    assert captions == ["bad (composite)", "good &amp; &lt;b&gt; (composite)"]


def test_a_model_that_selects_the_correct_square_is_shown_as_right(tmp_path: Path) -> None:
    benchmarks.s4(tmp_path / "Single-source", 2)
    found = readers(tmp_path)
    assert set(found) == {"s4"}
    (tmp_path / "clips").mkdir()
    clips = list(show_clips(found, synthetic_model(), 2, tmp_path / "clips"))
    assert [clip.category for clip in clips] == ["red", "green"]
    for clip in clips:
        assert (clip.picked, clip.attribution) == (1, "right")
        assert clip.heatmap_iou > 0.99
        assert (tmp_path / clip.image).is_file()
        assert clip.audio is not None
        assert (tmp_path / clip.audio).is_file()
    write_page([], clips, "about", tmp_path / "gallery.html")
    text = (tmp_path / "gallery.html").read_text(encoding="utf-8")
    assert text.count("<figcaption>s4, composite") == 2


def test_a_folder_without_benchmarks_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Single-source") as caught:
        readers(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_sounding_frame_is_shown() -> None:
    truth = torch.zeros(5, 4, 4)
    assert frame_to_show(truth) == 2
    truth[3, 0, 0] = 1
    assert frame_to_show(truth) == 3
    truth[2, 0, 0] = 1
    assert frame_to_show(truth) == 2


def clip(heatmap_iou: float, picked: float, oracle: float, name: str = "Dog") -> ShownClip:
    return ShownClip(
        "s4", "one", "dog", heatmap_iou, picked, oracle, "", name, name, "dog", "clips/one.jpg", None
    )


def test_the_outcome_of_a_clip_is_the_first_failed_step() -> None:
    assert outcome(clip(0.9, 0.9, 0.9)) == "correct heatmap"
    assert outcome(clip(0.2, 0.3, 0.4)) == "no matching masks"
    assert outcome(clip(0.2, 0.8, 0.9)) == "correct mask selected, heatmap wrong"
    assert outcome(clip(0.2, 0.1, 0.9)) == "another mask selected"


def test_every_clip_is_in_one_group_of_each_table_and_rare_classes_share_one() -> None:
    names = ["Music"] * 4 + ["Dog"] * 3 + ["A", "A", "B", "B", "C", "C", "D", "E"]
    found = clip_patterns([clip(0.2, 0.8, 0.9, name) for name in names])
    for pattern in found:
        assert sum(group.clips for group in pattern.groups) == len(names)
        assert [group.clips for group in pattern.groups] == sorted(
            (group.clips for group in pattern.groups), reverse=True
        )
    by_class = {group.name: group.clips for group in found[-1].groups}
    assert by_class == {"Music": 4, "Dog": 3, "A": 2, "B": 2, "C": 2, "other classes": 2}
    assert clip_patterns([])[0].groups == ()
