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
    IMAGE_AND_EMOJI_PACKAGES,
    IMAGE_PACKAGES,
    fetch,
    image_fingerprint,
    load_cutout,
    render_emoji,
)
from seac.core.errors import InputError

MAX_FILL = 0.97  # share of its box that a thing may fill
CONNECTED = 0.7  # share of its pixels that must hang together
SOLID = 0.7  # share of what its outline encloses


def write_cutouts(packages: Path, names: Sequence[str], out: Path) -> int:
    """Write what is not there yet of the cut-outs of each of ``names``; how many there are now.

    Args:
        packages: unpacked packages, a folder each.
        names: which of them to read.
        out: a folder for each package; one that is there is left alone.

    Raises:
        InputError: a package holds no image.
    """
    seen: set[bytes] = set()
    for name in names:
        target = out / name
        if target.is_dir():  # of an earlier run: what it holds is not taken again from another package
            seen.update(image_fingerprint(Image.open(path)) for path in target.glob("*.png"))
            continue
        temporary = target.with_suffix(".part")
        temporary.mkdir(parents=True, exist_ok=True)
        for number, path in enumerate(_find_images(packages / name)):
            image = load_cutout(path)
            if image is None or not is_one_object(image) or (digest := image_fingerprint(image)) in seen:
                continue
            seen.add(digest)
            image.save(temporary / f"{number:05d}-{path.stem}.png")
        temporary.rename(target)
    return sum(1 for _ in out.glob("*/*.png"))


def is_one_object(image: Image.Image) -> bool:
    """Whether an RGBA picture is one thing with a shape: no flag, no flock, no drawing of bare lines."""
    shown = np.asarray(image.getchannel("A")) > 127
    parts, count = label(shown)
    if count == 0:
        return False
    greatest = np.bincount(parts[shown]).max() / shown.sum()
    solid = shown.sum() / binary_fill_holes(shown).sum()
    return bool(shown.mean() <= MAX_FILL and greatest >= CONNECTED and solid >= SOLID)


def _find_images(package: Path) -> list[Path]:
    found = sorted(package.rglob("*.png"))
    if not found:
        raise InputError(f"{package} holds no image: remove the folder to have it fetched anew")
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
    fetch(given.packages, IMAGE_AND_EMOJI_PACKAGES)
    render_emoji(given.packages)
    print(f"{write_cutouts(given.packages, (*IMAGE_PACKAGES, EMOJI), given.out)} cut-outs in {given.out}")


if __name__ == "__main__":
    main()
