"""Model cards of the class heads and the sounding head, as tables written by the recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from recipes.sounding.train import HeadTraining

DATA = (
    ("photographs with instance masks", "VOC 2012 (VOC terms, Flickr images), COCO 2017 and LVIS (annotations CC BY 4.0, images under their Flickr licences)"),
    ("labelled photographs", "Caltech-101 (CC BY 4.0)"),
    ("labelled photographs where no other source covers the class", "instrument photographs (terms unclear), ImageNet samples, PACS, Stanford Dogs, Weizmann horses (research terms)"),
    ("cut-outs, backgrounds, sounds", "Debian packages named in SOURCES.csv of the media"),
    ("recordings", "ESC-10, Freesound material and sample libraries: CC0, CC BY, CC BY-SA, ODbL, MIT, public domain only"),
)
LIMITS = (
    "Photographs are no video: motion does not tell the player from the instrument.",
    "Sounds are paired with pictures by class, so one of several alike things is never known to be the source.",
    "Person is the only class of people with many pictures; man, woman and child are told apart by the voice.",
    "Sources without photographs (rain, wind, keys) have the evidence of the encoders' own classes only.",
)


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
    data = table(("data", "source and terms"), DATA)
    counts = table(
        ("side", "frames", "clips"), ((side, each["frames"], each["clips"]) for side, each in training.counts.items())
    )
    parts = table(("part", "version"), training.parts.items())
    limits = "\n".join(f"- {limit}" for limit in LIMITS)
    common = f"## Data\n\n{data}\n\n{counts}\n\nPictures and recordings of dev are of other originals than train.\n"
    command = "`python -m recipes.sounding --data DATA --media MEDIA --work WORK --seed 0`"
    settings = table(("setting", "value"), asdict(training.settings).items())
    for name, title, scores in (
        ("class_heads", "Class heads: sound sources from mask and audio embeddings", training.heads),
        ("sounding_head", "Sounding head: the probability that a mask sounds", training.pairs),
    ):
        phases = f"## Training\n\n{command}\n\n{settings}\n\n" if name == "sounding_head" else f"## Training\n\n{command}\n\n"
        text = (
            f"# {title}\n\n{phases}{common}\n## Scores on dev\n\n{table(('score', 'value'), scores.items())}\n\n"
            f"## Parts\n\n{parts}\n\n## Licence\n\nApache-2.0, as the code; the data keep their own terms.\n\n"
            f"## Limits\n\n{limits}\n"
        )
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    names = [str(name) for name in head]
    lines = [names, ["---"] * len(names), *([str(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
