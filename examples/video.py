"""A video, frame by frame: ``python examples/video.py [CLIP]``.

Memory does not grow with the length of the video. An id is one object over time.
"""

from __future__ import annotations

import sys

import numpy as np

import seac


def main(clip: str = "demo/clip.mp4") -> None:
    """Print time, id, name and probability of each sounding mask, one frame per second."""
    model = seac.load("tiny")
    frames = seac.VideoPredictor(model).stream(clip, fps=1)
    for frame in frames:
        for n in np.flatnonzero(frame.sounding):
            print(f"{frame.time:4.1f} s  id {frame.ids[n]}  {frame.names[n]}  {frame.probability[n]:.2f}")
        if not frame.sounding.any():
            print(f"{frame.time:4.1f} s  {'silent' if frame.audio_summary.silent else 'nothing sounds'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
