"""Descriptions of ImageNet and AudioSet class names for a small text encoder.

A small text encoder embeds rare names such as "Pekinese" and "Oink" poorly; "Pekinese, dog" and "pig" work
better. One table gives the category of ImageNet classes, one gives the visible source of AudioSet classes,
and a third lists the AudioSet classes that have subclasses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

INVISIBLE = "-"


@dataclass(frozen=True)
class Group:
    """A class with subclasses.

    Attributes:
        number: index of the class in the list of labels.
        first: index of its first subclass.
        last: index of its last subclass.
    """

    number: int
    first: int
    last: int


@lru_cache(maxsize=1)
def audioset_names() -> tuple[str, ...]:
    """Return the 521 AudioSet class names of YAMNet, in the order of its class probabilities."""
    return tuple(files("seac").joinpath("assets/audioset.txt").read_text(encoding="utf-8").splitlines())


@lru_cache(maxsize=1)
def imagenet_names() -> tuple[str, ...]:
    """Return the 1,000 ImageNet class names in the order of the logits.

    The file is written by ``python -m recipes.common.text_table``.
    """
    return tuple(files("seac").joinpath("assets/imagenet.txt").read_text(encoding="utf-8").splitlines())


@lru_cache(maxsize=2)
def expand_ranges(file: str, count: int) -> tuple[str | None, ...]:
    """Expand a table of ranges (first, last, text) to a text, or None, for each of ``count`` classes."""
    texts: list[str | None] = [None] * count
    for first, last, text in rows_of(file):
        texts[int(first) : int(last) + 1] = [text] * (int(last) + 1 - int(first))
    return tuple(texts)


def rows_of(file: str) -> list[list[str]]:
    """Return the rows of a tab-separated table in ``assets``, without comment lines."""
    lines = files("seac").joinpath(f"assets/{file}").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def groups_of(labels: tuple[str, ...]) -> tuple[Group, ...]:
    """Return the labels that have subclasses; none for labels other than AudioSet's."""
    if labels != audioset_names():
        return ()
    return tuple(Group(*map(int, row)) for row in rows_of("audioset_groups.tsv"))


def image_texts() -> tuple[str, ...]:
    """Return the ImageNet names with their category: "beagle, dog"."""
    names = imagenet_names()
    categories = expand_ranges("imagenet_classes.tsv", len(names))
    return tuple(
        f"{name}, {category}" if category else name for name, category in zip(names, categories, strict=True)
    )


def audio_texts() -> tuple[str, ...]:
    """Return the visible source of each AudioSet class: "pig" for "Oink"; its name if it has none."""
    names = audioset_names()
    sources = expand_ranges("audioset_sources.tsv", len(names))
    return tuple(
        source if source and source != INVISIBLE else name
        for name, source in zip(names, sources, strict=True)
    )


def texts_of(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the descriptions of an encoder's labels; labels without a table are returned unchanged."""
    if labels == imagenet_names():
        return image_texts()
    if labels == audioset_names():
        return audio_texts()
    return labels


def is_visible(labels: tuple[str, ...]) -> tuple[bool, ...]:
    """Return whether each label has a visible source; True for labels without a table."""
    if labels != audioset_names():
        return (True,) * len(labels)
    return tuple(text != INVISIBLE for text in expand_ranges("audioset_sources.tsv", len(labels)))
