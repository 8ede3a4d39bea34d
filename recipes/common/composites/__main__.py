"""Render composite benchmarks in the public layouts from a media folder.

    python -m recipes.common.composites MEDIA OUT [--seed 0] [--s4 60] [--ms3 40] [--avss 30] [--vggss 100]
    python -m recipes.common.composites --packages WORK OUT ...

The command writes ``Single-source`` (AVSBench S4), ``Multi-sources`` (MS3), ``AVSBench-semantic`` (AVSS) and
``vggss`` (VGG-SS with its extension) into OUT. The images are cut-outs on photographs with exact masks. MEDIA
holds ``images/<class>/*.png``, ``sounds/<class>/*.ogg`` and ``backgrounds/*.jpg``. ``--packages`` builds
MEDIA from two Debian packages, whose files are also training data of the shipped weights. The same seed gives
the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from recipes.common.composites.layouts import LAYOUTS
from recipes.common.composites.media import Media
from recipes.common.composites.packages import build_media
from recipes.common.composites.render import render_composites
from seac.core.errors import InputError

USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Render the benchmarks, print one line of JSON, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.common.composites",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("media", type=Path, nargs="?", help="media folder")
    parser.add_argument("out", type=Path, help="folder for the benchmarks")
    parser.add_argument("--packages", type=Path, help="folder for packages from which MEDIA is built")
    parser.add_argument("--seed", type=int, default=0, help="random seed, 0 or more")
    parser.add_argument("--split", choices=("train", "val", "test"), default="test")
    for name, layout in LAYOUTS.items():
        parser.add_argument(f"--{name}", type=int, default=layout.count, help=f"clips of {layout.folder}")
    options = parser.parse_args(arguments)
    if (options.media is None) == (options.packages is None):
        parser.error("give either a media folder or --packages")
    started = time.monotonic()
    try:
        folder = options.media if options.packages is None else build_media(options.packages)
        counts = {name: getattr(options, name) for name in LAYOUTS}
        record = render_composites(Media.open(folder), options.out, options.seed, counts, options.split)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    print(json.dumps({**record, "out": str(options.out), "seconds": round(time.monotonic() - started, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
