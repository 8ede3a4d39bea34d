"""Events follow the spans of tracks and of off-screen audio."""

from __future__ import annotations

from importlib.resources import files

from hypothesis import given
from hypothesis import strategies as st

from seac.results.events import events_of
from seac.results.phrases import FILE, phrases, sound_phrase
from tests.fixtures.decided import decided, dog_and_violin, span

TIMES = st.floats(0, 1e5, allow_nan=False)


def test_events_are_sorted_and_off_screen_audio_is_marked():
    events = events_of(dog_and_violin())
    assert [event.text for event in events] == [
        "dog barking",
        "violin playing",
        "[off-screen] siren",
        "dog barking",
    ]
    assert [event.track for event in events] == [0, 1, None, 0]
    assert events[2].name == "Siren"
    assert events[2].level == -31.0


@given(st.lists(st.tuples(st.sampled_from(["dog", "cat", "x"]), TIMES, TIMES), max_size=8))
def test_there_is_an_event_per_span_that_lasts(spans):
    video = decided(*((name, (span(*sorted(times)),)) for name, *times in spans))
    events = events_of(video)
    assert len(events) == sum(start != stop for _, start, stop in spans)
    assert list(events) == sorted(events, key=lambda event: (event.start, event.stop))


def test_tracks_of_one_phrase_are_told_apart_by_their_number():
    video = decided(("dog", (span(0, 1),)), ("Dog", (span(1, 2),)), ("cat", (span(2, 3),)))
    assert [event.label for event in events_of(video)] == [
        "dog barking (0)",
        "dog barking (1)",
        "cat meowing",
    ]


def test_a_name_without_a_row_is_its_own_phrase():
    assert sound_phrase("tea kettle") == "tea kettle"
    assert sound_phrase("DOG") == "dog barking"


def test_a_text_is_one_line_of_printable_characters():
    video = decided(("a\nb\t\x00\x1b[1m  c", (span(0, 1),)), ("\n", (span(1, 2),)))
    assert [event.text for event in events_of(video)] == ["a b [1m c", "sound"]


def test_rows_of_the_table_are_classes_that_exist():
    def names(file: str) -> set[str]:
        lines = files("seac").joinpath(f"assets/{file}").read_text(encoding="utf-8").splitlines()
        return {line.split("\t")[0].lower() for line in lines if not line.startswith("#")}

    rows = files("seac").joinpath(FILE).read_text(encoding="utf-8").splitlines()[1:]
    assert len(rows) == len(phrases())
    assert set(phrases()) <= names("sound_sources.tsv") | names("audioset.txt")
