"""A message for the user is one line, whatever it quotes."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from seac.core.errors import InputError


@given(st.text())
def test_a_message_is_one_printable_line(said: str) -> None:
    told = str(InputError(said))
    assert told.isprintable()
    assert len(told.splitlines()) <= 1
    assert str(pickle.loads(pickle.dumps(InputError(said)))) == told


@given(st.text().filter(str.isprintable))
def test_what_prints_is_told_as_it_is(said: str) -> None:
    assert str(InputError(said)) == said
