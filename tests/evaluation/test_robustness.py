"""Robustness: the audio of a variant does not depend on the limit of clips."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from seac.cli.options import BENCHMARKS
from seac.core.errors import InputError
from seac.datasets.avsbench_s4 import S4
from seac.evaluation.robustness import (
    AVSBENCH_ROBUST,
    CORRUPTED,
    UNCHANGED,
    VARIANTS,
    Corrupted,
    RobustAVSBenchClips,
    base_id,
    variant_of,
)
from tests.fixtures import benchmarks


@pytest.mark.parametrize("seed", range(4))
def test_a_limit_does_not_change_the_audio_of_clips(tmp_path: Path, seed: int) -> None:
    reader = S4(benchmarks.s4(tmp_path, 6))
    few, every = Corrupted(reader, 2, seed), Corrupted(reader, None, seed)
    assert few.clips == every.clips[: 2 * len(VARIANTS)]
    for clip in few.clips:
        assert torch.equal(few.waveform(clip)[0], every.waveform(clip)[0])


def test_off_screen_audio_is_of_other_classes_than_the_clips(tmp_path: Path) -> None:
    reader = S4(benchmarks.s4(tmp_path, 6))
    strange = [clip for clip in Corrupted(reader, 1).clips if variant_of(clip) == VARIANTS[-1]]
    assert [clip.audio.parent.name != clip.category for clip in strange] == [True]


def test_a_benchmark_of_one_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its 1 clips are of one class"):
        Corrupted(S4(benchmarks.s4(tmp_path, 1)))


def test_avsbench_robust_has_every_frame_under_four_audios(tmp_path: Path) -> None:
    base = S4(benchmarks.s4(tmp_path, 3))
    robust = RobustAVSBenchClips(base, 2)
    assert [variant_of(clip) for clip in robust.clips] == list(AVSBENCH_ROBUST) * 2
    for clip in robust.clips:
        original = next(own for own in base.clips if own.id == base_id(clip.id))
        assert clip.frames == original.frames
        truth = robust.truth(clip)
        expected = base.truth(original)
        assert torch.equal(truth, expected if variant_of(clip) == UNCHANGED else torch.zeros_like(expected))


def test_the_help_names_every_benchmark_with_other_audio() -> None:
    assert set(CORRUPTED) <= set(BENCHMARKS.split(", "))
