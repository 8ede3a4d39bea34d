"""The constants of the whole, in one value."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from seac.associate.views import DEFAULT, ViewSettings
from seac.core.errors import InputError

LIMITS: dict[str, tuple[float, float]] = {
    "top_n": (1, 1000),
    "sigma": (0, 1),
    "softmax_temperature": (0, 100),
    "objectness": (0, 100),
    "audio_window": (0.1, 3600),
    "activity_window": (0.1, 3600),
    "smoothing": (0, 3600),
    "max_side": (32, 16384),
    "workers": (0, 64),
}
"""Least and greatest value of each number."""


@dataclass(frozen=True)
class Settings:
    """Constants of the whole.

    Attributes:
        top_n: masks per frame.
        sigma: threshold of Eq. 5.
        softmax_temperature: evidence that makes a mask e times likelier than another; Eq. 4 is taken over these odds, so
            that what is a little less likely than the best stays dark. 0 is the paper: over the cosine.
        objectness: weight of objectness beside the similarity in all that is decided; 0 is the paper.
            Without training the cosine is too coarse to tell a thing from its ground, and things sound.
        exact: both views of every mask through the encoder (Eq. 1-2), or the quick path.
        views: how views are made.
        audio_window: seconds of sound around a video's frame, from which it is told what sounds.
        activity_window: seconds of sound around a video's frame, from which it is told whether anything does.
        smoothing: seconds over which a track's similarity is smoothed in a video; 0 for not at all.
        max_side: long side in pixels that pictures are scaled down to.
        workers: frames of a video that are looked at side by side; 0 for as many as there are cores.
    """

    top_n: int = 50
    sigma: float = 0.9
    softmax_temperature: float = 0.0
    objectness: float = 0.0
    exact: bool = True
    views: ViewSettings = DEFAULT
    audio_window: float = 2.0
    activity_window: float = 1.0
    smoothing: float = 0.5
    max_side: int = 1280
    workers: int = 1

    def __post_init__(self) -> None:
        """Refuse what no picture or sound can be judged with.

        Raises:
            InputError: a value of another kind, or out of its limits.
        """
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in LIMITS:
                check_number(item.name, value, *LIMITS[item.name], integer=item.type == "int")
            elif item.name == "exact" and not isinstance(value, bool):
                raise InputError(f"exact is {value!r}: give True or False")


def check_number(name: str, value: Any, low: float, high: float, *, integer: bool) -> None:
    """Refuse what is no number, or out of its limits.

    Raises:
        InputError: the line says which are good.
    """
    number_type = Integral if integer else Real
    if isinstance(value, bool) or not isinstance(value, number_type) or not low <= float(value) <= high:
        wanted = "a whole number" if integer else "a number"
        raise InputError(f"{name} is {value!r}: give {wanted} from {low:g} to {high:g}")
