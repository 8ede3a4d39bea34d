"""Settings of a model that are not part of its networks."""

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
    "smoothing": (0, 3600),
    "max_side": (32, 16384),
    "workers": (0, 64),
}
"""Minimum and maximum of each numeric setting."""


@dataclass(frozen=True)
class Settings:
    """Settings of a model.

    Attributes:
        top_n: maximum number of masks per frame.
        sigma: threshold of Eq. 5.
        softmax_temperature: temperature of the softmax over the mask logits from which the heatmap (Eq. 4) is
            aggregated. A low temperature lowers the heatmap of masks whose logit is below the maximum.
            0 aggregates the logits themselves, as in the paper.
        objectness: weight of objectness in the mask logit, added to the similarity; 0 is the paper.
            The zero-shot cosine does not separate objects from background, and sounding regions are objects.
        exact: True encodes both views of every mask (Eq. 1-2). False takes the fast path.
        views: how views are made.
        audio_window: seconds of audio around a video frame that are encoded for the association.
        smoothing: time constant in seconds of the smoothing of a track's similarity; 0 disables it.
        max_side: maximum long side of an image in pixels; larger images are scaled down.
        workers: frames of a video that are encoded concurrently; 0 chooses by the number of cores.
    """

    top_n: int = 50
    sigma: float = 0.9
    softmax_temperature: float = 0.0
    objectness: float = 0.0
    exact: bool = True
    views: ViewSettings = DEFAULT
    audio_window: float = 2.0
    smoothing: float = 0.5
    max_side: int = 1280
    workers: int = 1

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            InputError: a value has the wrong type or is out of its limits.
        """
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in LIMITS:
                check_number(item.name, value, *LIMITS[item.name], integer=item.type == "int")
            elif item.name == "exact" and not isinstance(value, bool):
                raise InputError(f"exact is {value!r}: give True or False")


def check_number(name: str, value: Any, low: float, high: float, *, integer: bool) -> None:
    """Check the type and the limits of a numeric setting.

    Raises:
        InputError: the value is not a number or out of its limits; the message gives the limits.
    """
    number_type = Integral if integer else Real
    if isinstance(value, bool) or not isinstance(value, number_type) or not low <= float(value) <= high:
        wanted = "a whole number" if integer else "a number"
        raise InputError(f"{name} is {value!r}: give {wanted} from {low:g} to {high:g}")
