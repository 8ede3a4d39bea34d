"""What a long course learned, without all that it forgot: weights most of the way from before it to after it.

    python -m recipes.proposal_net.interpolate --before FIFTH --after SIXTH

A course on composites alone slowly wears away what the features knew of photographs. A mean of the weights
before and after keeps nearly all that was learned and gives most of the rest back, after WiSE-FT (Wortsman et
al., CVPR 2022). What outlines comes last and is taken whole: it learned from whole weights' errors, and what
it sees is a picture more than features.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from torch import Tensor

from recipes.proposal_net.__main__ import ASSET, export
from seac.segment.proposal_net.network import stored_weights

SHARE = 0.85
COPIED_PREFIX = "outline."


def interpolate_weights(
    before: dict[str, Tensor], after: dict[str, Tensor], share: float
) -> dict[str, Tensor]:
    """``share`` of the way from the weights ``before`` to those ``after``, name by name."""
    return {
        name: value
        if name.startswith(COPIED_PREFIX) or not value.is_floating_point()
        else before[name].lerp(value, share)
        for name, value in after.items()
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, required=True, help="weights that the course began with")
    parser.add_argument("--after", type=Path, required=True, help="weights that it left")
    parser.add_argument("--share", type=float, default=SHARE, help="of the way, 0 to 1")
    parser.add_argument("--out", type=Path, default=ASSET)
    given = parser.parse_args()
    export(
        interpolate_weights(stored_weights(given.before), stored_weights(given.after), given.share), given.out
    )


if __name__ == "__main__":
    main()
