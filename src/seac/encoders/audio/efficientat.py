"""EfficientAT's mn04 and mn10 (Schmid et al. 2023): AudioSet classes from MobileNetV3, as released.

Our network loads the released state dict; the spectrogram, classes and padding are the published ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.core.errors import InputError
from seac.encoders.audio.mobilenet_v3 import LARGE, MobileNetAudio, MobileNetV3
from seac.encoders.labels.descriptions import audioset_names
from seac.weights.load import fingerprint, load_state

CLASSES = 527
WIDTHS = {8: 0.4, 16: 1.0}
"""Channels of the first layer, and the width of the network that has them."""
LEFT_OUT = (1, 2, 12, 32, 33, 277)
"""AudioSet classes that YAMNet lacks (voices by sex, battle cry, funny music); the others have its order."""
PREFIXES = {
    "features.0": "stem",
    f"features.{len(LARGE) + 1}": "embed",
    "classifier.2": "hidden",
    "classifier.5": "classify",
}
"""Modules of the released file outside its blocks, and ours."""
SQUEEZE = {"fc1": "squeeze", "fc2": "excite"}
FIRST = "features.0.0.weight"


def our_name(name: str) -> str:
    """Our name of a tensor of the released file.

    Raises:
        KeyError: the network has no such tensor.
    """
    if match := re.fullmatch(r"features\.(\d+)\.block\.(\d+)\.(.+)", name):
        number, part, rest = int(match[1]) - 1, int(match[2]), match[3]
        # The first block does not expand its input.
        parts = [*(("expand",) if number else ()), "spread"]
        parts += [*(("scale",) if LARGE[number].squeezed else ()), "project"]
        if parts[part] == "scale":
            _, _, layer, kind = rest.split(".")
            rest = f"{SQUEEZE[layer]}.{kind}"
        return f"blocks.{number}.{parts[part]}.{rest}"
    prefix = ".".join(name.split(".")[:2])
    return f"{PREFIXES[prefix]}{name[len(prefix) :]}"


def rename_keys(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A released state dict with our names.

    Raises:
        KeyError: the network has no such tensor.
    """
    return {our_name(name): value for name, value in state.items()}


def kept_classes() -> Tensor:
    """Index (521,) int64 of each of our classes among the 527 of the released files."""
    return torch.tensor([number for number in range(CLASSES) if number not in LEFT_OUT])


def load_efficientat(path: Path) -> MobileNetV3:
    """Load a released ``mn04_as_*.pt`` or ``mn10_as_*.pt`` with its 527 classes, in evaluation mode.

    Raises:
        InputError: the file holds something else.
    """
    state = load_state(path)
    try:
        network = MobileNetV3(CLASSES, WIDTHS[len(state[FIRST])])
        network.load_state_dict(rename_keys(state))
    except (KeyError, IndexError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path} holds no EfficientAT mn04 or mn10 ({type(error).__name__}): run `seac weights verify`"
        ) from error
    return network.eval()


class EfficientAt(MobileNetAudio):
    """EfficientAT as an :class:`~seac.encoders.base.AudioEncoder`.

    ``class_probabilities`` are those of the 521 AudioSet classes that all audio encoders share.

    Args:
        network: with its 527 classes.
        device: where it runs.
        name: prefix of the version.
    """

    def __init__(
        self, network: MobileNetV3, device: torch.device | str = "cpu", name: str = "efficientat"
    ) -> None:
        version = f"{name} {fingerprint(network)}"
        classes, kept = network.classify, kept_classes()
        network.classify = torch.nn.Linear(classes.in_features, len(kept))
        network.classify.load_state_dict({"weight": classes.weight[kept], "bias": classes.bias[kept]})
        network.fuse_bn()
        super().__init__(network, audioset_names(), device, version)

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> EfficientAt:
        """Load a released file.

        Raises:
            InputError: the file holds something else.
        """
        return cls(load_efficientat(path), device, path.stem)

    @classmethod
    def from_context(cls, context: PartContext) -> EfficientAt:
        """The row of a table: the published weights.

        Raises:
            InputError: weights that are missing, or something else in their place.
        """
        return cls.load(context.weights(context.name), context.device)
