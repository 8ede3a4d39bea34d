"""Text encoding of the phrase of ``--find``."""

from __future__ import annotations

from collections.abc import Sequence

from seac.classify.prompts import MeanEncoder, class_embeddings
from seac.classify.synonyms import known_names, known_phrase
from seac.core.errors import InputError
from seac.encoders.labels.descriptions import texts_of
from seac.results.find import Phrase

MAX_LENGTH = 200


def encode_phrase(phrase: str, names: Sequence[str], audio_names: Sequence[str], text: MeanEncoder) -> Phrase:
    """A phrase with its cosines to class names and audio classes.

    Args:
        phrase: such as "a barking dog".
        names: class names, without background.
        audio_names: names of the audio classes.
        text: text encoder; only texts are encoded, no image and no audio.

    Raises:
        InputError: the phrase is empty or too long.
    """
    known = known_phrase(phrase)
    if not known.strip():
        raise InputError('--find is empty: say what to find, such as "a barking dog"')
    if len(known) > MAX_LENGTH or not known.isprintable():
        raise InputError(f"--find {phrase[:20]!r}...: give at most {MAX_LENGTH} printable letters")
    classes = class_embeddings(known_names(names), text) @ class_embeddings([known], text)[0]
    # Audio classes are in the shipped table of texts without prompt templates.
    audio_classes = text.means([(name,) for name in texts_of(tuple(audio_names))]) @ text.means([(known,)])[0]
    return Phrase(phrase, classes.float().numpy(), audio_classes.float().numpy())
