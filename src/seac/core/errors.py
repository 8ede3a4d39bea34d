"""The error type for unusable input: what was given, what is needed, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from seac.core.text import printable

MAX_LETTERS = 1_600
"""Greatest length of a message; what it quotes may be longer."""


class InputError(ValueError):
    """Unusable input: its message is one line for the user; the command line exits with 2, no traceback.

    Messages quote names of files. Unprintable characters are escaped, so that the message stays one line and
    holds no terminal control codes.

    Args:
        message: what was given, what is needed, what to do.
    """

    def __init__(self, message: str) -> None:
        line = printable(message)
        # A message ends with what to do, so that a long value is shortened in the middle.
        super().__init__(line if len(line) <= MAX_LETTERS else f"{line[: MAX_LETTERS // 2]} … {line[-400:]}")


def unknown(
    kind: str, given: object, known: Iterable[str], *, renamed: Mapping[str, str] | None = None
) -> str:
    """One line for a name that is in no table: the nearest name, and all there are.

    Args:
        kind: what the name should be of: "preset", "split", ...
        given: the name.
        known: names that would do.
        renamed: names of earlier versions, and what they are called now.
    """
    names = tuple(known)
    near = nearest(str(given), names)
    was = (renamed or {}).get(str(given))
    hint = f"it is {was!r} now; " if was else f"did you mean {near!r}? " if near else ""
    return f"unknown {kind} {given!r}: {hint}choose from {', '.join(names)}"


def nearest(given: str, known: Iterable[str]) -> str | None:
    """The name that is most like a given one, whatever the case; None if none is like it."""
    if len(given) > 200:
        return None  # no name is that long, and comparing takes quadratic time
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(given.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[found[0]] if found else None
