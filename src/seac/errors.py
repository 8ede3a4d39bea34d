"""The one error that a user's input can cause: what was given, what is needed, what to do."""

from __future__ import annotations


class InputError(ValueError):
    """Unusable input: its message is one line for the user; the command line exits with 2, no traceback."""
