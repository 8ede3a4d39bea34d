"""Error messages are one printable line."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from seac.core.errors import InputError


@given(st.text())
def test_a_message_is_one_printable_line(output: str) -> None:
    message = str(InputError(output))
    assert message.isprintable()
    assert len(message.splitlines()) <= 1
    assert str(pickle.loads(pickle.dumps(InputError(output)))) == message


@given(st.text().filter(str.isprintable))
def test_printable_text_is_unchanged(output: str) -> None:
    assert str(InputError(output)) == output
