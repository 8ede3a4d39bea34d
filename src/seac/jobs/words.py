"""Words of a decision in the text space of a result: a new vocabulary, and the phrase of ``--find``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from seac.classify.find import encode_phrase
from seac.classify.prompts import MeanEncoder, class_embeddings
from seac.classify.synonyms import known_names
from seac.core.errors import InputError
from seac.jobs.download import download_bar
from seac.presets.load import Assembly
from seac.presets.spec import ModelSpec
from seac.results.decide import DecideOptions, Words
from seac.results.decision_file import DecisionRecord
from seac.results.reader import VideoResult

OpenEncoder = Callable[[], MeanEncoder]


def with_words(result: VideoResult, record: DecisionRecord, open_encoder: OpenEncoder) -> DecideOptions:
    """The options of a decision with its vocabulary and phrase encoded.

    Args:
        result: what is decided about.
        record: the options.
        open_encoder: gives the text encoder of the result; called only if a text is to be encoded.

    Raises:
        InputError: an option is out of range, or the text encoder cannot be loaded.
    """
    options = record.options()
    if record.vocabulary is not None:
        options = replace(options, words=words_of(result, record.vocabulary, open_encoder))
    if record.find is not None:
        names, encoder = result.labels[1:], open_encoder()
        options = replace(options, find=encode_phrase(record.find, names, result.audio_labels, encoder))
    return options


def words_of(result: VideoResult, names: Sequence[str], open_encoder: OpenEncoder) -> Words:
    """A vocabulary; the text encoder runs only for names that are no labels of the result."""
    if set(names) <= set(result.labels[1:]):
        return Words(tuple(names))
    embeddings = class_embeddings(known_names(names), open_encoder())
    return Words(tuple(names), embeddings.float().cpu().numpy())


def text_encoder(result: VideoResult, weights_dir: Path | None) -> MeanEncoder:
    """The text encoder that a result was made with.

    Raises:
        InputError: the result does not say which, or it cannot be loaded.
    """
    try:
        spec = ModelSpec.from_record(
            {name: result.settings[name] for name in ("preset", "parts")} | {"weights_dir": weights_dir}
        )
    except (KeyError, TypeError, AttributeError):
        raise InputError(
            f"{result.folder}: does not say which text encoder it was made with; choose names of its own "
            f"vocabulary, such as {', '.join(result.labels[1:4])}"
        ) from None
    encoder: MeanEncoder = Assembly(spec, download_bar).part("text")
    return encoder
