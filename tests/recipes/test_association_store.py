"""Cached composites as a training store: recordings are paired with scenes of their class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from recipes.association.model_card import phase_row, write_model_card
from recipes.association.store import FRAMES, MAX_OFF_SCREEN, MAX_OWN_MASKS, CompositeStore
from recipes.common.feature_cache import GROUND, FeatureCache, Waveforms
from recipes.common.media_bank import SILENT
from recipes.common.scene_features import write_shards
from seac.associate.ensemble import cosines
from seac.associate.input_projection import InputFeatures
from seac.core.types import MaskEmbeddings
from seac.training.config import SHIPPED, configured
from seac.training.trainer import Fitting, fit
from tests.fixtures.training_data import Bands, band_probabilities, text_space, tone

CLASSES, D, WINDOWS, EACH = ("bell", "drum", "horn"), 12, 4, 12


@pytest.fixture
def cache() -> FeatureCache:
    """Scenes of two masks, one of which is background or silent; recordings of pure tones."""
    rng = torch.Generator().manual_seed(0)
    means = torch.randn(len(CLASSES), D, generator=rng)
    classes = [name for name in CLASSES for _ in range(EACH)]
    rows = [CLASSES.index(name) for name in classes]
    objects = 3 * means[rows] + 0.3 * torch.randn(len(rows), D, generator=rng)
    others = torch.randn(len(rows), D, generator=rng)
    local = torch.stack([objects, others], 1).flatten(0, 1).half()
    names = [each for row, name in enumerate(classes) for each in (name, SILENT if row % 2 else GROUND)]
    probabilities = torch.softmax(torch.randn(len(local), 10, generator=rng), 1).half()
    waveforms = [tone(row, WINDOWS * Bands.window) for row in rows]
    windows = torch.stack([Bands()(wave.view(WINDOWS, -1) / 32768).embeddings for wave in waveforms])
    return FeatureCache(
        MaskEmbeddings(local, local, probabilities, probabilities),
        tuple(names),
        torch.arange(len(rows)).repeat_interleave(2),
        windows.half(),
        torch.stack([band_probabilities(each) for each in windows]).half(),
        tuple(classes),
        waveforms,
    )


def test_every_frame_of_a_clip_shows_its_class_first(cache: FeatureCache) -> None:
    store = CompositeStore(cache, CLASSES)
    assert len(store) == len(CLASSES) * EACH
    assert store.proposals.shape == (len(store), FRAMES)
    for clip in range(0, len(store), 5):
        frames = [store.frame(clip, number) for number in range(FRAMES)]
        assert {cache.mask_classes[frame[0]] for frame in frames} == {cache.clip_classes[clip]}
        assert len({frame[0] for frame in frames}) > EACH / 2
        assert max(map(len, frames)) <= MAX_OWN_MASKS + MAX_OFF_SCREEN
        assert frames == [store.frame(clip, number) for number in range(FRAMES)]


def test_left_out_classes_have_neither_masks_nor_recordings(cache: FeatureCache) -> None:
    store = CompositeStore(cache, CLASSES[:2])
    assert len(store) == 2 * EACH
    shown = {mask for clip in range(len(store)) for number in range(8) for mask in store.frame(clip, number)}
    assert {cache.mask_classes[mask] for mask in shown} == {*CLASSES[:2], SILENT, GROUND}


def test_a_batch_has_the_features_of_its_masks_and_recordings(cache: FeatureCache) -> None:
    store = CompositeStore(cache, CLASSES[1:])
    batch = store.read([0, 15], [3, 5], masks=8, waveforms=True, probabilities=True)
    first = store.frame(0, 3)
    assert torch.equal(batch.local[0, : len(first)], cache.masks.local[first])
    assert torch.equal(batch.windows[0], cache.windows[EACH])
    assert batch.waveforms is not None
    assert torch.equal(batch.waveforms[1], cache.waveforms[EACH + 15])
    assert batch.local_probabilities is not None
    assert batch.window_probabilities is not None
    assert store.read([0], [3], masks=2, waveforms=False).mask_counts.tolist() == [2]


def test_the_trainer_of_seac_train_finds_which_mask_sounds(cache: FeatureCache, tmp_path: Path) -> None:
    config = replace(
        configured("tiny", [f"recipe={SHIPPED}"]),
        epochs=30, batch=12, d=8, width=16, heads=2, pool_heads=3, input_dropout=0.1, lr=1e-2,
        image_components=8, audio_components=8, text_components=4,
    )  # fmt: skip
    zero_shot = text_space()
    store = CompositeStore(cache, CLASSES, {"vision": "v"})
    fitting = Fitting(store, config, tmp_path, Bands(), zero_shot=zero_shot)
    fitted = fit(fitting, Fabric(accelerator="cpu", devices=1))
    assert any(row[5] for row in fitted.history.steps)
    module = fitted.module.eval()
    features = InputFeatures(module.input_projection, zero_shot, 0.6)
    masks = features.masks(cache.mask_embeddings(range(len(cache.masks))))
    right = 0
    with torch.no_grad():
        for clip, name in enumerate(cache.clip_classes):
            similarity = cosines(module, masks, features.windows(cache.audio(clip))).mean(1)
            right += cache.mask_classes[int(similarity.argmax())] == name
    assert right >= 0.8 * len(cache.clip_classes)


def test_waveforms_of_all_shards_are_one_sequence(tmp_path: Path) -> None:
    def shard(seed: int, number: int) -> dict[str, np.ndarray]:
        return {"waveforms": np.full((2, 5), number, np.int16), "windows": np.zeros((2, 1, 1))}

    write_shards(tmp_path, [0, 1], shard, 0)
    waveforms = Waveforms(tmp_path)
    assert [int(waveforms[row][0]) for row in range(len(waveforms))] == [0, 0, 1, 1]
    assert waveforms[3].dtype == torch.int16
    with np.load(tmp_path / "00001.npz") as opened:
        assert opened.files == ["windows"]


def test_a_model_card_is_tables(tmp_path: Path) -> None:
    config = configured("tiny", [f"recipe={SHIPPED}"])
    assert phase_row(config, 7_200) == ("training", 64_800, 675, "0.001", "random weights")
    figures = {
        "masks": 5, "recordings": 7_200, "classes": 3, "variants": ["trained cosine"], "sha256": "5" * 64,
        "dev": [[0.5], [0.75]], "dev, classes never rendered": [], "left out of training": [[0.25]],
    }  # fmt: skip
    write_model_card(tmp_path / "card.md", figures, config, {"vision": "v"})
    text = (tmp_path / "card.md").read_text()
    assert "| trained cosine | 0.625 | 0.125 |" in text
    assert "| schedule | cosine |" in text
    assert text.count("Object picking") == 2
