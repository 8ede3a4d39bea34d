"""A ModelSpec is checked on construction, hashable, and serialisable."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

import seac
from seac import ModelSpec
from seac.associate.views import ViewSettings
from seac.core.errors import InputError
from seac.decision.base import ObjectnessSum
from seac.decision.calibration import Calibration
from seac.decision.sounding_head import LearnedSoundingHead
from seac.presets import table
from seac.presets.load import Assembly
from seac.presets.spec import spec_of
from tests.fixtures.sounding import tiny_sounding_head

FULL = ModelSpec(
    "paper",
    parts={"audio": "clap-htsat"},
    association_weights="run",  # type: ignore[arg-type]
    weights_dir=Path("weights"),
    device="cuda:1",
    vocabulary=("dog", "banjo"),
    threshold=0.25,
    settings={"top_n": 7, "views": ViewSettings(batch=2)},
)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"preset": "papr"}, "unknown preset 'papr': did you mean 'paper'"),
        ({"parts": {"vison": "clip-rn50"}}, "unknown kind of part 'vison': did you mean 'vision'"),
        (
            {"parts": {"association_method": "zeroshot"}},
            "unknown association method 'zeroshot': did you mean",
        ),
        ({"settings": {"topn": 3}}, "unknown setting 'topn': did you mean 'top_n'"),
        ({"settings": {"top_n": 0}}, "top_n is 0"),
        ({"settings": {"views": {"bach": 3}}}, "did you mean 'batch'"),
        ({"device": "cudda"}, "unknown device 'cudda': did you mean 'cuda'"),
        ({"device": 3}, "unknown device 3"),
        ({"threshold": "half"}, "threshold is 'half': give a probability"),
        ({"threshold": True}, "give a probability"),
        ({"vocabulary": ["dog", "dog"]}, "names 'dog' twice"),
        ({"vocabulary": 3}, "no list of names"),
        ({"weights_dir": 3}, "weights_dir is 3: give a path"),
    ],
)
def test_an_invalid_spec_is_refused_on_construction(options, line):
    with pytest.raises(InputError, match=line) as raised:
        ModelSpec(**options)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("keyword", "line"),
    [
        ("associate", "it is 'association_method' now"),
        ("association", "it is 'association_weights' now"),
        ("treshold", "did you mean 'threshold'"),
        ("top_m", "did you mean 'top_n'"),
    ],
)
def test_load_names_the_nearest_keyword(keyword, line):
    with pytest.raises(InputError, match=line):
        seac.load("tiny", **{keyword: "zero-shot"})


def test_equal_specs_are_equal_keys():
    same = replace(FULL, association_weights=Path("run"), vocabulary="dog,banjo")
    values = {FULL: 1}
    assert values[same] == 1
    assert replace(FULL, threshold=0.5) != FULL
    assert len({ModelSpec(), ModelSpec("tiny"), spec_of(), spec_of("tiny", text=None)}) == 1


def test_a_spec_is_immutable():
    parts = {"audio": "vggish"}
    spec = ModelSpec("paper", parts)
    parts["audio"] = "clap-htsat"
    assert spec.parts["audio"] == "vggish"
    with pytest.raises(TypeError, match="with_options"):
        spec.parts["audio"] = "clap-htsat"  # type: ignore[index]
    with pytest.raises(TypeError, match="with_options"):
        spec.settings.update(top_n=3)  # type: ignore[attr-defined]


def test_a_spec_can_be_pickled():
    assert pickle.loads(pickle.dumps(FULL)) == FULL


def test_a_record_is_plain_and_names_every_part():
    record = json.loads(json.dumps(FULL.record()))
    assert record["parts"] == table.choose("paper", audio="clap-htsat").parts
    assert record["settings"]["views"]["batch"] == 2
    assert ModelSpec.from_record(record) == FULL
    assert ModelSpec.from_record({**record, "fps": 1.0}) == FULL


def test_options_change_a_spec():
    spec = FULL.with_options(text="siglip2-base", top_n=9, association_weights=None, audio=None)
    assert spec.parts == {"audio": "clap-htsat", "text": "siglip2-base"}
    assert (spec.settings["top_n"], spec.association_weights, spec.threshold) == (9, None, 0.25)
    assert FULL.resolve_settings().top_n == 7


def test_players_are_joined_by_the_learned_head_only():
    spec = spec_of("tiny", with_players=True)
    assert spec.resolve().sounding_head == "learned-players"
    assert ModelSpec.from_record(json.loads(json.dumps(spec.record()))) == spec
    assert spec.with_options(with_players=False) == ModelSpec()
    assert spec_of("tiny", sounding_head="learned-players", with_players=True).parts
    with pytest.raises(InputError, match="use the preset tiny"):
        spec_of("paper", with_players=True)


def test_shared_objects_are_built_once(monkeypatch):
    assembly = Assembly(ModelSpec())
    association, classifier = assembly.part("association_method"), assembly.part("classifier")
    assert association.audio_mapping is classifier.audio_mapping
    assert assembly.part("class_heads") is classifier.class_heads


def test_the_calibration_is_that_of_the_sounding_head(monkeypatch):
    summed = Assembly(spec_of("tiny", sounding_head="objectness"))
    assert isinstance(summed.part("sounding_head"), ObjectnessSum)
    assert summed.calibration() == Calibration.load("zero-shot")
    learned = classmethod(lambda cls, context: tiny_sounding_head())
    monkeypatch.setattr(LearnedSoundingHead, "from_context", learned)
    expected = replace(Calibration.load("sounding-head"), noise_gate=False)
    assert Assembly(spec_of("tiny")).calibration() == expected
    assert Assembly(spec_of("tiny", threshold=0.25)).calibration() == replace(expected, threshold=0.25)


def test_tables_are_listed_by_pattern():
    assert seac.list_presets() == list(table.PRESETS)
    assert seac.list_presets("paper*") == ["paper", "paper-fast"]
    assert seac.list_parts("audio") == list(table.PARTS["audio"])
    assert seac.list_parts("segmenter", "sam2*") == [f"sam2.1-hiera-{size}" for size in "lbst"]
    assert {"format.overlay", "export.json", "benchmark.s4", "text.minilm"} <= set(seac.list_parts())
    with pytest.raises(InputError, match="did you mean 'vision'"):
        seac.list_parts("visions")
