"""Text of others, such as names of files and renamed tracks, for formats in which a line has a meaning."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with unprintable characters as escapes, so that it holds no control codes of terminals.

    Args:
        text: any text, such as a name of a file.
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def one_line(text: str, letters: int | None = None) -> str:
    """The text on one line of printable characters, with single spaces.

    Args:
        text: any text.
        letters: greatest number of letters; a longer text ends in an ellipsis.
    """
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if letters is None or len(line) <= letters else line[: letters - 1] + "…"
