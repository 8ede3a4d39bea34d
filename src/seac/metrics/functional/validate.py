"""Validation of the input of protocols; messages state the given and the required value."""

from __future__ import annotations

from numbers import Integral, Real

import torch
from torch import Tensor

from seac.core.errors import InputError

INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def frames(name: str, given: Tensor, axes: str = "F, H, W") -> Tensor:
    """Return ``given`` if it has the axes, at least one frame and one pixel.

    Raises:
        InputError: not a tensor, other axes, or an empty tensor.
    """
    if not isinstance(given, Tensor):
        raise InputError(f"{name} is a {type(given).__name__}: pass a tensor ({axes})")
    if given.ndim != axes.count(",") + 1:
        raise InputError(f"{name} has shape {tuple(given.shape)}: pass ({axes})")
    if given.numel() == 0:
        raise InputError(f"{name} has shape {tuple(given.shape)}, nothing to score: pass at least one frame")
    return given


def vector(name: str, given: Tensor) -> Tensor:
    """Return ``given`` if it is (N,) with N > 0.

    Raises:
        InputError: not a tensor, another shape, or empty.
    """
    if not isinstance(given, Tensor):
        raise InputError(f"{name} is a {type(given).__name__}: pass a tensor (N,)")
    if given.ndim != 1:
        raise InputError(f"{name} has shape {tuple(given.shape)}: pass (N,), one value a frame")
    if given.numel() == 0:
        raise InputError(f"{name} is empty, nothing to score: pass at least one frame")
    return given


def floats(name: str, given: Tensor) -> None:
    """Floating point without NaN; infinities pass.

    Raises:
        InputError: another dtype, or a NaN.
    """
    if not given.is_floating_point():
        raise InputError(f"{name} is {given.dtype}: pass floating point")
    if bool(given.amin().isnan()):
        raise InputError(f"{name} holds NaN: mend or leave out these frames first")


def finite(name: str, given: Tensor) -> None:
    """Floating point, neither NaN nor infinite.

    Raises:
        InputError: another dtype, a NaN or an infinity.
    """
    floats(name, given)
    if bool(torch.stack(given.aminmax()).isinf().any()):
        raise InputError(f"{name} holds an infinite value: pass finite ones")


def shares(name: str, given: Tensor) -> None:
    """Floating point in [0, 1].

    Raises:
        InputError: another dtype, a NaN or a value out of range.
    """
    floats(name, given)
    low, high = (float(end) for end in given.aminmax())
    if low < 0 or high > 1:
        raise InputError(f"{name} spans [{low:g}, {high:g}]: pass values in [0, 1]")


def booleans(name: str, given: Tensor) -> None:
    """Bool, and no other dtype.

    Raises:
        InputError: another dtype.
    """
    if given.dtype != torch.bool:
        raise InputError(f"{name} is {given.dtype}: pass bool, such as {name} > 0")


def integers(name: str, given: Tensor, low: int, high: int | None = None) -> None:
    """Integers of at least ``low`` and less than ``high``.

    Raises:
        InputError: another dtype, or a value out of range.
    """
    if given.dtype not in INTEGERS:
        raise InputError(f"{name} is {given.dtype}: pass integers")
    lowest, highest = (int(end) for end in given.aminmax())
    if lowest < low or (high is not None and highest >= high):
        wanted = f"at least {low}" if high is None else f"{low} to {high - 1}"
        raise InputError(f"{name} spans {lowest} to {highest}: pass {wanted}")


def same_shape(first: str, one: Tensor, second: str, other: Tensor) -> None:
    """Two tensors of one shape on one device.

    Raises:
        InputError: they differ.
    """
    if one.shape != other.shape:
        raise InputError(
            f"{first} {tuple(one.shape)} and {second} {tuple(other.shape)} differ: pass one shape"
        )
    if one.device != other.device:
        raise InputError(f"{first} is on {one.device}, {second} on {other.device}: pass both on one device")


def same_length(first: str, one: Tensor, second: str, other: Tensor) -> None:
    """Two tensors of equally many frames.

    Raises:
        InputError: they differ.
    """
    if len(one) != len(other):
        raise InputError(f"{first} has {len(one)} frames, {second} {len(other)}: pass equally many")


def positive(name: str, given: object) -> None:
    """An integer above 0.

    Raises:
        InputError: it is not.
    """
    if isinstance(given, bool) or not isinstance(given, Integral) or given < 1:
        raise InputError(f"{name} is {given!r}: pass an integer above 0")


def level(name: str, given: object) -> None:
    """A number in [0, 1].

    Raises:
        InputError: it is not.
    """
    if isinstance(given, bool) or not isinstance(given, Real) or not 0 <= float(given) <= 1:
        raise InputError(f"{name} is {given!r}: pass a number in [0, 1]")
