"""Phrases of events: a track "dog" that sounds is "dog barking"; rows of ``assets/sound_phrases.tsv``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

FILE = "assets/sound_phrases.tsv"


@lru_cache(maxsize=1)
def phrases() -> Mapping[str, str]:
    """Phrase of each name in the table; names are in lower case."""
    lines = files("seac").joinpath(FILE).read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return MappingProxyType({name.lower(): phrase for name, phrase in rows})


def sound_phrase(name: str) -> str:
    """The phrase of a name, whatever its case; a name without a row is its own phrase."""
    return phrases().get(name.lower(), name)
