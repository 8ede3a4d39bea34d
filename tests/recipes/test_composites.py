"""Composites: exact masks, waveforms, labels, the same bytes for the same seed, valid layouts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from recipes.common.composites.__main__ import main
from recipes.common.composites.audio import build_envelope, limit_peak, mix_sources
from recipes.common.composites.clips import draw_activity, render_multi_source, render_single_source
from recipes.common.composites.layouts import LAYOUTS
from recipes.common.composites.media import Media, find_media, measure_active_rms
from recipes.common.composites.packages import sort_packages
from recipes.common.composites.render import render_composites
from recipes.common.composites.scene import (
    MIN_PIXELS,
    SIDE,
    choose_distractors,
    place_cutouts,
    render_background,
    render_frame,
    render_scene,
)
from recipes.common.media_bank import SILENT
from seac.core.errors import InputError
from seac.core.ownership import RECORD
from seac.datasets.check import check
from seac.datasets.table import open_benchmark
from tests.fixtures.media_bank import COLOURS, write_media_folder

COUNTS = {"s4": 4, "ms3": 4, "avss": 2, "vggss": 5}
BENCHMARKS = {"s4": "s4", "ms3": "ms3", "avss": "avss", "vggss": "vggss", "vggss-extended": "vggss"}


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    return Media.open(write_media_folder(tmp_path_factory.mktemp("media")))


@pytest.fixture(scope="module")
def rendered(media: Media, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("composites") / "out"
    render_composites(media, out, 3, COUNTS)
    return out


def read_all(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != RECORD
    }


def test_pixels_outside_of_cutouts_are_the_background_and_inside_are_the_cutout(media: Media) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        positioned = place_cutouts(rng, media, ["bell", "drum", SILENT])
        cutouts = [type(each)(**{**vars(each), "shadow": None}) for each in positioned]
        background = render_background(rng, media)
        scene = render_frame(background, cutouts, [2, 0, 1], 0)
        untouched = scene.owner == -1
        assert np.abs(scene.image[untouched] - background[untouched]).mean() < 3  # antialiased edges
        assert np.median(np.abs(scene.image[untouched] - background[untouched])) == 0
        for mask, cutout in zip(scene.masks(), cutouts, strict=True):
            colour = np.median(cutout.layer[cutout.layer[..., 3] > 250][:, :3], 0)
            assert (np.abs(scene.image[mask] - colour).max(1) < 1.5).mean() > 0.8


def test_a_mask_is_where_a_scene_without_the_cutout_looks_different(media: Media) -> None:
    rng = np.random.default_rng(0)
    cutouts = [type(each)(**{**vars(each), "shadow": None}) for each in place_cutouts(rng, media, ["bell"])]
    background = render_background(rng, media)
    with_it, without = (render_frame(background, cutouts, order, 0) for order in ([0], []))
    differs = (with_it.image != without.image).any(-1)
    mask = with_it.masks()[0]
    assert differs[mask].all()
    edge = differs & ~mask
    assert edge.sum() < 0.1 * mask.sum()


def test_a_shadow_darkens_and_belongs_to_no_mask(media: Media) -> None:
    rng = np.random.default_rng(0)
    (cutout,) = place_cutouts(rng, media, ["bell"])
    background = render_background(rng, media)
    dark, plain = (
        render_frame(background, [type(cutout)(**{**vars(cutout), "shadow": shadow})], [0], 0)
        for shadow in (1, None)
    )
    assert np.array_equal(dark.owner, plain.owner)
    outside = plain.owner == -1
    assert (dark.image[outside] <= plain.image[outside]).all()
    assert (dark.image[outside] < plain.image[outside]).any()


def test_masks_are_disjoint_and_what_sounds_is_visible(media: Media) -> None:
    for seed in range(10):
        for scene in render_scene(np.random.default_rng(seed), media, ["drum", "bell"], 1, frames=3):
            assert scene.image.shape == (SIDE, SIDE, 3)
            assert scene.class_names == ("drum", "bell", SILENT)
            assert (scene.masks().sum(0) <= 1).all()
            assert (scene.masks()[:2].sum((1, 2)) >= MIN_PIXELS).all()


def test_distractors_do_not_sound(media: Media) -> None:
    rng = np.random.default_rng(0)
    sampled = [choose_distractors(rng, media, ["bell"], 2) for _ in range(50)]
    assert all("bell" not in names and names.count("drum") <= 1 for names in sampled)
    assert any("drum" in names for names in sampled)
    assert any(SILENT in names for names in sampled)


def test_labels_and_masks_follow_what_is_active(media: Media) -> None:
    numbers = {"bell": 1, "drum": 2}
    empty = 0
    for seed in range(12):
        clip = render_multi_source(np.random.default_rng(seed), media, 5, 0.5)
        assert clip.waveform.shape == (80_000,)
        for frame, scene in enumerate(clip.frames):
            labels = clip.labels(frame, numbers)
            assert np.array_equal(labels > 0, clip.mask(frame))
            for source, name in enumerate(clip.names):
                shown = (scene.owner == source) & clip.active[source, frame]
                assert np.array_equal(labels == numbers[name], shown)
            second = clip.waveform[frame * 16_000 : (frame + 1) * 16_000]
            if not clip.active[:, frame].any():
                empty += 1
                assert np.abs(second).max() < 0.02
    assert empty > 3


def test_activity_is_two_seconds_at_least() -> None:
    active = np.stack([draw_activity(np.random.default_rng(seed), 5) for seed in range(200)])
    assert active.sum(1).min() == 2
    assert 0.5 < active.all(1).mean() < 0.75
    assert (np.abs(np.diff(np.pad(active.astype(int), ((0, 0), (1, 1))))).sum(1) == 2).all()


def test_an_envelope_fades_inside_its_seconds() -> None:
    envelope = build_envelope(np.array([False, True, True, False]))
    assert envelope.shape == (64_000,)
    assert not envelope[:16_000].any()
    assert not envelope[48_000:].any()
    assert np.abs(np.diff(envelope)).max() < 0.01
    assert (envelope[16_400:47_600] > 0.999).all()
    assert build_envelope(np.ones(2, bool)).min() > 0.999


def test_recordings_are_equally_loud(media: Media, tmp_path: Path) -> None:
    levels = []
    for name in media.classes:
        assert measure_active_rms(media.recording(media.recordings[name][0])) == pytest.approx(1, abs=1e-3)
        for seed in range(5):
            wave = mix_sources(np.random.default_rng(seed), media, (name,), np.ones((1, 5), bool))
            assert wave.dtype == np.float32
            levels.append(20 * np.log10(measure_active_rms(wave)))
    assert max(levels) - min(levels) < 7
    assert np.abs(limit_peak(np.array([3.0, -4.0], np.float32))).max() <= 1


def test_one_frame_can_stand_for_five_seconds(media: Media) -> None:
    clip = render_single_source(np.random.default_rng(0), media, "bell", 0, 1, 5)
    assert len(clip.frames) == 1
    assert clip.waveform.shape == (80_000,)
    assert clip.mask(0).any()


@pytest.mark.parametrize("name", BENCHMARKS)
def test_layouts_have_no_faults(rendered: Path, name: str) -> None:
    reader = open_benchmark(name, rendered / LAYOUTS[BENCHMARKS[name]].folder)
    assert len(reader.clips) == COUNTS[BENCHMARKS[name]] * (2 if name == "vggss-extended" else 1)
    for clip in reader.clips:
        truth = reader.truth(clip)
        waveform, rate = reader.waveform(clip)
        assert truth.shape == (len(clip.frames), SIDE, SIDE)
        assert (len(waveform), rate) == ((10 if name == "avss" else 5) * 16_000, 16_000)
        assert reader.image(clip, 0).shape == (SIDE, SIDE, 3)
    assert {finding.kind for finding in check(reader, deep=True).findings} <= {"empty truth"}


def test_the_truth_has_the_colour_of_what_sounds(rendered: Path) -> None:
    reader = open_benchmark("s4", rendered / "Single-source")
    for clip in reader.clips:
        channel = int(np.argmax(COLOURS[str(clip.category)]))
        for frame, truth in enumerate(reader.truth(clip)):
            shown = reader.image(clip, frame)[truth.numpy()]
            assert (shown.argmax(-1) == channel).mean() > 0.98


def test_boxes_are_tight(rendered: Path) -> None:
    for clip in open_benchmark("vggss", rendered / "vggss").clips:
        ((left, top, right, bottom),) = clip.boxes
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1


def test_negatives_have_audio_of_another_class_or_room_noise(rendered: Path) -> None:
    entries = json.loads((rendered / "vggss/vggss.json").read_text())
    category = {entry["file"]: entry["class"] for entry in entries}
    negatives = [
        clip for clip in open_benchmark("vggss-extended", rendered / "vggss").clips if not clip.visible
    ]
    audible = [clip.id.split("+") for clip in negatives]
    assert {"silent" in audio for _, audio in audible} == {True, False}
    assert all("silent" in audio or category[video] != category[audio] for video, audio in audible)


def test_the_same_seed_gives_the_same_bytes_and_more_clips_change_none(
    media: Media, rendered: Path, tmp_path: Path
) -> None:
    fresh = Media.open(media.folder)
    render_composites(fresh, tmp_path / "same", 3, COUNTS)
    assert read_all(tmp_path / "same") == read_all(rendered)
    render_composites(fresh, tmp_path / "fewer", 3, {"ms3": 2})
    fewer = read_all(tmp_path / "fewer")
    whole = read_all(rendered)
    assert all(whole[name] == content for name, content in fewer.items() if not name.endswith(".csv"))
    render_composites(fresh, tmp_path / "other", 4, {"ms3": 2})
    assert read_all(tmp_path / "other") != fewer


def test_an_unchanged_rendering_is_replaced_and_nothing_else(media: Media, tmp_path: Path) -> None:
    out = tmp_path / "out"
    render_composites(media, out, 0, {"vggss": 2})
    render_composites(media, out, 0, {"ms3": 1})
    assert sorted(path.name for path in out.iterdir()) == [RECORD, "Multi-sources"]
    (out / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"mine\.txt: is there already"):
        render_composites(media, out, 0, {"ms3": 1})
    (out / "mine.txt").unlink()
    table = out / "Multi-sources/ms3_meta_data.csv"
    table.write_text("changed")
    with pytest.raises(InputError, match="ms3_meta_data"):
        render_composites(media, out, 0, {"ms3": 1})
    assert table.read_text() == "changed"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_rendering_that_fails_leaves_nothing(media: Media, tmp_path: Path) -> None:
    broken = write_media_folder(tmp_path / "media")
    (broken / "sounds/drum/a.wav").write_bytes(b"garbage")
    with pytest.raises(InputError, match=r"a\.wav"):
        render_composites(Media.open(broken), tmp_path / "out", 0, {"s4": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["media"]


def test_media_that_cannot_be_used_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "nowhere"), str(tmp_path / "out")]) == 2
    assert "no such media folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="0 classes"):
        Media.open(tmp_path / "empty")
    monkeypatch.delenv("SEAC_SHARED", raising=False)
    with pytest.raises(InputError, match="give --media FOLDER"):
        find_media()
    assert find_media(tmp_path) == tmp_path


def test_the_command_says_what_it_rendered(
    media: Media, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = ["--s4", "0", "--ms3", "1", "--avss", "0", "--vggss", "0"]
    assert main([str(media.folder), str(tmp_path / "out"), *counts, "--split", "val"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"ms3": 1}
    assert len(open_benchmark("ms3", tmp_path / "out/Multi-sources", "val").clips) == 1


def test_packages_are_sorted_into_a_media_folder(media: Media, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    for name, class_name in (("dog", "bell"), ("cat", "drum")):
        folder = packages / "tuxpaint-stamps-default/stamps/animals/mammals"
        folder = folder / ("dogs" if name == "dog" else "housecats")
        folder.mkdir(parents=True)
        stem = "dog" if name == "dog" else "gat"
        recording = "dog" if name == "dog" else "meow"
        (folder / f"{stem}.png").write_bytes(media.cutouts[class_name][0].read_bytes())
        (folder / f"{recording}.wav").write_bytes(media.recordings[class_name][0].read_bytes())
        (folder / f"{recording}_desc.wav").write_bytes(b"a voice")
    backgrounds = packages / "scratch/usr/share/scratch/Media/Backgrounds/Nature"
    backgrounds.mkdir(parents=True)
    media.background(media.backgrounds[0]).save(backgrounds / "field.jpg")
    sort_packages(packages, tmp_path / "media", 0)
    assert Media.open(tmp_path / "media").classes == ("cat", "dog")


@pytest.mark.shared
def test_the_dev_media_render_without_faults(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data/media/dev"
    if not folder.is_dir():
        pytest.skip(f"no media at {folder}")
    render_composites(Media.open(folder), tmp_path / "out", 0, {"s4": 2, "ms3": 2, "avss": 1, "vggss": 3})
    for name, layout in BENCHMARKS.items():
        reader = open_benchmark(name, tmp_path / "out" / LAYOUTS[layout].folder)
        assert {finding.kind for finding in check(reader, deep=True).findings} <= {"empty truth"}
