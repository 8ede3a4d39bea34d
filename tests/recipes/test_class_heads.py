"""The recipe of the class heads, on synthetic embeddings and images."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from recipes.class_heads.crops import CropRenderer
from recipes.class_heads.evaluate import AUDIO_CONDITIONS
from recipes.class_heads.model_card import Figures, Row, metrics_table
from recipes.class_heads.samples import AudioSamples, ImageSamples, choose_row
from recipes.class_heads.train import Recipe, train
from recipes.common.feature_cache import GROUND
from recipes.common.media_bank import SILENT
from recipes.common.scenes import Composer
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from tests.fixtures.media_bank import write_media_bank

QUICK = Recipe(steps=120, batch=64, rate=1e-2, components=4, width=32)


def image_samples() -> ImageSamples:
    """Three classes and views without a class, each around a direction; "rare" has one file, "often" many."""
    rng = torch.Generator().manual_seed(0)
    classes = [class_name for class_name in ("often", "rare", "third", SILENT) for _ in range(30)]
    middles = {class_name: torch.randn(12, generator=rng) for class_name in dict.fromkeys(classes)}
    noise = torch.randn(len(classes), 12, generator=rng)
    embeddings = torch.stack([middles[class_name] for class_name in classes]) + 0.3 * noise
    files = [
        f"{class_name}/{row % (1 if class_name == 'rare' else 5)}" for row, class_name in enumerate(classes)
    ]
    return ImageSamples(embeddings.half(), tuple(classes), tuple(files))


def test_classes_are_recognised_and_the_rest_is_none() -> None:
    given = image_samples()
    network = train(given, given.names(), QUICK, seed=0)
    predicted = network.probabilities(given.embeddings)
    for row, class_name in enumerate(given.classes):
        if class_name == SILENT:
            assert float(predicted[row].sum()) < 0.5
        else:
            assert given.names()[int(predicted[row].argmax())] == class_name


def clips() -> AudioSamples:
    """Clips of three classes, and mixtures of two with windows of alternate classes."""
    rng = torch.Generator().manual_seed(1)
    names = ("bell", "drum", "horn")
    middles = {name: torch.randn(12, generator=rng) for name in names}
    classes = [(name,) for name in names for _ in range(10)] + [("bell", "drum")] * 10
    windows = torch.stack([torch.stack([middles[each[w % len(each)]] for w in range(4)]) for each in classes])
    return AudioSamples((windows + 0.2 * torch.randn(windows.shape, generator=rng)).half(), tuple(classes))


def test_classes_are_recognised_from_audio() -> None:
    given = clips()
    network = train(given, given.names(), QUICK, seed=0)
    for windows, names in zip(given.windows, given.classes, strict=True):
        for number, window in enumerate(network.probabilities(windows)):
            assert given.names()[int(window.argmax())] == names[number % len(names)]


def test_clips_of_two_classes_are_half_of_each_and_go_with_a_class_that_is_left_out() -> None:
    given, rng = replace(clips(), mixed=1.0), np.random.default_rng(0)
    _, targets = given.make_sampler(["bell", "drum"])(50, rng)
    assert torch.equal(targets, torch.tensor([[0.5, 0.5, 0.0]]).expand(50, -1))
    embeddings, targets = given.make_sampler(["bell", "horn"])(50, rng)
    assert embeddings.shape == (50, 12)
    assert set(targets.argmax(1).tolist()) == {0, 1}
    assert torch.equal(targets.amax(1), torch.ones(50))


def test_a_seed_decides_all() -> None:
    given = image_samples()
    one, same, other = (train(given, given.names(), QUICK, seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.classify.weight, other.classify.weight)


def test_left_out_classes_do_not_change_training() -> None:
    given = image_samples()
    without = [row for row, class_name in enumerate(given.classes) if class_name != "third"]
    fewer = ImageSamples(
        given.embeddings[without],
        tuple(given.classes[row] for row in without),
        tuple(given.files[row] for row in without),
    )
    one, other = (train(part, ["often", "rare"], QUICK, 0) for part in (given, fewer))
    assert torch.equal(one.classify.weight, other.classify.weight)


def test_image_samples_are_crops_of_things_and_masks_of_scenes(tmp_path: Path) -> None:
    crops_folder, scenes_folder = tmp_path / "closer", tmp_path / "quick"
    crops_folder.mkdir()
    scenes_folder.mkdir()
    names = {"classes": json.dumps(["bell"]), "files": json.dumps(["bell/a"])}
    np.savez(crops_folder / "00000.npz", embeddings=np.zeros((1, 3), np.float16), **names)
    scenes = {"classes": json.dumps([["drum", SILENT], ["bell"]]), "files": json.dumps([["d", "s"], ["b"]])}
    np.savez(
        scenes_folder / "00000.npz",
        local=np.arange(12, dtype=np.float16).reshape(4, 3),
        scene=np.array([0, 0, 1, 1]),
        owner=np.array([1, 0, -1, 0], np.int8),
        **scenes,
    )
    given = ImageSamples.of(crops_folder, scenes_folder)
    assert given.classes == ("bell", SILENT, "drum", GROUND, "bell")
    assert given.files == ("bell/a", "s", "d", "0/1", "b")
    assert given.embeddings[1:, 0].tolist() == [0, 3, 6, 9]
    assert given.names() == ["bell", "drum"]
    assert len(given) == 5


def test_background_is_trained_as_none() -> None:
    reference = image_samples()
    classes = tuple(GROUND if class_name == "third" else class_name for class_name in reference.classes)
    given = ImageSamples(reference.embeddings, classes, reference.files, none=(0.1, 0.4))
    _, targets = given.make_sampler(given.names())(400, np.random.default_rng(0))
    assert targets.shape == (400, 3)
    assert 0.4 < float(targets[:, -1].mean()) < 0.6
    network = train(given, given.names(), QUICK, seed=0)
    predicted = network.probabilities(given.embeddings)
    assert all(
        float(predicted[row].sum()) < 0.5 for row, class_name in enumerate(classes) if class_name == GROUND
    )


def test_files_are_sampled_uniformly_however_many_rows_they_have() -> None:
    rng = np.random.default_rng(0)
    files = [np.arange(99), np.array([99])]
    assert 400 < sum(choose_row(files, rng) == 99 for _ in range(1_000)) < 600


def test_a_shard_names_the_class_of_every_crop(tmp_path: Path) -> None:
    media_bank = write_media_bank(tmp_path, {"bell": (250, 30, 30), "drum": (30, 30, 250)})
    crop_renderer = CropRenderer(
        Composer(media_bank / "pictures", media_bank / "grounds", ["bell", "drum"]), EfficientNetLite.load()
    )
    shard = crop_renderer.shard(0, 0)
    classes, files = (json.loads(str(shard[name])) for name in ("classes", "files"))
    assert shard["embeddings"].shape == (len(classes), EfficientNetLite.dim)
    assert set(classes) == {"bell", "drum"}
    assert files == [f"{class_name}/a" for class_name in classes]
    again = crop_renderer.shard(0, 0)
    assert np.array_equal(shard["embeddings"], again["embeddings"])


def test_a_table_has_a_column_for_every_audio_condition_and_vocabulary() -> None:
    row = Row("zero-shot", (0.5, 0.25, 0.5, 0.125))
    figures = Figures(("2 classes", "9 classes"), (row,), (), {})
    lines = metrics_table("Title", "Note.", figures, figures.rows).splitlines()
    head = next(line for line in lines if line.startswith("| classifier"))
    assert head.count("classes, ") == 2 * len(AUDIO_CONDITIONS)
    assert "| zero-shot | 0.500 | 0.250 | 0.500 | 0.125 |" in lines
