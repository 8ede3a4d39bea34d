"""Export of the student's weights in float16 to ``src/seac/assets``, with their checksum in the code."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

import seac.encoders.audio.yamnet_student as yamnet_student

MODULE = Path(yamnet_student.__file__)
ASSET = MODULE.parents[2] / yamnet_student.WEIGHTS


def export(network: nn.Module, asset: Path = ASSET) -> str:
    """Write the weights and their sha256, the latter into ``yamnet_student.py``.

    Returns:
        the sha256.
    """
    state = {
        name: value.contiguous(memory_format=torch.contiguous_format).half()
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    temporary = asset.with_suffix(".tmp")
    save_file(state, temporary, metadata={"network": "seac yamnet-student", "licence": "Apache-2.0"})
    temporary.replace(asset)
    digest = hashlib.sha256(asset.read_bytes()).hexdigest()
    if asset == ASSET:
        MODULE.write_text(re.sub(r'SHA256 = ".*"', f'SHA256 = "{digest}"', MODULE.read_text()))
    return digest
