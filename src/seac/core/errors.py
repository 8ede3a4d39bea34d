"""The one error that a user's input can cause: what was given, what is needed, what to do."""

from __future__ import annotations

import difflib


class InputError(ValueError):
    """Unusable input: its message is one line for the user; the command line exits with 2, no traceback.

    Messages quote names and files, which may hold anything: what does not print is written as an escape, so
    the message stays one line and cannot steer a terminal.

    Args:
        message: what was given, what is needed, how to mend it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(
            "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
        )


def unknown(kind: str, given: str, known: tuple[str, ...]) -> str:
    """One line for a name that is in no table."""
    near = difflib.get_close_matches(given, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {given!r}: {hint}choose from {', '.join(known)}"
