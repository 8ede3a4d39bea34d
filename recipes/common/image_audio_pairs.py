"""Composite image-audio pairs as files, for ``seac extract`` and ``seac train``.

    python -m recipes.common.image_audio_pairs --media M --work W --out DIR
    seac extract DIR STORE --kind pairs
    seac train STORE --out RUN --set recipe=projection

A pair is an image of one to four objects, some of them silent, and a waveform of five seconds, in which one
of the objects is the loudest source. The folder has no labels. Pair k is a function of (seed, k), so a run
can be resumed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from recipes.common import media_bank
from recipes.common.scenes import Composer
from recipes.common.waveforms import RATE, Recordings


def write(out: Path, count: int, composer: Composer, recordings: Recordings, seed: int) -> None:
    """Write missing pairs, ``00000.jpg`` with ``00000.flac`` and so on.

    Args:
        out: folder, created if it is missing.
        count: total number of pairs.
        composer: renders scenes; the sounding class cycles through its classes.
        recordings: recordings of the classes.
        seed: seed of all pairs.
    """
    out.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        audio_path = out / f"{number:05d}.flac"
        if audio_path.exists():  # written last
            continue
        rng = np.random.default_rng((seed, 4, number))
        name = composer.names[number % len(composer.names)]
        image = Image.fromarray(composer(rng, name).image)
        waveform, _ = recordings(name, rng)
        image.save(audio_path.with_suffix(".jpg"), quality=92)
        temporary = audio_path.with_suffix(".part")
        soundfile.write(temporary, waveform.clip(-1, 1), RATE, format="FLAC")
        temporary.rename(audio_path)


def main() -> None:
    """Write the pairs from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True, help="folder with images, sounds, backgrounds")
    parser.add_argument("--work", type=Path, required=True, help="folder for packages and the media bank")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    media_bank_folder = options.work / "library"
    media_bank.build(options.media, options.work / "packages", media_bank_folder, options.seed)
    recordings = Recordings(media_bank_folder / "sounds")
    composer = Composer(media_bank_folder / "pictures", options.media / "backgrounds", list(recordings.paths))
    write(options.out, options.count, composer, recordings, options.seed)


if __name__ == "__main__":
    main()
