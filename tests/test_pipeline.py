"""The pipeline with synthetic parts, and with the parts of the preset tiny."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import seac
from seac import InputError
from seac.associate.views import ViewSettings
from seac.classify.base import ClassScorers
from seac.classify.semantic import classify_masks
from seac.core.types import AudioFeatures, Decision, MaskEmbeddings, VisionFeatures
from seac.pipeline import SeAC
from seac.video import tracker as tracker_module
from seac.video.predictor import VideoPredictor
from seac.video.tracker import Tracker
from tests.fixtures.extras import needs
from tests.fixtures.parts import (
    COLOURS,
    ColourImageEncoder,
    squares,
    synthetic_model,
    tone,
    write_video,
    write_wav,
)


class Competitors:
    """The red square scores as red, the green square weakly as blue; the audio scores as red."""

    def scorers_for(self, classes: torch.Tensor) -> ClassScorers:
        crop_scores = torch.tensor([[5.0, -5.0, -5.0], [0.0, 0.0, 1.6]])
        return ClassScorers(
            lambda masks: crop_scores[masks.local.argmax(1)], lambda audio: torch.tensor([2.0, 0.0, 0.0])
        )


def test_a_track_keeps_its_class_when_its_competitor_falls_silent(monkeypatch):
    monkeypatch.setattr(tracker_module, "MAX_CROPS", 1)
    reference = synthetic_model()
    model = SeAC(
        replace(reference.stages, classifier=Competitors()), reference.vocabulary, reference.settings
    )
    encoded, audio = model.encode_image(squares()), model.encode_audio(tone("red", 1), 16_000)
    tracker = Tracker()
    tracks = tracker.track(encoded.proposals.masks, encoded.text_embeddings, 0.0)
    half = torch.full((len(encoded.proposals),), 0.5)
    decision = Decision(half, half > 0, half)
    _, red, green, _ = torch.eye(4, dtype=torch.bool)
    both = model.classify(encoded, audio, red | green, decision, tracks)
    alone = model.classify(encoded, audio, green, decision, tracks)
    assert both[[1, 2]].tolist() == [0, 2]
    # Without competitors the mask gets the audio class.
    assert int(model.classify(encoded, audio, green)[2]) == 0
    assert int(alone[2]) == 2  # the average over earlier frames keeps its class
    for _ in range(10):
        alone = model.classify(encoded, audio, green, decision, tracks)
    assert int(alone[2]) == 0  # later frames dominate the average


@pytest.mark.parametrize("name", COLOURS)
def test_the_sounding_mask_is_found_and_classified(name):
    result = synthetic_model()(squares(), tone(name, 2), 16_000)
    assert [result.names[row] for row in np.flatnonzero(result.sounding)] == [name]
    assert result.labels[result.semantic.max()] == name
    assert result.heatmap.max() == 1
    best = int(result.similarity.argmax())
    assert (result.heatmap[result.masks[best]] == 1).all()


def test_silent_audio_gives_an_empty_result():
    result = synthetic_model()(squares(), tone("silence", 2), 16_000)
    assert not result.sounding.any()
    assert result.heatmap.max() == 0
    assert result.semantic.max() == 0
    assert result.confidence == -1
    assert result.audio_summary.silent
    assert not result.audio_summary.noise


def test_no_mask_sounds_in_silence_at_threshold_zero():
    model = synthetic_model()
    object.__setattr__(model.stages, "calibration", type(model.stages.calibration)(threshold=0.0))
    assert not model(squares(), tone("silence", 1), 16_000).sounding.any()


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(4)))
def test_order_of_masks_does_not_matter(order):
    model = synthetic_model()
    encoded = model.encode_image(squares())
    audio = model.encode_audio(tone("green", 1), 16_000)
    reference = model.predict(encoded, audio)
    rows = torch.tensor(order)
    proposals = type(encoded.proposals)(
        encoded.proposals.masks[rows], encoded.proposals.boxes[rows], encoded.proposals.scores[rows]
    )
    shuffled = type(encoded)(
        encoded.image,
        encoded.original_size,
        proposals,
        type(encoded.embeddings)(
            *(None if x is None else x[rows] for x in vars(encoded.embeddings).values())
        ),
        encoded.text_embeddings[rows],
    )
    other = model.predict(shuffled, audio)
    np.testing.assert_allclose(other.heatmap, reference.heatmap, atol=1e-6)
    np.testing.assert_array_equal(other.semantic, reference.semantic)
    np.testing.assert_array_equal(other.sounding, reference.sounding[list(order)])


@pytest.mark.parametrize("rate", [4_000, 8_000, 22_050, 44_100, 48_000, 192_000])
def test_any_sample_rate_gives_the_same_result(rate):
    result = synthetic_model()(squares(), tone("red", 1, rate), rate)
    assert result.names[int(result.similarity.argmax())] == "red"


def test_stereo_integers_tensors_and_pil_give_the_same_result():
    model, mono = synthetic_model(), tone("red", 1)
    reference = model(squares(), mono, 16_000)
    for image, waveform in (
        (Image.fromarray(squares()), np.stack([mono, mono])),
        (torch.from_numpy(squares()).permute(2, 0, 1), np.stack([mono, mono], 1)),
        (squares().astype(np.float32) / 255, (mono * 32768).astype(np.int16)),
        (squares(), torch.from_numpy(mono)),
    ):
        np.testing.assert_allclose(model(image, waveform, 16_000).similarity, reference.similarity, atol=1e-3)


def test_a_clipped_waveform_is_encoded():
    result = synthetic_model()(squares(), np.clip(20 * tone("red", 1), -1, 1) * 1.5, 16_000)
    assert result.names[int(result.similarity.argmax())] == "red"


@pytest.mark.parametrize(
    ("waveform", "rate", "line"),
    [
        (np.array([0, np.nan], np.float32), 16_000, "NaN"),
        (np.full(10, 3000, np.float32), 16_000, "scale it"),
        (np.zeros((9, 20, 2), np.float32), 16_000, "channels"),
        (np.zeros(10, np.float32), 3_999, "sample_rate"),
        (np.zeros(10, np.float32), 192_001, "sample_rate"),
        (np.zeros(10, "complex64"), 16_000, "dtype"),
        ([0.0, 1.0], 16_000, "list"),
    ],
)
def test_an_invalid_waveform_is_refused_in_one_line(waveform, rate, line):
    with pytest.raises(InputError, match=line) as refused:
        synthetic_model()(squares(), waveform, rate)
    assert "\n" not in str(refused.value)


def test_an_empty_waveform_is_silent():
    assert synthetic_model()(squares(), np.zeros(0, np.float32), 16_000).audio_summary.silent


def test_a_still_with_audio_is_encoded_once(tmp_path):
    model, calls = synthetic_model(), []
    segmenter = model.stages.segmenter
    object.__setattr__(model.stages, "segmenter", lambda image: calls.append(1) or segmenter(image))
    image_file = tmp_path / "a.png"
    Image.fromarray(squares()).save(image_file)
    waveform = write_wav(tmp_path / "a.wav", np.concatenate([tone("red", 2), tone("blue", 2)]))
    results = list(VideoPredictor(model).stream(image_file, 2, audio=waveform))
    assert len(results) == 8
    assert len(calls) == 1
    assert results[0].names[int(results[0].similarity.argmax())] == "red"
    assert results[-1].names[int(results[-1].similarity.argmax())] == "blue"


def test_a_video_is_tracked_and_falls_silent_with_its_audio(tmp_path):
    waveform = np.concatenate([tone("red", 1.5), tone("blue", 1.5), tone("silence", 2)])
    video = write_video(tmp_path / "a.mp4", [squares()] * 50, waveform)
    results = list(VideoPredictor(synthetic_model()).stream(video, 4))
    assert [round(r.time, 2) for r in results] == [n / 4 for n in range(20)]
    assert all((r.ids == results[0].ids).all() for r in results)
    names = [{r.names[row] for row in np.flatnonzero(r.sounding)} for r in results]
    assert names[1] == {"red"}
    assert names[11] == {"blue"}
    assert all(not audio for audio in names[15:])


@needs("detections")
def test_results_become_detections_figures_and_folders(tmp_path):
    result = synthetic_model()(squares(), tone("red", 1), 16_000)
    detections = result.to_detections()
    assert detections.data["class_name"].tolist() == ["red"]
    assert len(result.to_detections(only_sounding=False)) == len(result)
    result.plot(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").width > 100
    result.save(tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        ".seac.json", "heatmap.png", "masks", "overlay.png", "result.json",
    ]  # fmt: skip


@needs("detections")
def test_no_detections_in_silence():
    assert len(synthetic_model()(squares(), tone("silence", 1), 16_000).to_detections()) == 0


@pytest.mark.parametrize("module", ["seac", "seac.cli.app"])
def test_importing_seac_imports_no_large_packages(module):
    heavy = "torch numpy scipy skimage PIL av transformers torchmetrics matplotlib pyarrow pydantic"
    code = f"import sys, {module}; print(*sorted(set('{heavy}'.split()) & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"preset": "tony"}, "did you mean 'tiny'"),
        ({"device": "abacus"}, "unknown device"),
        ({"segmenter": "clasic"}, "did you mean 'classic'"),
        ({"threshold": 1.5}, "threshold"),
        ({"vocabulary": []}, "empty"),
        ({"vocabulary": [1, 2]}, "holds 1, which is no name"),
        ({"top": 3}, "unknown setting"),
        ({"top_n": "5"}, "top_n is '5': give a whole number from 1"),
        ({"top_n": 0}, "top_n is 0"),
        ({"top_n": -1}, "top_n is -1"),
        ({"max_side": 0}, "max_side is 0"),
        ({"audio_window": 0}, "audio_window is 0"),
        ({"audio_window": float("nan")}, "audio_window is nan"),
        ({"exact": "no"}, "give True or False"),
        ({"segmenter": "grid"}, "the grid has 81 cells, not 20"),
        ({"device": "cpu:7"}, "not available"),
        ({"device": "cuda:99"}, "not available"),
    ],
)
def test_invalid_options_are_refused_with_a_hint(options, line):
    with pytest.raises(InputError, match=line):
        seac.load(**options)


class Nearsighted(ColourImageEncoder):
    """Encodes every image as blue, except at 16 pixels."""

    def __call__(self, pixels: torch.Tensor) -> VisionFeatures:
        features = super().__call__(pixels)
        blue = torch.tensor([0.0, 0.0, 1.0]).expand_as(features.embeddings)
        return features if pixels.shape[-1] == 16 else VisionFeatures(blue, blue)


class Dense(Nearsighted):
    """Has a feature map, so it takes images of any size."""

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels

    def class_probabilities(self, embeddings: torch.Tensor) -> torch.Tensor:
        return embeddings


@pytest.mark.parametrize(
    ("vision", "exact", "size", "named"),
    [
        (Dense(), False, 16, "red"),
        (Dense(), False, 0, "blue"),
        (Dense(), True, 16, "blue"),
        (Nearsighted(), False, 16, "blue"),  # without a feature map: no high-resolution crops
    ],
)
def test_sounding_masks_are_classified_from_high_resolution_crops(
    vision: Nearsighted, exact: bool, size: int, named: str
) -> None:
    model = synthetic_model()
    settings = replace(model.settings, exact=exact, views=ViewSettings(crop_size=size, fast_size=8))
    near = SeAC(replace(model.stages, vision=vision), model.vocabulary, settings)
    encoded = near.encode_image(squares())
    active = torch.zeros(len(encoded.proposals), dtype=torch.bool)
    active[1] = True  # the red square; mask 0 is the frame
    audio = near.encode_audio(tone("red", 1.0), 16_000)
    labels = near.classify(encoded, audio, active)
    assert near.vocabulary.names[int(labels[1])] == named
    others = [index for index in range(len(labels)) if index != 1]
    by_cosine = near.classify(encoded, audio, torch.zeros_like(active))
    assert torch.equal(by_cosine, classify_masks(encoded.text_embeddings, near.classifier.classes).labels)
    assert torch.equal(labels[others], by_cosine[others])
    tracker = Tracker()
    tracks = tracker.track(encoded.proposals.masks, encoded.text_embeddings, 0.0)
    sure = torch.ones(len(encoded.proposals))
    decision = Decision(sure, sure > 0, sure)
    assert torch.equal(near.classify(encoded, audio, active, decision, tracks), labels)  # the first crop


def test_a_result_shares_no_memory_with_its_inputs() -> None:
    model = synthetic_model()
    image = torch.from_numpy(squares()).permute(2, 0, 1).contiguous()
    result = model(image, tone("red", 1.0), 16_000)
    before = result.image.copy()
    image.zero_()  # as when a camera reuses its buffer
    assert np.array_equal(result.image, before)
    encoded, audio = model.encode_image(squares()), model.encode_audio(tone("red", 1.0), 16_000)
    first = model.predict(encoded, audio)
    for name in ("image", "masks", "boxes", "scores", "embeddings"):
        getattr(first, name)[:] = 0
    second = model.predict(encoded, audio)
    assert np.array_equal(second.image, before)
    assert all(getattr(second, name).any() for name in ("masks", "boxes", "scores", "embeddings"))


def test_a_note_reports_a_meaningless_min_max() -> None:
    model = synthetic_model()

    class Uniform:
        def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> torch.Tensor:
            return torch.full((len(masks),), 0.5)

    settings = replace(model.settings, objectness=0.0)
    even = SeAC(replace(model.stages, association=Uniform()), model.vocabulary, settings)
    assert any("equally likely" in note for note in even(squares(), tone("red", 1.0), 16_000).notes)
    assert not any("likely" in note for note in model(squares(), tone("red", 1.0), 16_000).notes)
    blank = np.full((96, 160, 3), 90, np.uint8)
    assert any("one mask only" in note for note in model(blank, tone("red", 1.0), 16_000).notes)
    assert not any("one mask" in note for note in model(blank, tone("silence", 1.0), 16_000).notes)


def test_ids_are_stable_at_a_low_frame_rate(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", [squares()] * 45, tone("red", 45.0), fps=1)
    ids = [result.ids.tolist() for result in VideoPredictor(synthetic_model()).stream(video, 0.1)]
    assert len(ids) > 3
    assert all(each == ids[0] for each in ids)
