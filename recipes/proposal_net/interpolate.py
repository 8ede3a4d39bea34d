"""Weight interpolation (WiSE-FT, Wortsman et al., CVPR 2022) between the weights before and after a phase.

    python -m recipes.proposal_net.interpolate --before FIFTH --after SIXTH

Training on composites alone slowly degrades the features on photographs. A weighted mean of the weights
before and after keeps most of the gain on composites and restores most of the loss on photographs. The mask
refinement head is copied from the later weights: it was trained on the errors of those weights, and its input
is the image more than the features.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from torch import Tensor

from recipes.proposal_net.__main__ import ASSET, export
from recipes.proposal_net.refinement import PREFIX
from seac.segment.proposal_net.network import stored_weights

SHARE = 0.85


def interpolate_weights(
    before: dict[str, Tensor], after: dict[str, Tensor], share: float
) -> dict[str, Tensor]:
    """Interpolated weights, ``share`` of those ``after`` and the rest of those ``before``."""
    return {
        name: value
        if name.startswith(PREFIX) or not value.is_floating_point()
        else before[name].lerp(value, share)
        for name, value in after.items()
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, required=True, help="weights before the phase")
    parser.add_argument("--after", type=Path, required=True, help="weights after the phase")
    parser.add_argument("--share", type=float, default=SHARE, help="weight of the later weights, 0 to 1")
    parser.add_argument("--out", type=Path, default=ASSET)
    given = parser.parse_args()
    export(
        interpolate_weights(stored_weights(given.before), stored_weights(given.after), given.share), given.out
    )


if __name__ == "__main__":
    main()
