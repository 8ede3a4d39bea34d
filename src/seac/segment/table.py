"""Table of segmenters by name; a new segmenter is one file and one row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seac.core.errors import InputError
from seac.segment.base import Segmenter
from seac.segment.baselines.superpixel import Classic, ClassicSettings
from seac.segment.proposal_net.network import Network, NetworkSettings
from seac.segment.proposal_net.segmenter import ProposalSegmenter, ProposalSegmenterSettings


def _classic(**options: Any) -> Segmenter:
    return Classic(ClassicSettings(**options))


def _network(**options: Any) -> Segmenter:
    return Network(NetworkSettings(**options))


def _proposals(**options: Any) -> Segmenter:
    return ProposalSegmenter(ProposalSegmenterSettings(**options))


SEGMENTERS: dict[str, Callable[..., Segmenter]] = {
    "tiny": _proposals,
    "classic": _classic,
    "network": _network,
    "combined": _proposals,
}


def build(name: str, **options: Any) -> Segmenter:
    """Build the segmenter called ``name``.

    Args:
        name: a row of the table.
        options: settings of the segmenter, for example ``max_masks=20``.

    Raises:
        InputError: unknown name, or an unknown option of the segmenter.
    """
    if name not in SEGMENTERS:
        raise InputError(f"no segmenter {name!r}: choose one of {', '.join(SEGMENTERS)}")
    try:
        return SEGMENTERS[name](**options)
    except TypeError as error:
        raise InputError(f"segmenter {name}: {error}; see its settings for the available options") from error
