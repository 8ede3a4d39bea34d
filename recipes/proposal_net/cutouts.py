"""Cut-outs of all objects in the image packages, for training class-agnostic masks.

    python -m recipes.proposal_net.cutouts --out CUTOUTS

The media bank of the association holds only classes that can sound, and few cut-outs of each class. Masks
need no class, so this command takes all images with transparency from the Debian packages, without
duplicates: ``CUTOUTS/<package>/*.png``.
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

MAX_FILL = 0.97  # maximum share of its bounding box that an object may fill
CONNECTED = 0.7  # minimum share of its pixels in the largest connected component
SOLID = 0.7  # minimum share of the area, holes included, that it covers


def write_cutouts(packages: Path, names: Sequence[str], out: Path) -> int:
    """Write the cut-outs of packages that are not in ``out`` yet.

    Args:
        packages: folder of unpacked packages.
        names: names of the packages to read.
        out: destination, a folder per package; existing folders are kept.

    Returns:
        the number of cut-outs in ``out``.

    Raises:
        InputError: a package holds no image.
    """
    seen: set[bytes] = set()
    for name in names:
        target = out / name
        if target.is_dir():  # from an earlier run; duplicates in other packages are skipped
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
    """Whether an RGBA image shows one connected, solid object that does not fill its bounding box."""
    opaque = np.asarray(image.getchannel("A")) > 127
    parts, count = label(opaque)
    if count == 0:
        return False
    largest = np.bincount(parts[opaque]).max() / opaque.sum()
    solid = opaque.sum() / binary_fill_holes(opaque).sum()
    return bool(opaque.mean() <= MAX_FILL and largest >= CONNECTED and solid >= SOLID)


def _find_images(package: Path) -> list[Path]:
    found = sorted(package.rglob("*.png"))
    if not found:
        raise InputError(f"{package} holds no image: remove the folder, so that it is downloaded again")
    return found


def main() -> None:
    """Write the cut-outs from the command line."""
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
