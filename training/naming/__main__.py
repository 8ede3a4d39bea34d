"""Teach kinds by name: ``python -m training.naming --media M --work W --dev SHARED --card --seed 0``.

Takes the library and the sounds of :mod:`training.association` (give it the same folder; what is missing is
made), renders what its things look like in two processes, learns to tell kinds by looks and by sound, and
judges both on dev composites, with all kinds taught and with a fold of them left out. Every shard that is
finished is skipped when the command is given again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from seac.associate.audio.hearing import Hearing
from seac.associate.text.minilm import MiniLM
from seac.associate.vision.efficientnet_lite import EfficientNetLite
from seac.associate.zero_shot import ZeroShot
from seac.classify import kinds as shipped
from seac.classify.kinds import SENSES, KindNetwork, KindsSettings, KindsWeights, Taught, write
from training.association import features, library
from training.association.__main__ import heard_in
from training.association.scenes import Composer
from training.association.sounds import Recordings
from training.association.stock import shards
from training.naming.card import Row, write_card
from training.naming.judge import SOUNDS, Trial, places, right, said, trials, vocabularies
from training.naming.learn import Lessons, Recipe, learn
from training.naming.looks import SCENES_PER_SHARD, VIEWS, Looks

ASSET = Path(shipped.__file__).parents[1] / "assets/kinds.safetensors"
FOLDS = 4
RECIPES = {"sight": Recipe(), "sound": Recipe(components=128)}


@dataclass(frozen=True)
class Plan:
    """What is rendered, and from where."""

    media: Path
    work: Path
    scenes: int
    sounds: int
    seed: int


def render(plan: Plan, worker: int, workers: int) -> None:
    """One process's share of the embeddings."""
    torch.set_num_threads(1)
    made = plan.work / "library"
    recordings, hearing = Recordings(made / "sounds"), Hearing.load()
    ears = features.Ears(recordings, hearing)
    count = plan.sounds // features.SOUNDS_PER_SHARD
    features.make(
        heard_in(plan.work, "sounds", hearing.version), range(worker, count, workers), ears.shard, plan.seed
    )
    composer = Composer(made / "pictures", plan.media / "backgrounds", list(recordings.paths))
    eyes = Looks(composer, EfficientNetLite.load())
    numbers = range(worker, plan.scenes // SCENES_PER_SHARD, workers)
    features.make(looks_in(plan.work), numbers, eyes.shard, plan.seed)


def looks_in(work: Path) -> Path:
    """Folder of the closer looks; other views have another."""
    made_by = repr((EfficientNetLite.version, VIEWS))
    return work / f"looks-{hashlib.sha256(made_by.encode()).hexdigest()[:12]}"


def rendered(plan: Plan, workers: int) -> None:
    """All embeddings, by so many processes.

    Raises:
        SystemExit: a process failed.
    """
    library.build(plan.media, plan.work / "packages", plan.work / "library", plan.seed)
    started = [
        multiprocessing.Process(target=render, args=(plan, worker, workers)) for worker in range(workers)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join()
    if any(process.exitcode for process in started):
        raise SystemExit("error: rendering failed; give the command again to go on")


def lessons_of(work: Path, hearing: str) -> dict[str, Lessons]:
    """What there is to learn from, by sense."""
    looks, sounds = shards(looks_in(work)), shards(heard_in(work, "sounds", hearing))
    seen = np.concatenate([part["embeddings"] for part in looks])[:, None]
    heard = np.concatenate([part["windows"] for part in sounds])
    shown = [kind for part in looks for kind in json.loads(str(part["kinds"]))]
    alone = [kind for part in sounds for (kind,) in json.loads(str(part["kinds"]))]
    files = {
        sense: tuple(file for part in parts for file in json.loads(str(part["files"])))
        for sense, parts in zip(SENSES, (looks, sounds), strict=True)
    }
    return {
        "sight": Lessons(torch.from_numpy(seen), tuple(shown), files["sight"]),
        "sound": Lessons(torch.from_numpy(heard), tuple(alone), files["sound"]),
    }


def taught(
    lessons: dict[str, Lessons], left_out: Sequence[str], seed: int
) -> tuple[dict[str, KindNetwork], dict[str, list[str]]]:
    """The networks of both senses, and their kinds: all but some."""
    kinds = {sense: [name for name in lessons[sense].names() if name not in left_out] for sense in SENSES}
    return (
        {sense: learn(lessons[sense], kinds[sense], RECIPES[sense], seed) for sense in SENSES},
        {sense: [said(name) for name in names] for sense, names in kinds.items()},
    )


def variants(settings: KindsSettings) -> dict[str, KindsSettings]:
    """What is compared: each part added to the one before."""
    by_looks = replace(settings, sound=0.0, heard=0.0)
    return {
        "words alone": replace(by_looks, sight=0.0),
        "and kinds by looks": by_looks,
        "and what is heard, in words": replace(settings, sound=0.0),
        "and kinds by sound (ships)": settings,
    }


def judged(weights: KindsWeights, dev: Sequence[Trial], words: ZeroShot, text: MiniLM) -> list[Row]:
    """A row for every variant: shares of right names, by sound and vocabulary."""
    rows = []
    for name, settings in variants(weights.settings).items():
        naming = Taught(replace(weights, settings=settings), words, text)
        shares = [share for sound in SOUNDS for share in right(places(naming, dev, sound), dev, text)]
        rows.append(Row(name, tuple(shares)))
    return rows


def judged_left_out(
    lessons: dict[str, Lessons],
    weights: KindsWeights,
    dev: Sequence[Trial],
    words: ZeroShot,
    text: MiniLM,
    seed: int,
) -> list[Row]:
    """The same for dev kinds that were left out of teaching, fold by fold."""
    names = sorted({*lessons["sight"].names(), *lessons["sound"].names()})
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
    held = [{names[index] for index in order[fold::FOLDS]} for fold in range(FOLDS)]
    folds = [[trial for trial in dev if trial.name in {said(n) for n in out}] for out in held]
    made = [taught(lessons, sorted(out), seed + 1 + fold) for fold, out in enumerate(held)]
    asked = [trial for fold in folds for trial in fold]
    rows = []
    for name, settings in variants(weights.settings).items():
        shares = []
        for sound in SOUNDS:
            found = torch.cat(
                [
                    places(
                        Taught(replace(weights, networks=nets, names=kinds, settings=settings), words, text),
                        fold,
                        sound,
                    )
                    for (nets, kinds), fold in zip(made, folds, strict=True)
                    if fold
                ]
            )
            shares += right(found, asked, text)
        rows.append(Row(name, tuple(shares)))
    return rows


def main() -> None:
    """Run the whole recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True, help="folder with images, sounds, backgrounds")
    parser.add_argument("--work", type=Path, required=True, help="folder for packages and features (3 GB)")
    parser.add_argument("--dev", type=Path, help="shared folder whose dev media judge")
    parser.add_argument("--scenes", type=int, default=4_000)
    parser.add_argument("--sounds", type=int, default=7_200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ASSET)
    parser.add_argument("--card", action="store_true", help="write the model card beside the weights")
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(options.media, options.work, options.scenes, options.sounds, options.seed)
    rendered(plan, options.workers)
    vision, hearing, text = EfficientNetLite.load(), Hearing.load(), MiniLM()
    lessons = lessons_of(options.work, hearing.version)
    networks, names = taught(lessons, (), options.seed)
    made_by = {"sight": vision.version, "sound": hearing.version}
    weights = KindsWeights(networks, names, KindsSettings(), made_by)
    sha256 = write(weights, options.out)
    print(f"{options.out} {sha256}", flush=True)
    if not options.dev:
        return
    words = ZeroShot.load(vision.labels, hearing.labels, text)
    dev = trials(options.dev, vision, hearing)
    rows = judged(weights, dev, words, text)
    out = judged_left_out(lessons, weights, dev, words, text, options.seed)
    for row in (*rows, *out):
        print(row.name, *(f"{share:.3f}" for share in row.shares), flush=True)
    if options.card:
        write_card(
            options.out.with_suffix(".md"), lessons, weights, tuple(vocabularies(dev)), rows, out, sha256
        )


if __name__ == "__main__":
    main()
