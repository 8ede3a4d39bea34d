"""The weights that ship with the preset tiny belong together."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import seac
from seac.decision.base import ObjectnessSum
from seac.decision.sounding_head import LearnedSoundingHead
from seac.encoders.class_heads import MODALITIES
from seac.encoders.labels.sound_sources import source_names

ASSETS = Path(str(files("seac").joinpath("assets")))
MAX_MEGABYTES = 30


def test_tiny_decides_with_the_learned_head() -> None:
    """The head was trained with the encoders, the association and the class heads that ship."""
    model = seac.load("tiny")
    assert isinstance(model.stages.sounding_head, LearnedSoundingHead)
    weights = model.stages.sounding_head.class_heads.weights
    assert set(weights.networks) == set(MODALITIES)
    assert weights.names == source_names()
    assert model.stages.calibration.threshold == 0.5
    assert not model.stages.calibration.noise_gate


def test_other_parts_decide_without_it() -> None:
    """With another sounding head, similarity and objectness decide, calibrated for the association."""
    model = seac.load("tiny", sounding_head="objectness")
    assert isinstance(model.stages.sounding_head, ObjectnessSum)
    assert model.stages.calibration.noise_gate


def test_the_weights_are_small() -> None:
    """All weights in the repository together are under 30 MB."""
    total = sum(path.stat().st_size for path in ASSETS.glob("*.safetensors"))
    assert total < MAX_MEGABYTES * 1e6
