"""Weight interpolation (WiSE-FT, Wortsman et al., CVPR 2022) between the weights before and after a phase.

    python -m recipes.proposal_net.interpolate --before FIFTH --after SIXTH

A long phase on composites reduces the quality on photographs. Interpolated weights keep most of the
improvement on composites and restore most of the quality on photographs. The weights of the mask refinement
head are copied from the later phase: the head was trained on the masks of the uninterpolated network, and its
main input is the image.
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
    """Interpolate two files of weights from the command line."""
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
