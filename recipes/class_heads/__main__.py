"""Teach kinds by name: ``python -m recipes.class_heads --media M --work W --dev SHARED --card --seed 0``.

Takes the library and the features of :mod:`recipes.association` (give it the same folder; what is missing
is made), renders closer looks at its things in two processes, learns to tell kinds by looks and by ear, and
judges names on dev composites, with all kinds taught and with a fold of them left out. Every shard that is
finished is skipped when the command is given again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from recipes.association.evaluate import folds_of
from recipes.class_heads.crops import SCENES_PER_SHARD, Looks
from recipes.class_heads.evaluate import SOUNDS, Trial, hits, said, trials, vocabularies
from recipes.class_heads.fit import lessons_of, looks_in, names_of, taught
from recipes.class_heads.model_card import MARK, Figures, Row, head, write_card
from recipes.class_heads.samples import Lessons
from recipes.common import media_bank, scene_features
from recipes.common.options import recipe
from recipes.common.scene_features import Plan
from recipes.common.scenes import Composer
from recipes.common.waveforms import Recordings
from seac.associate.zero_shot import ZeroShot
from seac.classify.base import ByWords, Naming
from seac.classify.experts import Taught, TaughtSettings, kinds_among
from seac.encoders import class_heads as shipped
from seac.encoders.audio.yamnet_student import Hearing
from seac.encoders.class_heads import Kinds, KindsWeights, read, write
from seac.encoders.text.minilm import MiniLM
from seac.encoders.vision.efficientnet_lite import EfficientNetLite

ASSET = Path(shipped.__file__).parents[1] / "assets/class_heads.safetensors"


def render(plan: Plan, scenes: int, worker: int, workers: int) -> None:
    """One process's share of the embeddings: those of the association, and closer looks at other scenes."""
    scene_features.render(plan, worker, workers)
    composer = Composer(
        plan.library / "pictures", plan.media / "backgrounds", list(Recordings(plan.library / "sounds").paths)
    )
    eyes = Looks(composer, EfficientNetLite.load())
    numbers = range(worker, scenes // SCENES_PER_SHARD, workers)
    scene_features.make(looks_in(plan.work), numbers, eyes.shard, plan.seed)


def variants(kinds: Kinds, words: ZeroShot) -> dict[str, Naming]:
    """What is compared: each expert added to the ones before."""
    sight = replace(kinds.weights, networks={"sight": kinds.weights.networks["sight"]})
    seen = replace(kinds, weights=sight)
    deaf = replace(words.hearing, weights=torch.zeros_like(words.hearing.weights))
    return {
        "looks, in words (as in the paper)": ByWords(words.place_masks),
        "and kinds taught by looks": Taught(seen, words.sight, deaf),
        "and what is heard, in words": Taught(seen, words.sight, words.hearing, TaughtSettings(group=0)),
        "and groups for their sorts": Taught(seen, words.sight, words.hearing),
        "and kinds taught by ear (ships)": Taught(kinds, words.sight, words.hearing),
    }


def judged(
    folds: Sequence[tuple[KindsWeights, Sequence[Trial]]],
    asked: Mapping[str, Sequence[str]],
    words: ZeroShot,
    text: MiniLM,
) -> list[Row]:
    """A row for every variant: shares of right names, by sound and vocabulary. A fold has its own weights."""
    count = sum(len(trials) for _, trials in folds)
    ways = [variants(kinds_among(weights, text), words) for weights, _ in folds]
    rows = []
    for name in ways[0]:
        shares = [
            sum(
                hits(way[name], trials, sound, names, text)
                for way, (_, trials) in zip(ways, folds, strict=True)
            )
            / count
            for sound in SOUNDS
            for names in asked.values()
        ]
        rows.append(Row(name, tuple(shares)))
    return rows


def left_out(
    lessons: Mapping[str, Lessons], dev: Sequence[Trial], ears: str, seed: int
) -> list[tuple[KindsWeights, list[Trial]]]:
    """Folds of the kinds: what was taught without them, and the trials of them."""
    found = []
    for fold, held in enumerate(folds_of(names_of(lessons), seed)):
        asked = [trial for trial in dev if trial.name in map(said, held)]
        if asked:
            found.append((taught(lessons, held, ears, seed + 1 + fold), asked))
    return found


def main() -> None:
    """Run the whole recipe."""
    parser = recipe(__doc__, ASSET)
    parser.add_argument("--scenes", type=int, default=8_000, help="for closer looks")
    parser.add_argument("--judge", action="store_true", help="judge what is at --out, teach only the folds")
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(options.media, options.work, seed=options.seed)
    media_bank.build(plan.media, plan.work / "packages", plan.library, plan.seed)
    scene_features.in_processes(partial(render, plan, options.scenes), options.workers)
    vision, hearing, text = EfficientNetLite.load(), Hearing.load(), MiniLM()
    lessons = lessons_of(options.work, hearing.embeds)
    if not options.judge:
        write(taught(lessons, (), hearing.embeds, options.seed), options.out)
    weights = read(options.out)
    print(f"{options.out} {weights.sha256}", flush=True)
    if not options.dev:
        return
    words = ZeroShot.load(vision.labels, hearing.labels, text)
    dev = trials(options.dev, vision, hearing)
    asked = vocabularies(dev)
    rows = judged([(weights, dev)], asked, words, text)
    out = judged(left_out(lessons, dev, hearing.embeds, options.seed), asked, words, text)
    for row in (*rows, *out):
        print(row.name, *(f"{share:.3f}" for share in row.shares), flush=True)
    if options.card:
        figures = Figures(
            tuple(asked), tuple(rows), tuple(out), {name: len(part) for name, part in lessons.items()}
        )
        card = options.out.with_suffix(".md")
        judged_again = options.judge and card.is_file()  # of what they were taught, it says already
        above = card.read_text("utf-8").partition(MARK)[0] if judged_again else head(weights, figures)
        write_card(card, above, figures)


if __name__ == "__main__":
    main()
