"""A score is rendered by FluidSynth into a file that lives as long as its context."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recipes.common.midi import melody, rendered_score

PROGRAM = """#!{python}
import sys
arguments = sys.argv[1:]
wave, font, midi = arguments[arguments.index("-F") + 1 :]
assert open(midi, "rb").read(4) == b"MThd"
open(wave, "w").write(font)
"""


def put_fluidsynth(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    program = folder / "fluidsynth"
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_the_wave_is_of_the_score_and_the_font_and_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_fluidsynth(tmp_path, monkeypatch, PROGRAM.format(python=sys.executable))
    score = melody(0, 1.0, np.random.default_rng(0))
    with rendered_score(score, tmp_path / "font.sf2") as wave:
        assert wave.read_text() == str(tmp_path / "font.sf2")
    assert not wave.exists()


def test_a_failure_of_fluidsynth_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_fluidsynth(tmp_path, monkeypatch, "#!/bin/sh\nexit 3\n")
    with pytest.raises(subprocess.CalledProcessError), rendered_score(b"", tmp_path / "font.sf2"):
        pass
