"""Class names of your own: ``python examples/any_vocabulary.py "dog,duck,cow" [CLIP]``.

A vocabulary is a list of names, "a,b,c", or a text file with one name per line.
"""

from __future__ import annotations

import sys
from collections import Counter

import seac


def main(vocabulary: str = "dog,duck,cow", clip: str = "demo/clip.mp4") -> None:
    """Print in how many frames each name of the vocabulary sounds."""
    model = seac.load("tiny", vocabulary=vocabulary)
    counts = Counter[str]()
    frames = seac.VideoPredictor(model).stream(clip, fps=1)
    for frame in frames:
        counts.update({frame.names[n] for n in frame.sounding.nonzero()[0]})
    for name, count in counts.most_common():
        print(f"{name}: {count} frames")


if __name__ == "__main__":
    main(*sys.argv[1:])
