"""What a client may choose for a job, and for a decision about its result.

Values that the command line takes as paths, such as a vocabulary file, are names here: no client names a
file of the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from seac.classify.vocabulary import vocabulary_of
from seac.core.errors import InputError
from seac.export.table import exporter_classes, split_exports
from seac.results.decision_file import DecisionRecord

MIN_FPS, MAX_FPS = 0.01, 60.0
MAX_LETTERS = 200
MAX_TRACKS = 10_000


def check_vocabulary(given: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a vocabulary, checked.

    Raises:
        InputError: there are none, one is too long or empty, or one is given twice.
    """
    return vocabulary_of(list(given), "the vocabulary").names


def split_names(given: Any) -> Any:
    """``"dog, piano"`` as a list; other values unchanged."""
    return [name.strip() for name in given.split(",")] if isinstance(given, str) else given


def check_phrase(given: str) -> str:
    """A phrase in printable letters.

    Raises:
        ValueError: it is empty or not printable.
    """
    if not given.strip() or not given.isprintable():
        raise ValueError('give printable letters, such as "a barking dog"')
    return given


def check_exports(given: tuple[str, ...]) -> tuple[str, ...]:
    """Names of exports, each once.

    Raises:
        InputError: one is unknown.
    """
    split_exports(given)
    return tuple(dict.fromkeys(given))


def check_formats(given: tuple[str, ...]) -> tuple[str, ...]:
    """Names of formats that are made from a result, each once.

    Raises:
        InputError: one is unknown.
    """
    return tuple(exporter_classes(given))


def check_text(given: str) -> str:
    """A name in printable letters, with single spaces.

    Raises:
        ValueError: it is empty or not printable.
    """
    name = " ".join(given.split())
    if not name or not name.isprintable():
        raise ValueError("give a name in printable letters")
    return name


Vocabulary = Annotated[
    tuple[str, ...],
    BeforeValidator(split_names, json_schema_input_type=str | tuple[str, ...]),
    AfterValidator(check_vocabulary),
]
Phrase = Annotated[str, Field(min_length=1, max_length=MAX_LETTERS), AfterValidator(check_phrase)]
Probability = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=3600)]
TrackNumber = Annotated[int, Field(ge=0, lt=2**53)]
TrackNumbers = Annotated[tuple[TrackNumber, ...], Field(max_length=MAX_TRACKS)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_LETTERS), AfterValidator(check_text)]
Level = Annotated[int, Field(ge=0, le=255)]
Colour = tuple[Level, Level, Level]
Exports = Annotated[tuple[str, ...], Field(max_length=50), AfterValidator(check_exports)]
Formats = Annotated[tuple[str, ...], Field(max_length=50), AfterValidator(check_formats)]


class Choices(BaseModel):
    """Base of what clients choose: unknown names, infinity and NaN are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class JobChoices(Choices):
    """Settings of a job."""

    fps: Annotated[float, Field(ge=MIN_FPS, le=MAX_FPS)] | Literal["auto"] = Field(
        "auto", description="Key frames per second on which the networks run, or auto."
    )
    vocabulary: Vocabulary | None = Field(None, description='Class names: a list, or "dog,piano".')
    threshold: Probability | None = Field(None, description="Minimum probability of a sounding mask.")
    find: Phrase | None = Field(
        None, description='Show only what is this in the image and in the audio, "a barking dog".'
    )
    exports: Exports | None = Field(None, description="Formats that are written; see GET /v1/formats.")


class DecisionChoices(Choices):
    """A decision about a result; what is left out is the default of the result."""

    threshold: Probability | None = Field(None, description="Minimum probability of a sounding mask.")
    mute: TrackNumbers = Field((), description="Tracks that are not shown.")
    solo: TrackNumbers = Field((), description="Tracks that alone are shown; all if empty.")
    add: TrackNumbers = Field(
        (), description="Tracks that sound wherever they have a mask and the audio is active."
    )
    drop: TrackNumbers = Field((), description="Tracks that are no object; not shown, as muted ones.")
    rename: dict[TrackNumber, Name] = Field(default_factory=dict, max_length=MAX_TRACKS)
    colour: dict[TrackNumber, Colour] = Field(
        default_factory=dict, max_length=MAX_TRACKS, description="Red, green, blue of a track."
    )
    min_duration: Seconds = Field(0.0, description="Minimum seconds of a span.")
    max_gap: Seconds = Field(0.1, description="Seconds of a gap that is closed.")
    vocabulary: Vocabulary | None = Field(None, description='Class names: a list, or "dog,piano".')
    find: Phrase | None = Field(None, description="Show only what is this in the image and in the audio.")
    write: Formats = Field((), description="Formats that are made anew, as by POST exports.")

    def record(self) -> DecisionRecord:
        """The decision as it is stored in the result folder."""
        return DecisionRecord(
            threshold=self.threshold,
            mute=tuple(sorted({*self.mute, *self.drop})),
            solo=tuple(sorted(set(self.solo))),
            add=tuple(sorted(set(self.add))),
            rename=dict(self.rename),
            colours=dict(self.colour),
            min_duration=self.min_duration,
            max_gap=self.max_gap,
            vocabulary=self.vocabulary,
            find=self.find,
        )


Model = TypeVar("Model", bound=BaseModel)


def parse_choices(kind: type[Model], text: str | bytes) -> Model:
    """Choices from JSON.

    Raises:
        InputError: no JSON, an unknown name, or a value out of range.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise InputError(explain(error)) from None


def explain(error: ValidationError) -> str:
    """One line for the first error of a validation."""
    return explain_first(error.errors(include_url=False, include_input=False))


def explain_first(errors: Sequence[Any]) -> str:
    """One line for the first of the errors that pydantic or FastAPI give."""
    first = errors[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    text = str(first["msg"]).removeprefix("Value error, ")
    return f"{place}: {text}" if place else text
