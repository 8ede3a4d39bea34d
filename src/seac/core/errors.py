"""The error type for unusable input: what was given, what is needed, what to do."""

from __future__ import annotations

import difflib


class InputError(ValueError):
    """Unusable input: its message is one line for the user; the command line exits with 2, no traceback.

    Messages quote names of files. Unprintable characters are escaped, so that the message stays one line and
    holds no terminal control codes.

    Args:
        message: what was given, what is needed, what to do.
    """

    def __init__(self, message: str) -> None:
        super().__init__(
            "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
        )


def unknown(kind: str, given: str, known: tuple[str, ...]) -> str:
    """The one-line message for a name that is in no table, with the closest known name."""
    near = difflib.get_close_matches(given, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {given!r}: {hint}choose from {', '.join(known)}"
