"""The benchmark of real clips: annotation, scores, other_audio audio, summary, pairs of photographs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.real_clips import errors, pairs, scores, summary
from benchmarks.real_clips.annotation import (
    PARENTS,
    AnnotatedClip,
    AnnotatedFrame,
    Box,
    Thing,
    load_annotation,
)
from benchmarks.real_clips.clips import Case, FrameRecord, choose_donors, find_cases, run
from benchmarks.real_clips.encoded import EncodedImages
from benchmarks.real_clips.sheet import Sheet
from seac import InputError
from seac.core.result import FrameResult
from seac.core.types import AudioSummary
from tests.fixtures.parts import squares, synthetic_model, tone, write_video, write_wav

SHAPE = (20, 40)
LEFT: Box = (0.0, 0.0, 0.5, 1.0)
RIGHT: Box = (0.5, 0.0, 1.0, 1.0)
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


def thing(box: Box, larger: Box | None = None, *, name: str = "dog", optional: bool = False) -> Thing:
    return Thing((name,), box, larger, optional)


def frame(*things: Thing, distractors: tuple[Box, ...] = (), flags: tuple[str, ...] = ()) -> AnnotatedFrame:
    return AnnotatedFrame(0.5, things, distractors, flags)


def result(
    boxes: list[Box], probability: list[float], sounding: list[bool], names: list[str], heat: bool = True
) -> FrameResult:
    """A result whose masks fill their boxes; the heat of a mask is its probability."""
    masks = np.array([scores.rasterize([box], SHAPE) for box in boxes]).reshape(-1, *SHAPE)
    heatmap = np.zeros(SHAPE, np.float32)
    for mask, value in zip(masks, probability, strict=True):
        heatmap = np.maximum(heatmap, mask * np.float32(value * heat))
    height, width = SHAPE
    n = len(boxes)
    return FrameResult(
        image=np.zeros((*SHAPE, 3), np.uint8),
        masks=masks,
        boxes=np.array(boxes, np.float32).reshape(n, 4)
        * np.array([width, height, width, height], np.float32),
        scores=np.linspace(0.9, 0.5, n, dtype=np.float32),
        embeddings=np.zeros((n, 3), np.float32),
        similarity=np.array(probability, np.float32),
        probability=np.array(probability, np.float32),
        sounding=np.array(sounding, np.bool_),
        confidence=0.0,
        heatmap=heatmap,
        semantic=np.zeros(SHAPE, np.int64),
        labels=("background", *names),
        classes=np.arange(1, n + 1),
        audio_summary=AudioSummary(silent=False),
        time=0.0,
        ids=np.arange(n),
        original_size=SHAPE,
    )


def test_the_annotation_is_valid() -> None:
    clips = load_annotation()
    files = [clip.file for clip in clips]
    assert len(set(files)) == len(files)
    for clip in clips:
        times = [found.time for found in clip.frames]
        assert times == sorted(set(times))
        assert len(clip.sha256) == 64
        assert int(clip.sha256, 16) >= 0
    assert {clip.kind for clip in clips} <= set(PARENTS)
    frames = [found for clip in clips for found in clip.frames]
    assert sum(bool(found.required) for found in frames) >= 100
    assert {flag for found in frames for flag in found.flags} == {"silent", "quiet", "off_screen"}
    assert not any(name in PARENTS[c.kind] - {"person", "human", "water"} for c in clips for f in c.frames
                   for t in f.sounding for name in t.names)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sounding": []}, "either a flag"),
        ({"flags": ["silent"]}, "either a flag"),
        ({"flags": ["loud"]}, "flags loud"),
        ({"distractors": [[0.5, 0, 0.5, 1]]}, "x1 < x2"),
        ({"sounding": [{"names": ["Dog"], "box": WHOLE, "larger": None, "optional": False}]}, "lower case"),
        ({"sounding": [{"names": ["dog"], "box": WHOLE, "larger": LEFT, "optional": False}]}, "not contain"),
        ({"sounding": [{"names": ["dog"], "box": WHOLE, "larger": None, "optional": True}]}, "required"),
    ],
)
def test_a_wrong_annotation_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    right = {"names": ["dog"], "box": LEFT, "larger": WHOLE, "optional": False}
    given_frame = {"time": 1.0, "sounding": [right], "distractors": [], "flags": []}
    path = tmp_path / "clips.json"

    def write(frame: dict[str, Any]) -> Path:
        clip = {"file": "a.mp4", "sha256": "0" * 64, "kind": "animals", "frames": [frame]}
        path.write_text(json.dumps({"clips": [clip]}))
        return path

    assert load_annotation(write(given_frame))[0].frames[0].required[0].larger == WHOLE
    with pytest.raises(ValueError, match=message):
        load_annotation(write(given_frame | change))


@given(st.integers(0, 10_000))
def test_the_peak_is_one_of_the_highest_pixels(seed: int) -> None:
    generator = np.random.default_rng(seed)
    heatmap = generator.integers(0, 4, SHAPE).astype(np.float32) / 3
    peak = scores.heatmap_peak(heatmap)
    if heatmap.max() == 0:
        assert peak is None
    else:
        assert peak is not None
        x, y = peak
        assert heatmap[int(y * SHAPE[0]), int(x * SHAPE[1])] == heatmap.max()


def test_the_peak_of_a_painted_mask_is_at_its_centre_and_no_heat_has_none() -> None:
    heatmap = scores.rasterize([RIGHT], SHAPE).astype(np.float32)
    peak = scores.heatmap_peak(heatmap)
    assert peak is not None
    assert peak == pytest.approx((0.75, 0.5), abs=0.03)
    assert scores.heatmap_peak(np.zeros(SHAPE, np.float32)) is None


def test_a_region_is_right_by_the_smallest_or_by_the_larger_box() -> None:
    face = thing((0.2, 0.0, 0.4, 0.4), (0.0, 0.0, 0.5, 1.0))
    for box in (face.box, face.outer):
        assert scores.coverage(scores.rasterize([box], SHAPE), frame(face)) == 1
    assert scores.coverage(np.zeros(SHAPE, np.bool_), frame(face)) == 0
    assert scores.coverage(scores.rasterize([RIGHT], SHAPE), frame(face)) == 0
    assert scores.coverage(scores.rasterize([WHOLE], SHAPE), frame()) == 0


def test_an_optional_thing_counts_neither_way() -> None:
    both = frame(thing(LEFT), thing(RIGHT, optional=True))
    assert scores.coverage(scores.rasterize([LEFT], SHAPE), both) == 1
    assert scores.coverage(scores.rasterize([WHOLE], SHAPE), both) == 1
    assert scores.coverage(scores.rasterize([RIGHT], SHAPE), both) == 0


@given(st.integers(0, 10_000))
def test_the_best_union_is_no_worse_than_any_mask(seed: int) -> None:
    generator = np.random.default_rng(seed)
    corners = np.sort(generator.random((5, 2, 2)), axis=1)
    boxes: list[Box] = [(x1, y1, x2, y2) for (x1, y1), (x2, y2) in corners.tolist()]
    found = result(boxes, [0.5] * 5, [False] * 5, list("abcde"))
    wanted = frame(thing((0.1, 0.1, 0.6, 0.7)), thing((0.5, 0.5, 0.9, 0.9)))
    best = scores.best_union(found, wanted)
    assert 0 <= best <= 1
    assert all(best >= scores.coverage(scores.box_region(found[[row]]), wanted) - 1e-9 for row in range(5))


def test_a_right_result_scores_everything() -> None:
    found = result([RIGHT, LEFT], [0.1, 0.9], [False, True], ["cat", "dog"])
    score = scores.score_result(found, frame(thing(LEFT), distractors=(RIGHT,)), {"animal"})
    assert score.peak
    assert score.peak_smallest
    assert not score.peak_distractor
    assert (score.active, score.iou_boxes, score.iou_pixels, score.rank) == (1, 1, 1, 0)
    assert score.named
    assert score.fitting_named
    assert (score.name, score.probability) == ("dog", pytest.approx(0.9))


def test_a_peak_on_a_distractor_that_also_sounds_is_right() -> None:
    found = result([LEFT], [0.9], [True], ["dog"])
    assert scores.score_result(found, frame(thing(RIGHT), distractors=(WHOLE,)), ()).peak_distractor
    assert not scores.score_result(found, frame(thing(LEFT), distractors=(WHOLE,)), ()).peak_distractor


def test_a_peak_in_the_larger_box_only_is_not_in_the_smallest() -> None:
    found = result([LEFT], [0.9], [True], ["dog"])
    score = scores.score_result(found, frame(thing((0.0, 0.0, 0.1, 0.1), WHOLE)), ())
    assert score.peak
    assert not score.peak_smallest


def test_nothing_active_has_no_name_and_no_region() -> None:
    found = result([LEFT], [0.4], [False], ["dog"], heat=False)
    score = scores.score_result(found, frame(thing(LEFT)), {"animal"})
    assert not any((score.heat, score.peak, score.named, score.named_or_parent))
    assert (score.active, score.iou_boxes) == (0, 0)
    assert score.fitting_named


def test_a_parent_is_half_right() -> None:
    score = scores.score_result(result([LEFT], [0.9], [True], ["animal"]), frame(thing(LEFT)), {"animal"})
    assert not score.named
    assert score.named_or_parent


def test_a_result_without_masks_can_be_scored() -> None:
    found = result([], [], [], [])
    wanted = frame(thing(LEFT))
    score, blind = scores.score_result(found, wanted, ()), scores.score_blind(found, wanted)
    assert (score.active, score.rank, score.probability, score.name) == (0, None, 0, "")
    assert (blind.best_iou, blind.fit, blind.area) == (0, 0, 0.5)


def test_guesses_do_not_depend_on_the_audio() -> None:
    one = result([LEFT, RIGHT], [0.9, 0.1], [True, False], ["dog", "cat"])
    other = result([LEFT, RIGHT], [0.1, 0.9], [False, True], ["cat", "dog"])
    wanted = frame(thing(RIGHT))
    assert scores.score_blind(one, wanted) == scores.score_blind(other, wanted)
    assert scores.score_blind(one, wanted).fit == 1
    assert not scores.score_blind(one, wanted).objectness


def cases_of(categories: list[str]) -> list[Case]:
    """A case of each kind; of kind "" nothing sounds."""
    found = []
    for number, kind in enumerate(categories):
        shown = frame(thing(LEFT)) if kind else frame(flags=("silent",))
        clip = AnnotatedClip(f"{number}.mp4", "0" * 64, kind, (shown,))
        found.append(Case(Path(clip.file), clip, shown))
    return found


@given(st.permutations(["voices"] * 4 + ["animals"] * 3 + ["tools"] * 2 + [""]), st.integers(0, 99))
def test_other_audio_is_of_another_kind_and_every_clip_gives_its_own_once(
    categories: list[str], seed: int
) -> None:
    cases = cases_of(categories)
    donors = choose_donors(cases, 2, seed)
    assert donors == choose_donors(cases, 2, seed)
    sounding = [row for row, kind in enumerate(categories) if kind]
    assert sorted(donors) == sounding
    for turn in range(2):
        assert sorted(chosen[turn] for chosen in donors.values()) == sounding
    assert all(categories[row] != categories[other] for row, chosen in donors.items() for other in chosen)


@given(st.lists(st.floats(0, 1), min_size=1), st.lists(st.floats(0, 1), min_size=1))
def test_auc_of_exchanged_sides_adds_up_to_one(left: list[float], right: list[float]) -> None:
    one, other = summary.auc(left, right), summary.auc(right, left)
    assert one is not None
    assert other is not None
    assert one + other == pytest.approx(1)


def test_auc_of_separable_values_is_one_and_needs_both_sides() -> None:
    assert summary.auc([0.8, 0.9], [0.1, 0.2]) == 1
    assert summary.auc([], [0.1]) is None


def record(clip: str = "a.mp4", flags: tuple[str, ...] = (), **own: Any) -> FrameRecord:
    found = result([LEFT], [0.9], [True], ["dog"])
    wanted = frame(thing(LEFT), distractors=(RIGHT,))
    score = replace(scores.score_result(found, wanted, ()), **own)
    blind = scores.score_blind(found, wanted)
    other_audio = () if flags else (replace(score, probability=0.1),)
    return FrameRecord(clip, "animals", 0.5, flags, 1, score, blind, other_audio, 0, 0)


def test_figures_of_frames_in_which_something_sounds_ignore_the_others() -> None:
    found = summary.summarise([record(), record("b.mp4", flags=("quiet",))], draws=20, seed=0)
    assert found["peak on a sounding thing"]["value"] == 1
    assert found["something active: quiet"]["value"] == 1
    assert "something active: silent" not in found
    assert found["AUC of the likeliest mask, own against other audio"]["value"] == 1
    assert all(row["low"] <= row["value"] <= row["high"] for row in found.values())


def test_the_interval_is_over_clips_and_not_over_frames() -> None:
    one_clip = [record(peak=number % 2 == 0) for number in range(10)]
    ten_clips = [replace(row, clip=f"{number}.mp4") for number, row in enumerate(one_clip)]
    name = "peak on a sounding thing"
    same = summary.summarise(one_clip, draws=50, seed=0)[name]
    spread = summary.summarise(ten_clips, draws=50, seed=0)[name]
    assert same["low"] == same["value"] == same["high"] == spread["value"]
    assert spread["low"] < spread["value"] < spread["high"]


@pytest.mark.parametrize(
    ("found", "error"),
    [
        (record(), "right"),
        (record(flags=("silent",)), "false alarm"),
        (record(flags=("silent",), active=0), "right"),
        (record(active=0, iou_boxes=0.0, named=False), "not active"),
        (record(peak=False, peak_distractor=True), "distractor"),
        (record(peak=False), "wrong place"),
        (record(active=9), "flooding"),
        (record(active=9, iou_boxes=0.2, fitting_active=False), "wrong rank"),
        (record(iou_boxes=0.2), "wrong extent"),
        (record(named=False), "wrong name"),
    ],
)
def test_the_first_error_of_a_frame_is_named(found: FrameRecord, error: str) -> None:
    assert errors.attribute(found) == error


def test_the_worst_frames_are_wrong_and_grouped_by_error() -> None:
    records = [record(), record(active=9), record(peak=False), record(active=9, named=False)]
    assert errors.worst_frames(records, 9) == {"flooding": [3, 1], "wrong place": [2]}
    assert errors.worst_frames(records, 1) == {"wrong place": [2]}
    assert errors.worst_frames(records[:1], 9) == {}


def test_the_report_has_every_figure_and_kind() -> None:
    records = [record(), record("b.mp4", flags=("quiet",))]
    figures = summary.summarise(records, draws=5, seed=0)
    text = "\n".join(summary.report(records, figures, 1))
    assert "2 clips, 2 frames, something sounds in 1." in text
    assert all(f"| {name} |" in text for name in figures)
    assert "| animals | 1 | 1.00 |" in text


def write_clip(folder: Path) -> AnnotatedClip:
    """One second of the red square's tone, then one second of silence, under all three squares."""
    samples = np.concatenate([tone("red", 1.5), tone("silence", 1.5)])
    path = write_video(folder / "red.mp4", [squares()] * 30, samples)
    red: Box = (0.1, 0.3, 0.3, 0.9)
    shown = (
        AnnotatedFrame(0.5, (thing(red, name="red"),), ((0.4, 0.3, 0.6, 0.9),), ()),
        AnnotatedFrame(2.8, (), (), ("silent",)),
    )
    return AnnotatedClip("red.mp4", hashlib.sha256(path.read_bytes()).hexdigest(), "things", shown)


def test_a_model_is_scored_on_a_clip_and_its_worst_frames_are_drawn(tmp_path: Path) -> None:
    model = synthetic_model()
    clip = write_clip(tmp_path)
    cases = find_cases([clip], [tmp_path / "missing", tmp_path])
    sheet = Sheet()
    records = list(run(model, EncodedImages(model, None), cases, 1, 0, sheet.add))
    assert [row.flags for row in records] == [(), ("silent",)]
    assert records[0].own.peak
    assert records[0].own.named
    assert records[0].muted == 0
    assert records[1].own.active == 0
    sheet.save(tmp_path / "worst.png", records, 2)
    with Image.open(tmp_path / "worst.png") as drawn:
        assert drawn.width > 0


def test_another_file_of_the_same_name_is_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path)
    with pytest.raises(InputError, match="not the file"):
        find_cases([replace(clip, sha256="0" * 64)], [tmp_path])
    with pytest.raises(InputError, match="none of the annotated"):
        find_cases([clip], [tmp_path / "missing"])


def test_a_kept_image_is_not_encoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = synthetic_model()
    image = torch.from_numpy(squares()).permute(2, 0, 1)
    first = EncodedImages(model, tmp_path).encode(image, (96, 160))
    monkeypatch.setattr(model, "encode_image", lambda *_: pytest.fail("encoded again"))
    kept = EncodedImages(model, tmp_path).encode(image, (96, 160))
    assert torch.equal(kept.proposals.masks, first.proposals.masks)
    assert torch.equal(kept.embeddings.local, first.embeddings.local)


def test_a_decision_setting_keeps_encoded_images_and_an_image_setting_does_not(tmp_path: Path) -> None:
    image = torch.from_numpy(squares()).permute(2, 0, 1)
    for options in ({}, {"objectness": 0.5}, {"top_n": 2}):
        EncodedImages(synthetic_model(**options), tmp_path).encode(image, (96, 160))
    assert len(list(tmp_path.iterdir())) == 2


def test_the_class_of_a_photograph_is_its_label_or_its_largest_thing() -> None:
    photo = {"width": 100, "height": 100, "instances": [
        {"class": "dog", "box": [0, 0, 50, 50], "crowd": False},
        {"class": "person", "box": [0, 0, 90, 90], "crowd": True},
        {"class": "cat", "box": [0, 0, 20, 20], "crowd": False},
    ]}  # fmt: skip
    assert pairs.main_class(photo) == "dog"
    assert pairs.main_class(photo | {"label": "flute"}) == "flute"
    assert pairs.main_class(photo | {"instances": photo["instances"][2:]}) is None


@given(st.integers(0, 1000))
def test_the_two_classes_of_a_pair_differ(seed: int) -> None:
    photos = {name: [Path(f"{name}.jpg")] for name in ("dog", "cat", "violin")}
    generator = np.random.default_rng(seed)
    for kind in pairs.CATEGORIES:
        for names, files in pairs.draw_pairs(photos, kind, 5, generator):
            assert names[0] != names[1]
            assert [file.stem for file in files] == list(names)


def test_photographs_side_by_side_have_the_border_between_them(tmp_path: Path) -> None:
    Image.new("RGB", (100, 200), "red").save(tmp_path / "a.png")
    Image.new("RGB", (300, 100), "blue").save(tmp_path / "b.png")
    joined, border = pairs.side_by_side(tmp_path / "a.png", tmp_path / "b.png")
    column = round(border * joined.shape[2])
    assert joined.shape[1] == pairs.SIDE
    assert (joined[0, :, :column] == 255).all()
    assert (joined[2, :, column:] == 255).all()


def test_a_pair_is_right_on_the_sounding_side_only() -> None:
    found = result([LEFT, RIGHT], [0.9, 0.1], [True, False], ["dog", "cat"])
    left = pairs.score_pair(found, "animal/animal", 0, ("dog", "cat"), 0, 0.5)
    right = pairs.score_pair(found, "animal/animal", 0, ("dog", "cat"), 1, 0.5)
    assert left.peak
    assert left.likeliest
    assert left.active == (1, 0)
    assert not right.peak
    assert not right.likeliest
    assert right.active == (0, 1)


def test_the_loudest_part_of_a_recording_is_played() -> None:
    waveform = torch.zeros(1000)
    waveform[700:800] = 1
    assert pairs.loudest(waveform, 100).sum() >= 75
    assert len(pairs.loudest(waveform, 100)) == 100
    assert torch.equal(pairs.loudest(waveform[:50], 100), waveform[:50])


def write_pair_media(folder: Path) -> None:
    """Photographs of a red cat and a green dog, recordings of their tones."""
    photos, recordings = folder / "photos" / "dev", folder / "recordings" / "dev"
    photos.mkdir(parents=True)
    lines = []
    for name, colour in (("cat", (230, 60, 60)), ("dog", (60, 230, 60)), ("violin", (60, 60, 230))):
        Image.new("RGB", (64, 64), colour).save(photos / f"{name}.png")
        lines.append(json.dumps({"file": f"{name}.png", "label": name, "instances": []}))
        (recordings / name).mkdir(parents=True)
    (photos / "instances.jsonl").write_text("\n".join(lines))
    for name, colour in (("cat", "red"), ("dog", "green"), ("violin", "blue")):
        write_wav(recordings / name / "a.wav", tone(colour, 2.0))


def test_pairs_of_photographs_are_scored_and_reported(tmp_path: Path) -> None:
    write_pair_media(tmp_path)
    model = synthetic_model()
    trials = list(pairs.run_pairs(model, EncodedImages(model, None), tmp_path, 3, 0))
    assert len(trials) == 2 * 3 * len(pairs.CATEGORIES)
    assert {trial.sounding for trial in trials} == {0, 1}
    found = pairs.summarise_pairs(trials, 20, 0)
    assert found["animal/animal: likeliest mask on the sounding side"]["value"] == 1
    assert "| dog |" in "\n".join(pairs.report_pairs(trials, found))


def test_missing_media_of_pairs_are_named(tmp_path: Path) -> None:
    model = synthetic_model()
    with pytest.raises(InputError, match="no such file"):
        next(pairs.run_pairs(model, EncodedImages(model, None), tmp_path, 1, 0))
