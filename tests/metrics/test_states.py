"""Every metric class: any portions, any ranks, the same figures as the functions."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, distributed, multiprocessing
from torchmetrics import Metric

from seac.core.errors import InputError
from seac.metrics import functional
from seac.metrics.avsbench import AVSBench, AVSBenchFixed
from seac.metrics.avsbench_copies import AVSBenchCopy
from seac.metrics.avsbench_semantic import AVSBenchSemantic
from seac.metrics.extended_vggss import ExtendedVGGSS
from seac.metrics.functional.avsbench import avsbench_fixed
from seac.metrics.functional.avsbench_copies import COPIES, avsbench_copy
from seac.metrics.robust_avsbench import RobustAVSBench
from seac.metrics.robustness import Robustness
from seac.metrics.swap import Swap
from seac.metrics.vggss import VGGSS

FRAMES = 30
C = 3


def frames(seed: int = 0) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(FRAMES, 6, 6, generator=rng) * 4
    masks = logits + torch.randn(logits.shape, generator=rng) * 3 > 3
    masks[3] = False
    return {
        "logits": logits,
        "heatmaps": logits.sigmoid(),
        "masks": masks,
        "target": torch.randint(0, C, logits.shape, generator=rng),
        "labels": torch.randint(0, C, logits.shape, generator=rng),
        "ciou": torch.rand(FRAMES, generator=rng),
        "boxes": torch.randint(0, 2, (FRAMES,), generator=rng),
        "confidence": torch.randint(0, 9, (FRAMES,), generator=rng) / 9,
        "sounding": torch.rand(FRAMES, generator=rng) > 0.5,
        "other": torch.rand(logits.shape, generator=rng) > 0.5,
        "other_confidence": torch.randint(0, 9, (FRAMES,), generator=rng) / 9,
        "clips": torch.randint(0, 5, (FRAMES,), generator=rng),
        # Every portion has a whole clip under its own audio and frames of both conditions.
        "condition": torch.tensor([0] * 5 + [1, 2, 1, 2, 2]).repeat(FRAMES // 10),
    }


def by_protocol(logits: Tensor, masks: Tensor, clips_per_batch: int | None) -> dict[str, dict]:
    """Both protocols of :class:`AVSBench` by functions; without batches only the data-set protocol."""
    dataset = {"dataset": functional.avsbench(logits, masks, clips_per_batch=None)}
    if clips_per_batch is None:
        return dataset
    return {"official": functional.avsbench(logits, masks, clips_per_batch=clips_per_batch)} | dataset


def robust_by_protocol(logits: Tensor, masks: Tensor, condition: Tensor) -> dict[str, dict]:
    """Both protocols of :class:`RobustAVSBench` with batches of one clip, by functions."""
    return {
        name: functional.robust_avsbench(
            logits, masks, condition, conditions=("silence", "noise"), clips_per_batch=clips
        )
        for name, clips in (("official", 1), ("dataset", None))
    }


Case = tuple[Callable[[], Metric], Callable[..., dict], tuple[str, ...]]
CASES: dict[str, Case] = {
    "avsbench": (AVSBench, lambda *given_: by_protocol(*given_, clips_per_batch=4), ("logits", "masks")),
    "avsbench of batches of 2": (
        lambda: AVSBench(clips_per_batch=2),
        lambda *given_: by_protocol(*given_, clips_per_batch=2),
        ("logits", "masks"),
    ),
    "avsbench data set": (
        lambda: AVSBench(clips_per_batch=None),
        lambda *given_: by_protocol(*given_, clips_per_batch=None),
        ("logits", "masks"),
    ),
    "avsbench fixed": (
        lambda: AVSBenchFixed(threshold=0.4),
        lambda *given_: avsbench_fixed(*given_, threshold=0.4),
        ("heatmaps", "masks"),
    ),
    **{
        f"avsbench as {name}": (
            lambda name=name: AVSBenchCopy(name, frames_per_clip=1),
            lambda *given_, name=name: avsbench_copy(*given_, name, frames_per_clip=1),
            ("heatmaps", "masks"),
        )
        for name in COPIES
    },
    "semantic": (
        lambda: AVSBenchSemantic(num_classes=C),
        lambda *given_: functional.avsbench_semantic(*given_, num_classes=C),
        ("labels", "target"),
    ),
    "semantic data set": (
        lambda: AVSBenchSemantic(num_classes=C, protocol="dataset"),
        lambda *given_: functional.avsbench_semantic(*given_, num_classes=C, protocol="dataset"),
        ("labels", "target"),
    ),
    "vggss": (VGGSS, functional.vggss, ("heatmaps", "masks")),
    "vggss median": (
        lambda: VGGSS(threshold="median"),
        lambda *given_: functional.vggss(*given_, threshold="median"),
        ("heatmaps", "masks"),
    ),
    "extended": (ExtendedVGGSS, functional.extended_vggss, ("ciou", "boxes", "confidence")),
    "robust avsbench": (
        lambda: RobustAVSBench(conditions=("silence", "noise"), clips_per_batch=1),
        robust_by_protocol,
        ("logits", "masks", "condition"),
    ),
    "robustness": (
        lambda: Robustness(threshold=0.5),
        lambda *given_: functional.robustness(*given_, 0.5),
        ("heatmaps", "confidence", "sounding"),
    ),
    "swap": (
        lambda: Swap(resamples=20, seed=3),
        lambda *given_: functional.swap(*given_, resamples=20, seed=3),
        ("masks", "other", "confidence", "other_confidence", "clips"),
    ),
}


def flat(found: dict) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in found.items():
        if isinstance(value, dict):
            values |= {f"{name} {key}": each for key, each in flat(value).items()}
        else:
            values[name] = value.tolist() if isinstance(value, Tensor) else value
    return values


def assert_same(found: dict, wanted: dict) -> None:
    assert flat(found).keys() == flat(wanted).keys()
    for name, value in flat(wanted).items():
        assert flat(found)[name] == pytest.approx(value, nan_ok=True, abs=1e-12), name


@pytest.mark.parametrize("name", CASES)
@given(
    cuts=st.lists(st.integers(1, FRAMES - 1), unique=True, max_size=5).map(sorted), seed=st.integers(0, 99)
)
@settings(max_examples=8)
def test_any_portions_give_the_figures_of_the_function(name: str, cuts: list[int], seed: int) -> None:
    build, function, names = CASES[name]
    given_ = [frames(seed)[key] for key in names]
    metric = build()
    for first, last in zip([0, *cuts], [*cuts, FRAMES], strict=True):
        metric.update(*(tensor[first:last] for tensor in given_))
    assert_same(metric.compute(), function(*given_))


@pytest.mark.parametrize("name", CASES)
def test_reset_clears_and_a_copy_is_independent(name: str) -> None:
    build, function, names = CASES[name]
    given_ = [frames()[key] for key in names]
    metric = build()
    metric.update(*(tensor[:10] for tensor in given_))
    twin = pickle.loads(pickle.dumps(copy.deepcopy(metric)))
    metric.reset()
    metric.update(*given_)
    twin.update(*(tensor[10:] for tensor in given_))
    assert_same(metric.compute(), function(*given_))
    assert_same(twin.compute(), function(*given_))


@pytest.mark.parametrize("name", CASES)
def test_forward_gives_the_portion_and_keeps_the_whole(name: str) -> None:
    build, function, names = CASES[name]
    given_ = [frames()[key] for key in names]
    metric = build()
    for first in range(0, FRAMES, 10):
        portion = [tensor[first : first + 10] for tensor in given_]
        assert_same(metric(*portion), function(*portion))
    assert_same(metric.compute(), function(*given_))


def test_memory_of_a_running_sum_does_not_grow() -> None:
    kept = frames()
    for build, _, names in (CASES[name] for name in CASES if name.startswith(("avsbench", "semantic"))):
        metric = build()
        before = [getattr(metric, state).shape for state in metric._defaults]
        metric.update(*(kept[key] for key in names))
        metric.update(*(kept[key] for key in names))
        assert [getattr(metric, state).shape for state in metric._defaults] == before


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_compute_without_frames_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="no frames to score"):
        CASES[name][0]().compute()


# Rank 0 gets whole batches of 2 and 4 clips, rank 1 the rest; then rank 0 everything and rank 1 nothing.
SHARES = (20, FRAMES)


def _rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)  # first: a forked process has none of its parent's threads
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2, timeout=None
    )
    kept, found = frames(), {}
    for share in SHARES:
        part = slice(0, share) if rank == 0 else slice(share, FRAMES)
        for name, (build, _, names) in CASES.items():
            metric = build()
            if part.start < FRAMES:
                metric.update(*(kept[key][part] for key in names))
            found[f"{name} {share}"] = metric.compute()
    torch.save(found, Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.skipif(
    torch.__version__.startswith("2.4."),
    reason="torch 2.4 hangs as a forked process leaves its group",
)
@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_two_ranks_give_the_figures_of_one(tmp_path: Path) -> None:
    # Forked where that is safe: two interpreters that import everything anew take ten times the test's time.
    method = "fork" if sys.platform == "linux" else "spawn"
    multiprocessing.start_processes(_rank, args=(str(tmp_path),), nprocs=2, start_method=method)
    kept = frames()
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt")
        for share in SHARES:
            for name, (_, function, names) in CASES.items():
                assert_same(found[f"{name} {share}"], function(*(kept[key] for key in names)))
