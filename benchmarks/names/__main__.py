"""Names of masks on photographs with recordings, and the constants of the two experts.

    python -m benchmarks.names --data DATA/real --media DATA/media --work W --write docs/names.md

``--work`` is the folder of ``python -m recipes.sounding``, whose encoded frames and clips of the dev side are
used. For each photograph, the mask that fits a sounding thing best is named from the default vocabulary: by
its appearance, with a recording of its own class, and with one of something that is not in it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

import seac
from benchmarks.names.masks import collect
from benchmarks.names.page import report
from benchmarks.names.scoring import Benchmark
from recipes.sounding.__main__ import load_store
from recipes.sounding.scenes import SceneSampler
from seac.classify.experts import ExpertsClassifier
from seac.core.atomic import write_atomic


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with photos/ and recordings/")
    parser.add_argument("--media", type=Path, required=True, help="folder with train/ and dev/")
    parser.add_argument("--work", type=Path, required=True, help="folder of recipes.sounding")
    parser.add_argument("--write", type=Path, required=True, help="Markdown file")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = seac.load("tiny")
    classifier = model.stages.classifier
    assert isinstance(classifier, ExpertsClassifier)
    heads = classifier.class_heads.weights.networks
    store = load_store(options, "dev", model, ("photographs",))
    sampler = SceneSampler(*store.encoded([heads["image"]], [heads["audio"]]), options.seed)
    vocabulary = model.vocabulary.names
    with torch.inference_mode():
        named = collect(sampler, model, vocabulary)
        page = report(Benchmark(named, classifier, model.classifier.classes, vocabulary))
    write_atomic(options.write, page + "\n")


if __name__ == "__main__":
    main()
