"""Number of functions and files in the call trace of one frame of a clip.

    python -m benchmarks.walk [--clip demo/clip.mp4] [--time 1.0]

Only functions of ``seac`` are counted; comprehensions and lambdas count as their enclosing function. A change
of file is a call from one file of ``seac`` to another, or the return from it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import seac
from seac.media.decode import frames, load_waveform

ROOT = str(Path(seac.__file__).parent)
HALF = 1.0
"""Seconds of audio before and after the frame."""
Value = TypeVar("Value")


class Trace:
    """Counts the functions of ``seac`` that are called, their files, and the changes of file."""

    def __init__(self) -> None:
        self.functions: set[tuple[str, str]] = set()
        self.changes = 0
        self._file = ""

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Record a call or a return; for :func:`sys.setprofile`."""
        file = frame.f_code.co_filename
        if event not in {"call", "return"} or not file.startswith(ROOT):
            return
        name = frame.f_code.co_qualname.split(".<locals>")[0].split(".<")[0]
        self.functions.add((file, name))
        if self._file and file != self._file:
            self.changes += 1
        self._file = file

    def figures(self) -> dict[str, int]:
        """Numbers of functions, files and changes of file."""
        files = {file for file, _ in self.functions}
        return {"functions": len(self.functions), "files": len(files), "changes of file": self.changes}


def trace(work: Callable[[], Value]) -> tuple[Value, dict[str, int]]:
    """The result of ``work`` and its trace."""
    found = Trace()
    sys.setprofile(found)
    try:
        value = work()
    finally:
        sys.setprofile(None)
    return value, found.figures()


def main() -> None:
    """Print a table and a line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, default=Path(__file__).parents[1] / "demo/clip.mp4")
    parser.add_argument("--time", type=float, default=1.0, help="time of the frame in seconds")
    options = parser.parse_args()
    model = seac.load("tiny")
    frame = next(frames(options.clip, 1.0, start=options.time))
    rate = model.stages.audio.sample_rate
    waveform = load_waveform(options.clip, rate)
    window = waveform[round(max(0.0, options.time - HALF) * rate) : round((options.time + HALF) * rate)]
    model(frame.image, window, rate)  # one-time initialisation is not part of the trace
    image, of_image = trace(lambda: model.encode_image(frame.image))
    audio, of_audio = trace(lambda: model.encode_audio(window, rate))
    _, of_both = trace(lambda: model.predict(image, audio))
    found = {"encode_image": of_image, "encode_audio": of_audio, "predict": of_both}
    print("| leg | functions | files | changes of file |\n| --- | ---: | ---: | ---: |")
    for leg, counts in found.items():
        print(f"| `{leg}` | {' | '.join(str(count) for count in counts.values())} |")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
