"""Male and female voices in clips: the two classes of the teacher that the audio encoder's labels lack.

The encoder was initialised with EfficientAT mn04 and distilled from it, so the output rows of the teacher
still read its hidden layer.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from seac.core.errors import InputError
from seac.encoders.audio.mobilenet_student import MobileNetStudentNetwork

MALE, FEMALE = 1, 2
"""Rows "Male speech, man speaking" and "Female speech, woman speaking" of the teacher's output layer."""


def male_logits(embeddings: Tensor, network: MobileNetStudentNetwork, teacher: Path) -> Tensor:
    """Logit that a voice in each clip is male and not female, whatever else sounds: (n,) float32.

    Args:
        embeddings: (n, 384) of the audio encoder.
        network: the audio encoder's network.
        teacher: file of the teacher's weights, ``mn04_as_mAP_432.pt``.

    Raises:
        InputError: the file is missing.
    """
    if not teacher.is_file():
        raise InputError(f"{teacher} does not exist: give the weights of EfficientAT mn04")
    state = torch.load(teacher, map_location="cpu", weights_only=True)
    hidden = functional.hardswish(network.hidden(embeddings.float()))
    logits = functional.linear(hidden, state["classifier.5.weight"], state["classifier.5.bias"])
    return logits[:, MALE] - logits[:, FEMALE]
