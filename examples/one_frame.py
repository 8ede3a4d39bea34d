"""One frame and its audio: ``python examples/one_frame.py [CLIP] [OUT]``.

Prints the sounding masks of a frame, and writes result.json, overlay.png, heatmap.png and masks/.
"""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np

import seac


def main(clip: str = "demo/clip.mp4", out: str = "out/one_frame") -> None:
    """Segment the first frame of a clip with the first second of its audio."""
    with av.open(clip) as container:
        image = next(container.decode(video=0)).to_ndarray(format="rgb24")  # (H, W, 3) uint8
    with av.open(clip) as container:
        rate = container.streams.audio[0].rate
        parts = [frame.to_ndarray() for frame in container.decode(audio=0) if frame.time < 1]
    waveform = np.concatenate(parts, axis=1)  # (channels, samples) float32

    model = seac.load("tiny")
    result = model(image, waveform, rate)
    for n in np.flatnonzero(result.sounding):
        print(f"{result.names[n]}: probability {result.probability[n]:.2f}, box {result.boxes[n].round()}")
    result.save(Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
