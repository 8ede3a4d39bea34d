"""Male and female voices in the training of the audio head."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from recipes.sounding.store import split_voices
from recipes.sounding.voices import male_logits
from seac.core.errors import InputError
from seac.encoders.audio.mobilenet_student import DIM, MobileNetStudentNetwork
from seac.encoders.labels.sound_sources import source_names


def test_only_clips_of_both_are_split() -> None:
    """A clip of a man or a woman becomes one of them; other sources and other clips stay."""
    man, woman, dog = (source_names().index(name) for name in ("man", "woman", "dog"))
    audible = torch.zeros(3, len(source_names()), dtype=torch.bool)
    audible[:2, [man, woman, dog]] = True
    audible[2, dog] = True
    split = split_voices(audible, torch.tensor([True, False, True]))
    assert split[:, man].tolist() == [True, False, False]
    assert split[:, woman].tolist() == [False, True, False]
    assert split[:, dog].all()
    assert audible[0, woman]


def test_the_teacher_decides(tmp_path: Path) -> None:
    """The larger of the two rows of the teacher's output layer decides."""
    state = {"classifier.5.weight": torch.zeros(527, 512), "classifier.5.bias": torch.zeros(527)}
    state["classifier.5.bias"][1] = 1
    torch.save(state, tmp_path / "teacher.pt")
    network = MobileNetStudentNetwork().eval()
    assert (male_logits(torch.zeros(2, DIM), network, tmp_path / "teacher.pt") > 0).all()
    state["classifier.5.bias"][2] = 2
    torch.save(state, tmp_path / "teacher.pt")
    assert (male_logits(torch.zeros(2, DIM), network, tmp_path / "teacher.pt") < 0).all()


def test_a_missing_teacher_is_named(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(InputError, match=r"none\.pt"):
        male_logits(torch.zeros(1, DIM), MobileNetStudentNetwork(), tmp_path / "none.pt")
