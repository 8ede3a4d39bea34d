"""The rule of the reference outputs: weights that anyone can make, from the names and shapes alone."""

from __future__ import annotations

import math
import re
import zlib

import numpy as np
import torch
from torch import Tensor, nn

HALVED = ("linear2.weight", "out_proj.weight", "output_proj.weight", "output.dense.weight")
DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))


def noise(name: str, count: int) -> np.ndarray:
    """(count,) float64 in -1..1, a function of the name."""
    k = zlib.crc32(name.encode()) % 1000
    wave = np.arange(count, dtype=np.float64)
    wave *= 12.9898
    wave += 78.233 * k
    np.sin(wave, out=wave)
    wave *= 43758.5453
    wave -= np.floor(wave)
    wave *= 2
    wave -= 1
    return wave


def weight(name: str, shape: torch.Size) -> Tensor:
    """The tensor called ``name``."""
    name = re.sub(r"^(class_embed|bbox_embed)\.\d+\.", r"\1.0.", name)
    if name.endswith("sampling_offsets.bias"):
        ray = torch.tensor(DIRECTIONS, dtype=torch.float32)[:, None, None]
        return (ray * torch.arange(1, 5)[:, None]).expand(8, 4, 4, 2).flatten()
    v = noise(name, math.prod(shape))
    if name.endswith("running_mean"):
        v *= 0.05
    elif name.endswith("running_var"):
        v = 1 + 0.1 * v
    elif len(shape) >= 2:
        v *= _spread(name, shape) * math.sqrt(3)
    elif name.endswith("weight"):
        v = 1 + 0.1 * v
    else:
        v *= 0.02 * math.sqrt(3)
        if name == "bbox_embed.0.layers.2.bias":
            v[2:] -= 2
        if name == "class_embed.0.bias":
            v[-1] += 5.5
    return torch.from_numpy(v.astype(np.float32)).reshape(shape)


def _spread(name: str, shape: torch.Size) -> float:
    if name in ("query_embed.weight", "transformer.level_embed"):
        return 1.0
    spread = math.sqrt(1 / math.prod(shape[1:]))
    if name.endswith(HALVED):
        spread *= 0.5
    if name == "bbox_embed.0.layers.2.weight":
        spread *= 3
    return spread


def fill(network: nn.Module) -> nn.Module:
    """Give a network the rule's weights."""
    made: dict[int, str] = {}
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and tensor.data_ptr() not in made:
            tensor.copy_(weight(name, tensor.shape))
            made[tensor.data_ptr()] = name
    return network
