"""Scores predictions of any method: ``python examples/score_predictions.py BENCHMARK DIR PREDICTIONS [OUT]``.

BENCHMARK is s4, ms3, avss, vggss, vggss-extended, flickr-soundnet or robustness, DIR its folder. PREDICTIONS
has one file per clip: ID.npy of shape (frames, height, width), float in [0, 1] or bool. No model is loaded.
"""

from __future__ import annotations

import json
import subprocess
import sys


def main(benchmark: str, folder: str, predictions: str, out: str = "out/score") -> None:
    """Print every metric of every protocol; the report is OUT/report.html."""
    command = [sys.executable, "-m", "seac", "evaluate", benchmark, folder, "--predictions", predictions]
    done = subprocess.run([*command, "-o", out, "--json"], check=True, stdout=subprocess.PIPE, text=True)
    for method, protocols in json.loads(done.stdout.splitlines()[-1])["methods"].items():
        for protocol, metrics in protocols.items():
            print(method, protocol, metrics)


if __name__ == "__main__":
    main(*sys.argv[1:])
