"""Export of the student's weights in float16 to ``src/seac/assets``, with their checksum in the code."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from seac.encoders.audio import mobilenet_student

MODULE = Path(mobilenet_student.__file__)
ASSET = MODULE.parents[2] / mobilenet_student.WEIGHTS


def export(network: nn.Module, asset: Path = ASSET) -> str:
    """Write the weights and, for the shipped file, their sha256 into ``mobilenet_student.py``.

    Returns:
        the sha256.
    """
    state = {
        name: value.detach().contiguous().clone().half()
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    temporary = asset.with_suffix(".tmp")
    save_file(
        state, temporary, metadata={"network": "seac audio-student", "licence": "Apache-2.0 and MIT (NOTICE)"}
    )
    temporary.replace(asset)
    digest = hashlib.sha256(asset.read_bytes()).hexdigest()
    if asset == ASSET:
        MODULE.write_text(re.sub(r'SHA256 = ".*"', f'SHA256 = "{digest}"', MODULE.read_text()))
    return digest
