"""Synonyms: words of users for names of the default vocabulary, where text space does not know them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

TABLE = "assets/synonyms.tsv"
ARTICLE = re.compile(r"^(a|an|the|some|somebody's|someone's)\s+", re.IGNORECASE)


@lru_cache(maxsize=1)
def synonyms() -> dict[str, str]:
    """Word to name of the default vocabulary, for every word of the table."""
    lines = files("seac").joinpath(TABLE).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return {word: name for name, words in rows for word in words.split(",")}


def known_name(name: str) -> str:
    """The name whose text embedding stands for ``name``: that of the table, or ``name`` itself."""
    return synonyms().get(name.casefold(), name)


def known_names(names: Sequence[str]) -> tuple[str, ...]:
    """:func:`known_name` of each name."""
    return tuple(known_name(name) for name in names)


def known_phrase(phrase: str) -> str:
    """A phrase without its article and with known words: "barking dog" for "a barking doggy"."""
    bare = ARTICLE.sub("", " ".join(phrase.split()))
    return _words().sub(lambda found: synonyms()[found.group().casefold()], bare)


@lru_cache(maxsize=1)
def _words() -> re.Pattern[str]:
    """Matches any word of the table, longer ones first."""
    longest_first = sorted(synonyms(), key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)
