from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from seac.associate.model import AssociationModule
from seac.core.errors import InputError
from seac.training.checkpoint import FILE
from seac.training.config import TrainingConfig
from seac.training.trainer import Fitted, Fitting, fit, seed_of
from tests.fixtures.training_data import Bands, synthetic_store, text_space

CONFIG = TrainingConfig(lr=2e-3, epochs=4, batch=12, d=8, width=16, depth=1, heads=2)


def cpu() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


def run(out: Path, config: TrainingConfig = CONFIG, **changes: object) -> Fitted:
    out.mkdir(exist_ok=True)
    return fit(
        replace(Fitting(synthetic_store(48), config, out, Bands()), **changes),
        cpu(),
    )  # type: ignore[arg-type]


def killed(out: Path, epoch: int, step: int) -> None:
    """Start a run that a signal kills without cleanup."""
    torch.set_num_threads(1)

    def progress(at: int, done: int) -> None:
        if (at, done) == (epoch, step):
            os.kill(os.getpid(), signal.SIGKILL)

    run(out, progress=progress, save_every=0.0)


@pytest.mark.parametrize(("epoch", "step"), [(1, 4), (2, 3)], ids=["before its figures", "in the middle"])
def test_a_killed_run_is_resumed_with_the_same_losses_bit_for_bit(
    tmp_path: Path, epoch: int, step: int
) -> None:
    torch.set_num_threads(1)
    worker = multiprocessing.get_context("fork").Process(
        target=killed, args=(tmp_path / "killed", epoch, step)
    )
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    resumed: list[tuple[int, int]] = []
    whole = run(tmp_path / "whole")
    again = run(tmp_path / "killed", progress=lambda *at: resumed.append(at))
    assert len(resumed) == 16 - (4 * epoch + step - 1)
    assert again.history.steps == whole.history.steps
    assert any(row[5] for row in whole.history.steps)
    for name, value in whole.module.state_dict().items():
        assert torch.equal(again.module.state_dict()[name], value)


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = run(tmp_path)
    steps: list[int] = []
    again = run(tmp_path, progress=lambda _, step: steps.append(step))
    assert steps == []
    assert again.history.losses() == first.history.losses()


def test_seeds_decide_everything(tmp_path: Path) -> None:
    first, again, other = (
        run(tmp_path / name, replace(CONFIG, seed=seed)).history.losses()
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again
    assert first[0] != other[0]


def test_the_random_state_of_the_caller_is_unchanged(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_training_finds_the_sounding_object(tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=25, batch=24, dropout=0.0)
    fitted = run(tmp_path, config)
    store, module = synthetic_store(12, seed=7), fitted.module.eval()
    read = store.read(range(2, 12), [1] * 10, masks=9, waveforms=False)
    masks = module.embed_masks(read.mixed(0.6), read.mask_padding())
    audio = module.embed_audio(read.windows.float(), read.window_padding())
    cosine = torch.cosine_similarity(masks, audio[:, None], dim=-1)
    chosen = cosine.masked_fill(read.mask_padding(), -2).argmax(1)
    class_vectors = torch.randn(10, 10, generator=torch.Generator().manual_seed(99))
    classes = [
        int((class_vectors - 2 * read.context[row, int(mask)].float()).norm(dim=1).argmin())
        for row, mask in enumerate(chosen)
    ]
    right = sum(found == clip % 6 for found, clip in zip(classes, range(2, 12), strict=True))
    assert right >= 9


def test_the_best_epoch_is_kept(tmp_path: Path) -> None:
    figures, states = iter([0.2, 0.9, 0.9, 0.3]), []

    def measure(module: AssociationModule) -> dict[str, float]:
        assert not module.training
        states.append({name: value.clone() for name, value in module.state_dict().items()})
        return {"miou": next(figures), "other": -1.0}

    fitted = run(tmp_path, measure=measure)
    assert fitted.epoch == 1
    for name, value in states[1].items():
        assert torch.equal(fitted.module.state_dict()[name], value)
    assert fitted.history.measured() == ("miou", "other")


def test_a_run_is_not_resumed_with_other_settings_or_another_store(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(InputError, match=r"a run with other settings \(lr 0.002 there, 0.001 here\)"):
        run(tmp_path, replace(CONFIG, lr=1e-3))
    with pytest.raises(InputError, match="clips in the store 48 there, 24 here"):
        run(tmp_path, store=synthetic_store(24))


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="is damaged"):
        run(tmp_path)


def test_too_few_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 usable samples"):
        run(tmp_path, store=synthetic_store(1))


def test_bfloat16_trains_too(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    losses = fit(Fitting(synthetic_store(48), CONFIG, out, Bands()), fabric).history.losses()
    assert losses[-1] < losses[0]


TEXT = replace(
    CONFIG, image_components=6, audio_components=5, text_components=4, input_dropout=0.1, max_windows=2,
    depth=0, loss="text-aware", schedule="cosine", pool_heads=3,
)  # fmt: skip


def test_a_projected_input_is_fitted_trained_and_resumed(tmp_path: Path) -> None:
    given = {"store": synthetic_store(48, classes=True), "zero_shot": text_space()}
    whole = run(tmp_path / "whole", TEXT, **given)
    projection = whole.module.input_projection
    assert projection is not None
    assert all(bool(buffer.isfinite().all()) and bool(buffer.any()) for buffer in projection.buffers())
    assert whole.module.mask_encoder.linear.in_features == 6 + 4
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", TEXT, progress=_interrupt, save_every=0.0, **given)
    again = run(tmp_path / "cut", TEXT, **given)
    assert again.history.steps == whole.history.steps
    for name, value in whole.module.state_dict().items():
        assert torch.equal(again.module.state_dict()[name], value)


def _interrupt(epoch: int, step: int) -> None:
    if (epoch, step) == (1, 3):
        raise KeyboardInterrupt


def test_text_space_needs_class_probabilities(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no class probabilities"):
        run(tmp_path, TEXT, zero_shot=text_space())
    with pytest.raises(InputError, match="text_components=0"):
        run(tmp_path, TEXT)


def test_more_components_than_features_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"image_components=11, but the store has .* of size 10"):
        run(tmp_path, replace(CONFIG, image_components=11, audio_components=4))


def test_seeds_of_different_purposes_and_positions_are_different() -> None:
    seeds = {
        seed_of(purpose, 0, number, rank) for purpose in "ab" for number in range(99) for rank in range(9)
    }
    assert len(seeds) == 2 * 99 * 9
