"""Model cards of the class heads and the sounding head, as tables written by the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from recipes.common.model_card import pairs, table
from recipes.sounding.train import HeadTraining

DATA = (
    (
        "photographs with instance masks",
        "VOC 2012 (VOC terms, Flickr images); COCO 2017, LVIS (annotations CC BY 4.0, Flickr images)",
    ),
    ("labelled photographs", "Caltech-101 (CC BY 4.0)"),
    (
        "photographs of classes that no other source covers",
        "instruments (terms unclear); ImageNet samples, PACS, Stanford Dogs, Weizmann horses (research)",
    ),
    ("cut-outs, backgrounds, sounds", "Debian packages named in SOURCES.csv of the media"),
    (
        "recordings",
        "ESC-10, Freesound, sample libraries: CC0, CC BY, CC BY-SA, ODbL, MIT and public domain only",
    ),
)
LIMITS = (
    "Photographs are no video: motion does not tell the player from the instrument.",
    "Recordings are paired with images by class: which of several instances sounds is never known.",
    "Most people in images are labelled person; only the voice separates man, woman and child.",
    "Sources without photographs (rain, wind, keys) have the evidence of the encoders' own classes only.",
)
COMMAND = "python -m recipes.sounding --data DATA --media MEDIA --teacher MN04 --work WORK --seed 0"


@dataclass(frozen=True)
class Training:
    """What the cards report.

    Attributes:
        settings: of the sounding head's training.
        counts: frames and clips by side.
        heads: scores of the class heads on dev.
        pairs: scores of the sounding head on dev.
        parts: versions of the parts.
    """

    settings: HeadTraining
    counts: Mapping[str, Mapping[str, int]]
    heads: Mapping[str, float]
    pairs: Mapping[str, float]
    parts: Mapping[str, str]


def write_cards(training: Training, folder: Path) -> None:
    """Write ``class_heads.md`` and ``sounding_head.md``."""
    cards = {
        "class_heads": ("Class heads: sound sources of masks and audio", {}, training.heads),
        "sounding_head": (
            "Sounding head: the probability that a mask sounds",
            asdict(training.settings),
            training.pairs,
        ),
    }
    rows = [(side, each["frames"], each["clips"]) for side, each in training.counts.items()]
    for name, (title, settings, scores) in cards.items():
        sections = [
            f"# {title}",
            f"## Training\n\n`{COMMAND}`",
            table(("setting", "value"), pairs(settings)) if settings else "",
            f"## Data\n\n{table(('data', 'source and terms'), DATA)}",
            table(("side", "frames", "clips"), rows),
            "Images and recordings of dev are of other originals than those of train.",
            f"## Scores on dev\n\n{table(('score', 'value'), list(scores.items()))}",
            f"## Parts\n\n{table(('part', 'version'), list(training.parts.items()))}",
            "## Licence\n\nApache-2.0, as the code; the data keep their own terms.",
            "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
        ]
        text = "\n\n".join(section for section in sections if section) + "\n"
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
