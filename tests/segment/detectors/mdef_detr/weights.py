"""The rule of the reference outputs: weights that anyone can make, from the names and shapes alone."""

from __future__ import annotations

import math
import re
import zlib

import numpy as np
import torch
from torch import Tensor
from transformers import RobertaConfig

from seac.segment.detectors.mdef_detr import MDefDetr, Sizes
from seac.segment.detectors.mdef_detr.sizes import base_text
from seac.segment.detectors.mdef_detr.text import restore_buffers

HALVED = ("linear2.weight", "out_proj.weight", "output_proj.weight", "output.dense.weight")
DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
BLOCK = 1 << 15


def weight(name: str, shape: torch.Size) -> Tensor:
    """The tensor called ``name``, float32."""
    name = re.sub(r"^(class_embed|bbox_embed)\.\d+\.", r"\1.0.", name)
    if name.endswith("sampling_offsets.bias"):
        ray = torch.tensor(DIRECTIONS, dtype=torch.float32)[:, None, None]
        return (ray * torch.arange(1, 5)[:, None]).expand(8, 4, 4, 2).flatten()
    scale, centre = _scale(name, shape)
    made = torch.from_numpy(noise(name, math.prod(shape), scale, centre)).reshape(shape)
    if name == "bbox_embed.0.layers.2.bias":
        made[2:] -= 2
    if name == "class_embed.0.bias":
        made[-1] += 5.5
    return made


def noise(name: str, count: int, scale: float, centre: float) -> np.ndarray:
    """(count,) float32: values in ``centre`` plus or minus ``scale``, computed in float64."""
    phase = 78.233 * (zlib.crc32(name.encode()) % 1000)
    made = np.empty(count, np.float32)
    for first in range(0, count, BLOCK):  # blocks that stay in the cache: twice as fast
        wave = np.arange(first, min(first + BLOCK, count), dtype=np.float64)
        wave *= 12.9898
        wave += phase
        np.sin(wave, out=wave)
        wave *= 43758.5453
        wave -= np.floor(wave)
        wave *= 2
        wave -= 1
        wave *= scale
        wave += centre
        made[first : first + len(wave)] = wave
    return made


def _scale(name: str, shape: torch.Size) -> tuple[float, float]:
    """How far values spread, and around what."""
    if name.endswith("running_mean"):
        return 0.05, 0.0
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        return 0.1, 1.0
    if len(shape) < 2:
        return 0.02 * math.sqrt(3), 0.0
    if name in ("query_embed.weight", "transformer.level_embed"):
        return math.sqrt(3), 0.0
    spread = math.sqrt(3 / math.prod(shape[1:]))
    if name.endswith(HALVED):
        spread *= 0.5
    return (spread * 3 if name == "bbox_embed.0.layers.2.weight" else spread), 0.0


def hollow(text: RobertaConfig, sizes: Sizes | None = None) -> MDefDetr:
    """A network without memory: nothing is drawn."""
    with torch.device("meta"):
        return MDefDetr(text, sizes)


def ruled(text: RobertaConfig | None = None, sizes: Sizes | None = None) -> MDefDetr:
    """A network with the rule's weights."""
    network = hollow(text or base_text(), sizes)
    made: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        first = re.sub(r"^(class_embed|bbox_embed)\.\d+\.", r"\1.0.", name)
        made[name] = made[first] if first in made else weight(name, tensor.shape)
    return _filled(network, made)


def with_two_text_layers(network: MDefDetr) -> MDefDetr:
    """The same weights with the first two layers of the text encoder; nothing is copied."""
    text = base_text()
    text.num_hidden_layers = 2
    short = hollow(text)
    state = network.state_dict()
    return _filled(short, {name: state[name] for name in short.state_dict()})


def _filled(network: MDefDetr, state: dict[str, Tensor]) -> MDefDetr:
    network.load_state_dict(state, assign=True)
    restore_buffers(network.transformer.text_encoder)
    return network.eval()
