"""What class names of taggers mean in plain words, for a text encoder that does not know them.

"Pekinese" and "Oink" say little to a small text encoder; "Pekinese, dog" and "pig" do. Two tables of our own
say so: the kind of thing for ImageNet classes, and what one would see where an AudioSet class sounds. A third
says which AudioSet classes are sorts of another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

INVISIBLE = "-"


@dataclass(frozen=True)
class Group:
    """A class of which others are sorts.

    Attributes:
        number: its place in the list of labels. first, last: those of its sorts.
    """

    number: int
    first: int
    last: int


@lru_cache(maxsize=1)
def audioset_names() -> tuple[str, ...]:
    """The 521 AudioSet class names of our audio networks, in the order of their tags."""
    return tuple(files("seac").joinpath("assets/audioset.txt").read_text(encoding="utf-8").splitlines())


@lru_cache(maxsize=1)
def imagenet_names() -> tuple[str, ...]:
    """The 1,000 ImageNet class names in the order of the logits (written by ``python -m recipes.common.text_table``)."""
    return tuple(files("seac").joinpath("assets/imagenet.txt").read_text(encoding="utf-8").splitlines())


@lru_cache(maxsize=2)
def expand_ranges(file: str, count: int) -> tuple[str | None, ...]:
    """A table of ranges (first, last, word) as one word, or None, for each of ``count`` classes."""
    texts: list[str | None] = [None] * count
    for first, last, text in rows_of(file):
        texts[int(first) : int(last) + 1] = [text] * (int(last) + 1 - int(first))
    return tuple(texts)


def rows_of(file: str) -> list[list[str]]:
    """The rows of a table in ``assets``, without its remarks."""
    lines = files("seac").joinpath(f"assets/{file}").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def groups_of(labels: tuple[str, ...]) -> tuple[Group, ...]:
    """Which labels of a tagger others are sorts of; none where there is no table."""
    if labels != audioset_names():
        return ()
    return tuple(Group(*map(int, row)) for row in rows_of("audioset_groups.tsv"))


def image_texts() -> tuple[str, ...]:
    """ImageNet names with their kind: "beagle, dog"."""
    names = imagenet_names()
    categories = expand_ranges("imagenet_classes.tsv", len(names))
    return tuple(
        f"{name}, {category}" if category else name for name, category in zip(names, categories, strict=True)
    )


def audio_texts() -> tuple[str, ...]:
    """What one would see for each AudioSet name: "pig" for "Oink"; its name where nothing is to be seen."""
    names = audioset_names()
    sources = expand_ranges("audioset_sources.tsv", len(names))
    return tuple(
        source if source and source != INVISIBLE else name
        for name, source in zip(names, sources, strict=True)
    )


def texts_of(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The plain words for a tagger's labels; labels of a tagger without a table stay as they are."""
    if labels == imagenet_names():
        return image_texts()
    if labels == audioset_names():
        return audio_texts()
    return labels


def is_visible(labels: tuple[str, ...]) -> tuple[bool, ...]:
    """Which labels name something that can be seen at all (all of them, where there is no table)."""
    if labels != audioset_names():
        return (True,) * len(labels)
    return tuple(text != INVISIBLE for text in expand_ranges("audioset_sources.tsv", len(labels)))
