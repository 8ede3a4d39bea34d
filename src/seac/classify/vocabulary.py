"""Vocabularies: class names from the user, and the default vocabulary."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from seac.core.errors import InputError

MAX_NAMES = 1000
MAX_LENGTH = 80

# Common visible sound sources, by group.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "people": ("man", "woman", "child", "baby", "crowd of people", "singer", "choir"),
    "pets and farm": (
        "dog", "cat", "horse", "donkey", "cow", "sheep", "goat", "pig", "hen", "rooster", "turkey", "duck",
        "goose", "rabbit", "hamster",
    ),
    "wild animals": (
        "lion", "tiger", "leopard",
        "bear", "wolf", "fox", "elephant", "monkey", "chimpanzee", "zebra", "deer",
        "camel", "squirrel", "mouse", "bat", "koala", "ferret", "seal", "whale",
        "dolphin", "crocodile", "snake", "frog", "kangaroo",
    ),
    "birds": (
        "songbird", "sparrow", "crow", "owl", "eagle", "vulture", "pigeon", "parrot", "seagull", "penguin",
        "peacock", "heron", "woodpecker", "swan",
    ),
    "insects": ("bee", "fly", "mosquito", "cricket insect", "cicada"),
    "strings": (
        "acoustic guitar", "electric guitar", "bass guitar", "banjo", "ukulele", "mandolin", "violin",
        "cello", "double bass", "harp", "sitar", "zither",
    ),
    "winds": (
        "flute", "clarinet", "oboe", "bassoon", "saxophone", "trumpet", "trombone", "french horn", "tuba",
        "harmonica", "bagpipes", "recorder", "pan flute", "didgeridoo", "whistle",
    ),
    "keys": ("piano", "electronic keyboard", "pipe organ", "accordion", "harpsichord", "synthesizer"),
    "percussion": (
        "drum", "drum kit", "snare drum", "bass drum", "timpani", "tabla", "cymbal", "gong", "bell",
        "church bell",
        "xylophone", "marimba", "maracas", "tambourine", "triangle instrument", "steel drum", "castanets",
        "wind chime", "music box",
    ),
    "vehicles": (
        "car", "race car", "truck", "bus", "motorcycle", "bicycle", "police car", "ambulance", "fire engine",
        "train", "tram", "subway train", "airplane", "jet fighter", "helicopter", "boat", "motorboat", "ship",
        "tractor", "lawn mower", "skateboard", "rocket",
    ),
    "tools and machines": (
        "hammer", "saw", "chainsaw", "drill", "engine", "sewing machine", "typewriter", "printer",
        "vacuum cleaner", "washing machine", "hair dryer", "blender", "microwave oven", "mechanical fan",
        "air conditioner", "power sander", "jackhammer", "excavator", "camera", "gun", "machine gun",
        "cannon",
        "scissors", "electric shaver", "toothbrush",
    ),
    "home": (
        "telephone", "mobile phone", "alarm clock", "clock", "doorbell", "door", "keyboard", "computer mouse",
        "television", "radio", "loudspeaker", "microphone", "toilet", "sink with running water", "kettle",
        "frying pan", "bottle", "glass", "coins", "keys", "zipper", "ball", "basketball", "tennis racket",
        "bowling pins", "fireplace", "toy",
    ),
    "nature": ("sea waves", "waterfall", "river", "rain", "fountain", "fire", "wind in trees", "fireworks"),
    # for a mask whose class is unsure, see seac.classify.parents
    "groups": ("animal", "musical instrument", "vehicle", "machine"),
}  # fmt: skip


@dataclass(frozen=True)
class Vocabulary:
    """Class names to choose from; class ``k`` of a semantic mask is ``names[k - 1]``, 0 is background."""

    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def version(self) -> str:
        """Number of class names and a digest of them."""
        digest = hashlib.sha256("\n".join(self.names).encode()).hexdigest()
        return f"{len(self)} words sha256:{digest[:12]}"


def default_vocabulary() -> Vocabulary:
    """The default vocabulary of common sound sources."""
    return Vocabulary(tuple(name for category in CATEGORIES.values() for name in category))


def parse(given: str | os.PathLike[str]) -> Vocabulary:
    """A vocabulary from names ("dog,piano") or from a text file with one name per line (# starts a comment).

    A path, a string that ends in .txt, or the name of an existing file is read as a file.

    Raises:
        InputError: there are no names, a duplicate name, a name that is too long, too many names, or an
            unreadable file.
    """
    if isinstance(given, str) and not looks_like_file(given):
        return vocabulary_of(given.split(","), "the vocabulary")
    path = Path(given)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"vocabulary file {path} does not exist: give its path, or names such as dog,piano"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"vocabulary file {path} cannot be read ({type(error).__name__}): "
            "give UTF-8 text, one name per line"
        ) from None
    lines = (line.split("#", 1)[0] for line in text.splitlines())
    return vocabulary_of([line for line in lines if line.strip()], f"vocabulary file {path}")


def looks_like_file(given: str) -> bool:
    """Whether a string is the path of a file and not a list of names."""
    if given.lower().endswith(".txt"):
        return True
    try:
        return "," not in given and Path(given).is_file()
    except (OSError, ValueError):  # too long for a path, or contains a zero byte: a list of names
        return False


def vocabulary_of(names: list[str], source: str) -> Vocabulary:
    """Check names and normalise their whitespace.

    Raises:
        InputError: see :func:`parse`.
    """
    invalid = next((name for name in names if not isinstance(name, str)), None)
    if invalid is not None:
        raise InputError(f"{source} holds {invalid!r}, which is no name: give names such as dog,piano")
    cleaned = [" ".join(name.split()) for name in names]
    if not any(cleaned):
        raise InputError(f"{source} is empty: give at least one name, such as dog,piano")
    if not all(cleaned):
        raise InputError(
            f"{source} has an empty name (number {cleaned.index('') + 1}): remove the extra comma"
        )
    if len(cleaned) > MAX_NAMES:
        raise InputError(f"{source} has {len(cleaned)} names: give at most {MAX_NAMES}")
    known: set[str] = set()
    for name in cleaned:
        if len(name) > MAX_LENGTH or not name.isprintable():
            raise InputError(
                f"{source} has an unusable name ({name[:20]!r}...): at most {MAX_LENGTH} printable letters"
            )
        if name.casefold() in known:
            raise InputError(f"{source} names {name!r} twice: give every name once")
        known.add(name.casefold())
    return Vocabulary(tuple(cleaned))
