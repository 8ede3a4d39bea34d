"""Weights of the reference outputs: a deterministic function of the parameter names and shapes."""

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

HALF_SCALE = ("linear2.weight", "out_proj.weight", "output_proj.weight", "output.dense.weight")
DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
BLOCK = 1 << 15


def weight(name: str, shape: torch.Size) -> Tensor:
    """Return the tensor called ``name``, float32."""
    name = re.sub(r"^(class_embed|bbox_embed)\.\d+\.", r"\1.0.", name)
    if name.endswith("sampling_offsets.bias"):
        ray = torch.tensor(DIRECTIONS, dtype=torch.float32)[:, None, None]
        return (ray * torch.arange(1, 5)[:, None]).expand(8, 4, 4, 2).flatten()
    scale, centre = _scale(name, shape)
    tensor = torch.from_numpy(noise(name, math.prod(shape), scale, centre)).reshape(shape)
    if name == "bbox_embed.0.layers.2.bias":
        tensor[2:] -= 2
    if name == "class_embed.0.bias":
        tensor[-1] += 5.5
    return tensor


def noise(name: str, count: int, scale: float, centre: float) -> np.ndarray:
    """Return (count,) float32 values in ``centre`` +- ``scale``, computed in float64."""
    phase = 78.233 * (zlib.crc32(name.encode()) % 1000)
    values = np.empty(count, np.float32)
    for first in range(0, count, BLOCK):  # blocks that fit in the CPU cache: twice as fast
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
        values[first : first + len(wave)] = wave
    return values


def _scale(name: str, shape: torch.Size) -> tuple[float, float]:
    """Return the scale and the centre of the values."""
    if name.endswith("running_mean"):
        return 0.05, 0.0
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        return 0.1, 1.0
    if len(shape) < 2:
        return 0.02 * math.sqrt(3), 0.0
    if name in ("query_embed.weight", "transformer.level_embed"):
        return math.sqrt(3), 0.0
    spread = math.sqrt(3 / math.prod(shape[1:]))
    if name.endswith(HALF_SCALE):
        spread *= 0.5
    return (spread * 3 if name == "bbox_embed.0.layers.2.weight" else spread), 0.0


def build_on_meta(text: RobertaConfig, sizes: Sizes | None = None) -> MDefDetr:
    """Build a network on the meta device."""
    with torch.device("meta"):
        return MDefDetr(text, sizes)


def build_reference(text: RobertaConfig | None = None, sizes: Sizes | None = None) -> MDefDetr:
    """Build a network with the reference weights."""
    network = build_on_meta(text or base_text(), sizes)
    state: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        first = re.sub(r"^(class_embed|bbox_embed)\.\d+\.", r"\1.0.", name)
        state[name] = state[first] if first in state else weight(name, tensor.shape)
    return _load(network, state)


def with_two_text_layers(network: MDefDetr) -> MDefDetr:
    """Return a network with the first two layers of the text encoder that shares the weights."""
    text = base_text()
    text.num_hidden_layers = 2
    short = build_on_meta(text)
    state = network.state_dict()
    return _load(short, {name: state[name] for name in short.state_dict()})


def _load(network: MDefDetr, state: dict[str, Tensor]) -> MDefDetr:
    network.load_state_dict(state, assign=True)
    restore_buffers(network.transformer.text_encoder)
    return network.eval()
