"""Validation during training, on a benchmark of coloured squares with one pitch each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from seac.associate.model import AssociationModule
from seac.associate.trained import Trained, TrainedAssociationWeights
from seac.core.errors import InputError
from seac.datasets.table import open_benchmark
from seac.encoders.audio.windows import encode_windows
from seac.evaluation.score_model import score_model
from seac.features.batch import MemoryStore
from seac.jobs.ablate import evaluation
from seac.pipeline import SeAC
from seac.presets.spec import ModelSpec
from seac.training.config import TrainingConfig
from seac.training.frozen import Networks
from seac.training.trainer import Fitting, fit
from seac.training.validation import Benchmarked, Wanted
from tests.fixtures import benchmarks
from tests.fixtures.parts import COLOURS, PitchAudioEncoder, squares, synthetic_model, tone

SHAPE = TrainingConfig(d=8, width=16, depth=1, heads=2, pool_heads=1, dropout=0.0, n_masks=4)
CONFIG = replace(SHAPE, lr=5e-3, epochs=3, batch=6, mixing=0.0)


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> Networks:
    """The encoders of the synthetic model with an untrained module."""

    def model(self: Networks, store: MemoryStore, config: TrainingConfig, names: object) -> SeAC:
        torch.manual_seed(3)
        model = synthetic_model(top_n=4)
        module = AssociationModule(config.association(3, 3))
        return SeAC(
            replace(model.stages, association=Trained(TrainedAssociationWeights(module))),
            model.vocabulary,
            model.settings,
        )

    monkeypatch.setattr(Networks, "model", model)
    return Networks(ModelSpec("tiny"))


def colours() -> MemoryStore:
    """Clips of two or three squares, one of which sounds."""
    model, local, windows, waveforms = synthetic_model(), [], [], []
    for number in range(18):
        colour = COLOURS[number % 3]
        frame = squares(96, 96).copy()
        hidden = (number % 3 + 1 + number // 3 % 3) % 3  # the sounding square is never hidden
        if hidden != number % 3:
            frame[frame[..., hidden] > 200] = 90
        local.append([model.encode_image(frame).embeddings.local])
        samples = torch.from_numpy(tone(colour, 1.0))
        windows.append(encode_windows(samples, PitchAudioEncoder()).embeddings)
        waveforms.append((samples * 32767).to(torch.int16))
    return MemoryStore(local, local, windows, waveforms, {})


def s4(folder: Path) -> Wanted:
    return Wanted("s4", benchmarks.s4(folder), "test")


def test_a_benchmark_is_measured_after_every_epoch_and_its_best_one_kept(
    networks: Networks, tmp_path: Path
) -> None:
    store = colours()
    measure = Benchmarked(s4(tmp_path / "s4"), store, CONFIG, networks)
    out = tmp_path / "run"
    out.mkdir()
    fitted = fit(Fitting(store, CONFIG, out, measure=measure), Fabric(accelerator="cpu", devices=1))
    assert fitted.history.measured()[:2] == ("s4 test miou", "s4 test fscore")
    reached = [row["s4 test miou"] for row in fitted.history.epochs]
    assert len(reached) == 3
    assert reached[fitted.epoch] == max(reached)
    assert measure(fitted.module)["s4 test miou"] == pytest.approx(max(reached))


def test_a_measure_equals_the_evaluation_of_the_same_model_without_a_cache(
    networks: Networks, tmp_path: Path
) -> None:
    wanted = s4(tmp_path)
    measure = Benchmarked(wanted, colours(), CONFIG, networks)
    reader = open_benchmark("s4", wanted.folder, "test")
    model = synthetic_model(top_n=4)
    for seed in range(2):
        torch.manual_seed(seed)
        module = AssociationModule(CONFIG.association(3, 3)).eval()
        stages = replace(model.stages, association=Trained(TrainedAssociationWeights(module)))
        row = score_model(reader, reader.clips, SeAC(stages, model.vocabulary, model.settings))
        expected = {f"s4 test {name}": value for name, value in row.protocols["official"].items()}
        assert measure(module) == pytest.approx(expected)


def test_ablations_are_evaluated_by_the_cosine_alone(networks: Networks, tmp_path: Path) -> None:
    load: Callable[..., SeAC] = Networks.model

    class WithObjectness(Networks):
        def model(self, *given: object) -> SeAC:
            model = load(self, *given)
            model.settings = replace(model.settings, objectness=5.0)
            return model

    torch.manual_seed(1)
    module, wanted = AssociationModule(CONFIG.association(3, 3)).eval(), s4(tmp_path)
    ours, theirs = (
        evaluation(colours(), CONFIG, [wanted], each("tiny"), 4)(CONFIG)(module, 4)
        for each in (WithObjectness, Networks)
    )
    assert ours == theirs
    preferred = Benchmarked(wanted, colours(), CONFIG, WithObjectness("tiny"))(module)
    assert preferred != ours


def test_a_split_without_clips_is_refused(networks: Networks, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="val"):
        Benchmarked(Wanted("s4", benchmarks.s4(tmp_path)), colours(), CONFIG, networks)
