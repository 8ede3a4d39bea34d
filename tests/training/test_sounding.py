"""The sounding head of a training: what it learns, its file, resuming, and its calibration without labels."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric

from seac.associate.model import AssociationModule
from seac.associate.trained import Trained, TrainedAssociationWeights
from seac.core.errors import InputError
from seac.decision.trained_head import read, write
from seac.features.batch import IndexBatch, MemoryStore
from seac.media.noise import noise_waveforms
from seac.training.config import TrainingConfig
from seac.training.sounding import FOLDER, METRIC, HeadFitted, HeadFitting, draw_others, train_head
from seac.training.sounding_comparison import Comparison
from seac.training.trainer import Fitting, fit
from tests.fixtures.training_data import Bands, synthetic_store, text_space

CONFIG = TrainingConfig(
    lr=2e-3, epochs=6, batch=24, d=8, width=16, depth=1, heads=2, dropout=0.0,
    sounding_steps=90, sounding_lr=3e-3,
)  # fmt: skip


def cpu() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


@cache
def store() -> MemoryStore:
    return synthetic_store(48)


@cache
def association() -> AssociationModule:
    """An association that tells the six tones of the synthetic store apart."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        config = replace(CONFIG, epochs=25)
        return fit(Fitting(store(), config, Path(folder), Bands()), cpu()).module.eval()


def head(out: Path, config: TrainingConfig = CONFIG, **changes: Any) -> HeadFitted:
    out.mkdir(exist_ok=True)
    held_out = synthetic_store(24, seed=7)
    job = HeadFitting(store(), held_out, config, out, Bands(), association(), "0" * 64)
    return train_head(replace(job, **changes), cpu())


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> HeadFitted:
    return head(tmp_path_factory.mktemp("head"))


def test_the_loss_falls_within_an_epoch(tmp_path: Path) -> None:
    first, second = head(tmp_path, replace(CONFIG, sounding_steps=24, sounding_batch=4)).history.epochs
    assert second["loss"] < first["loss"]


def test_own_audio_is_told_from_other_audio_on_clips_that_were_held_out(fitted: HeadFitted) -> None:
    assert fitted.history.epochs[fitted.epoch][METRIC] > 0.9
    assert fitted.figures["auroc"] > 0.9
    assert fitted.figures["active under own"] > 0.8
    assert fitted.figures["active under other"] < 0.3
    assert fitted.figures["active under noise"] < 0.2


def test_a_head_survives_its_file_bit_for_bit(fitted: HeadFitted, tmp_path: Path) -> None:
    sha256 = write(fitted.weights, tmp_path / "head.safetensors")
    again = read(tmp_path / "head.safetensors")
    assert again.sha256 == sha256
    assert (again.association, again.scale) == (fitted.weights.association, fitted.weights.scale)
    assert again.calibration == fitted.weights.calibration
    for name, value in fitted.weights.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], value)


def test_an_interrupted_run_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    config = replace(CONFIG, sounding_steps=9)

    def interrupt(epoch: int, step: int) -> None:
        if (epoch, step) == (1, 2):
            raise KeyboardInterrupt

    whole = head(tmp_path / "whole", config)
    with pytest.raises(KeyboardInterrupt):
        head(tmp_path / "cut", config, progress=interrupt, save_every=0.0)
    again = head(tmp_path / "cut", config)
    assert again.history.steps == whole.history.steps
    assert any(row[5] for row in whole.history.steps)
    assert again.weights.calibration == whole.weights.calibration
    for name, value in whole.weights.network.state_dict().items():
        assert torch.equal(again.weights.network.state_dict()[name], value)


def test_a_run_is_not_resumed_with_another_association(tmp_path: Path) -> None:
    config = replace(CONFIG, sounding_steps=1)
    head(tmp_path, config)
    assert (tmp_path / FOLDER / "checkpoint.pt").is_file()
    with pytest.raises(InputError, match="a run with other settings"):
        head(tmp_path, config, digest="1" * 64)


def test_too_few_held_out_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"3 clips are held out.*--no-sounding-head"):
        head(tmp_path, held_out=synthetic_store(3, frames=1))


def test_a_frame_is_never_compared_with_its_own_audio() -> None:
    groups, ignored = torch.arange(6), torch.zeros(6, 6, dtype=torch.bool)
    ignored[:, 0] = True
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        other, weight = draw_others(groups, ignored, generator)
        assert bool((other != groups).all())
        assert torch.equal(weight == 0, other == 0)


def test_without_another_waveform_nothing_is_compared() -> None:
    groups, ignored = torch.zeros(3, dtype=torch.int64), torch.zeros(3, 1, dtype=torch.bool)
    assert not draw_others(groups, ignored, torch.Generator())[1].any()


def test_noise_is_reproducible_and_within_its_levels() -> None:
    first, again = noise_waveforms(16, 8000, 3), noise_waveforms(16, 8000, 3)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    levels = [10 * torch.log10(wave.square().mean() + 1e-12) for wave in first]
    assert [float(level) < -100 for level in levels] == [row % 8 == 0 for row in range(16)]
    assert all(-56 < float(level) < -10 for row, level in enumerate(levels) if row % 8)


def test_a_zero_shot_share_is_that_of_the_trained_association() -> None:
    classes, config = synthetic_store(12, classes=True), replace(CONFIG, zero_shot_weight=0.4)
    config = replace(config, zero_shot_scale=0.7, max_windows=9)
    module = AssociationModule(config.association(classes.mask_dim, classes.audio_dim)).eval()
    job = HeadFitting(classes, classes, config, Path(), Bands(), module, "", text_space())
    collate = job.collate(classes)
    comparison = Comparison.of(module, replace(collate, max_windows=0), Bands(), 0)
    batch = replace(collate, max_windows=0)(IndexBatch((0, 2, 3), (0, 1, 0), mixed=False, seed=0))
    found = comparison.cosine(comparison.masks(batch), comparison.clips(batch))
    trained = Trained(TrainedAssociationWeights(module), zero_shot=text_space())
    read = classes.read((0, 2, 3), (0, 1, 0), masks=50, waveforms=False, probabilities=True)
    for row, count in enumerate(read.mask_counts.tolist()):
        part = classes.read(
            *(((0, 2, 3)[row],), ((0, 1, 0)[row],)), masks=50, waveforms=False, probabilities=True
        )
        expected = trained(part.masks(), part.audio())
        torch.testing.assert_close(found[row, :count, row], expected, atol=1e-3, rtol=0)
    assert comparison.noise_text is not None


def test_batches_have_the_geometry_of_the_masks() -> None:
    job = HeadFitting(store(), store(), CONFIG, Path(), Bands(), association(), "")
    batch = job.collate(store())(IndexBatch((0, 2), (0, 1), mixed=False, seed=0))
    assert batch.views is not None
    assert batch.views.geometry.shape == (*batch.mask_padding.shape, 8)
    rows = store().geometry
    assert rows is not None
    torch.testing.assert_close(batch.views.geometry[0, 0, 0], 2 * rows[0][0][0, 5] - 1)
