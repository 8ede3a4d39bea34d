"""Teach kinds by name: ``python -m training.naming --media M --work W --dev SHARED --card --seed 0``.

Takes the library of :mod:`training.association` (give it the same folder; what is missing is made), renders
what its things look like in two processes, learns to tell kinds, and judges names on dev composites, with all
kinds taught and with a fold of them left out. Every shard that is finished is skipped when the command is
given again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from seac.associate.audio.hearing import Hearing
from seac.associate.text.minilm import MiniLM
from seac.associate.vision.efficientnet_lite import EfficientNetLite
from seac.associate.zero_shot import ZeroShot
from seac.classify import kinds as shipped
from seac.classify.kinds import KindsSettings, KindsWeights, Taught, write
from training.association import features, library
from training.association.scenes import Composer
from training.association.sounds import Recordings
from training.association.stock import shards
from training.naming.card import Figures, Row, write_card
from training.naming.judge import SOUNDS, Trial, hits, said, trials, vocabularies
from training.naming.learn import Lessons, Recipe, learn
from training.naming.looks import SCENES_PER_SHARD, VIEWS, Looks

ASSET = Path(shipped.__file__).parents[1] / "assets/kinds.safetensors"
FOLDS = 4


@dataclass(frozen=True)
class Plan:
    """What is rendered, and from where."""

    media: Path
    work: Path
    scenes: int
    seed: int


def render(plan: Plan, worker: int, workers: int) -> None:
    """One process's share of the embeddings."""
    torch.set_num_threads(1)
    made = plan.work / "library"
    sounding = list(Recordings(made / "sounds").paths)
    composer = Composer(made / "pictures", plan.media / "backgrounds", sounding)
    eyes = Looks(composer, EfficientNetLite.load())
    numbers = range(worker, plan.scenes // SCENES_PER_SHARD, workers)
    features.make(looks_in(plan.work), numbers, eyes.shard, plan.seed)


def looks_in(work: Path) -> Path:
    """Folder of the closer looks; other views have another."""
    return features.folder_of(work, "looks", (EfficientNetLite.version, VIEWS))


def lessons_of(work: Path) -> Lessons:
    """What there is to learn from."""
    parts = shards(looks_in(work))
    seen = torch.from_numpy(np.concatenate([part["embeddings"] for part in parts]))
    kinds, files = (
        tuple(word for part in parts for word in json.loads(str(part[name]))) for name in ("kinds", "files")
    )
    return Lessons(seen, kinds, files)


def taught(lessons: Lessons, left_out: Sequence[str], seed: int) -> KindsWeights:
    """The network of all kinds but some."""
    kinds = [name for name in lessons.names() if name not in left_out]
    network = learn(lessons, kinds, Recipe(), seed)
    return KindsWeights(network, tuple(map(said, kinds)), KindsSettings(), EfficientNetLite.version)


def variants(settings: KindsSettings) -> dict[str, KindsSettings]:
    """What is compared: each part added to the one before."""
    return {
        "looks, in words (as in the paper)": KindsSettings(0.0, 0.0),
        "and taught kinds": replace(settings, heard=0.0),
        "and what is heard, in words (ships)": settings,
    }


def judged(
    folds: Sequence[tuple[KindsWeights, Sequence[Trial]]],
    asked: Mapping[str, Sequence[str]],
    words: ZeroShot,
    text: MiniLM,
) -> list[Row]:
    """A row for every variant: shares of right names, by sound and vocabulary. A fold has its own weights."""
    count = sum(len(trials) for _, trials in folds)
    rows = []
    for name, settings in variants(KindsSettings()).items():
        namings = [
            Taught(replace(weights, settings=settings), words.place_masks, words.hearing, text)
            for weights, _ in folds
        ]
        shares = [
            sum(
                hits(naming, trials, sound, names, text)
                for naming, (_, trials) in zip(namings, folds, strict=True)
            )
            / count
            for sound in SOUNDS
            for names in asked.values()
        ]
        rows.append(Row(name, tuple(shares)))
    return rows


def left_out(lessons: Lessons, dev: Sequence[Trial], seed: int) -> list[tuple[KindsWeights, list[Trial]]]:
    """Folds of the kinds: what was taught without them, and the trials of them."""
    names = lessons.names()
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
    folds = []
    for fold in range(FOLDS):
        held = [names[index] for index in order[fold::FOLDS]]
        asked = [trial for trial in dev if trial.name in map(said, held)]
        if asked:
            folds.append((taught(lessons, held, seed + 1 + fold), asked))
    return folds


def main() -> None:
    """Run the whole recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True, help="folder with images, sounds, backgrounds")
    parser.add_argument("--work", type=Path, required=True, help="folder for packages and features (3 GB)")
    parser.add_argument("--dev", type=Path, help="shared folder whose dev media judge")
    parser.add_argument("--scenes", type=int, default=8_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ASSET)
    parser.add_argument("--card", action="store_true", help="write the model card beside the weights")
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(options.media, options.work, options.scenes, options.seed)
    library.build(plan.media, plan.work / "packages", plan.work / "library", plan.seed)
    features.in_processes(partial(render, plan), options.workers)
    lessons = lessons_of(options.work)
    weights = taught(lessons, (), options.seed)
    sha256 = write(weights, options.out)
    print(f"{options.out} {sha256}", flush=True)
    if not options.dev:
        return
    vision, hearing, text = EfficientNetLite.load(), Hearing.load(), MiniLM()
    words = ZeroShot.load(vision.labels, hearing.labels, text)
    dev = trials(options.dev, vision, hearing)
    asked = vocabularies(dev)
    rows = judged([(weights, dev)], asked, words, text)
    out = judged(left_out(lessons, dev, options.seed), asked, words, text)
    for row in (*rows, *out):
        print(row.name, *(f"{share:.3f}" for share in row.shares), flush=True)
    if options.card:
        figures = Figures(tuple(asked), tuple(rows), tuple(out))
        write_card(options.out.with_suffix(".md"), len(lessons.kinds), weights, figures, sha256)


if __name__ == "__main__":
    main()
