"""Every cut-out of the picture packages, of whatever kind: an outline is learned from any thing.

    python -m recipes.proposal_net.cutouts --out CUTOUTS

The association's library takes only what can sound, and few of a kind. Here nothing needs a name, so all of
the Debian packages' pictures with something to see through are taken once: ``CUTOUTS/<package>/*.png``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import binary_fill_holes, label

from recipes.common.media_bank import (
    EMOJI,
    PICTURE_PACKAGES,
    WITH_PICTURES,
    cut_out,
    emoji,
    fetch,
    fingerprint,
)
from seac.core.errors import InputError

FULLEST = 0.97  # share of its box that a thing may fill
CONNECTED = 0.7  # share of its pixels that must hang together
SOLID = 0.7  # share of what its outline encloses


def cut_outs(packages: Path, names: Sequence[str], out: Path) -> int:
    """Write what is not there yet of the cut-outs of each of ``names``; how many there are now.

    Args:
        packages: unpacked packages, a folder each.
        names: which of them to read.
        out: a folder for each package; one that is there is left alone.

    Raises:
        InputError: a package holds no picture.
    """
    seen: set[bytes] = set()
    for name in names:
        target = out / name
        if target.is_dir():  # of an earlier run: what it holds is not taken again from another package
            seen.update(fingerprint(Image.open(path)) for path in target.glob("*.png"))
            continue
        draft = target.with_suffix(".part")
        draft.mkdir(parents=True, exist_ok=True)
        for number, path in enumerate(_pictures(packages / name)):
            picture = cut_out(path)
            if picture is None or not one_thing(picture) or (print_ := fingerprint(picture)) in seen:
                continue
            seen.add(print_)
            picture.save(draft / f"{number:05d}-{path.stem}.png")
        draft.rename(target)
    return sum(1 for _ in out.glob("*/*.png"))


def one_thing(picture: Image.Image) -> bool:
    """Whether an RGBA picture is one thing with a shape: no flag, no flock, no drawing of bare lines."""
    shown = np.asarray(picture.getchannel("A")) > 127
    parts, count = label(shown)
    if count == 0:
        return False
    greatest = np.bincount(parts[shown]).max() / shown.sum()
    solid = shown.sum() / binary_fill_holes(shown).sum()
    return bool(shown.mean() <= FULLEST and greatest >= CONNECTED and solid >= SOLID)


def _pictures(package: Path) -> list[Path]:
    found = sorted(package.rglob("*.png"))
    if not found:
        raise InputError(f"{package} holds no picture: remove the folder to have it fetched anew")
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--packages", type=Path, default=Path("runs/packages"), help="unpacked Debian packages"
    )
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    fetch(given.packages, PICTURE_PACKAGES)
    emoji(given.packages)
    print(f"{cut_outs(given.packages, (*WITH_PICTURES, EMOJI), given.out)} cut-outs in {given.out}")


if __name__ == "__main__":
    main()
