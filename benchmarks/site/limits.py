"""The table of docs/limits.md, from the figures of docs/real_clips.md."""

from __future__ import annotations

ROWS = (
    ("a mask that fits what sounds is among the proposals", "a mask fits, IoU >= .5"),
    ("the hottest point lies on what sounds", "peak on a sounding thing"),
    ("the same without audio: the centre of the frame", "guess: centre of the image as peak"),
    ("the active masks cover what sounds", "active boxes cover what sounds, IoU >= .5"),
    ("the same without audio: half of the frame", "guess: half of the frame, IoU >= .5"),
    ("the best that the proposals admit", "best possible with the masks, IoU >= .5"),
    ("nothing is active though something sounds", "nothing active while something sounds"),
    ("something is active though the source is off-screen", "something active: off-screen"),
    ("something is active in white noise", "something active: any frame with white noise"),
    ("the name of the active masks is right", "right name, nothing active is wrong"),
    ("something is active under the audio of another clip", "other audio: something active"),
)
"""What a row says, and the figure of docs/real_clips.md."""


def read_figures(page: str) -> dict[str, tuple[str, str]]:
    """Figure -> (value, interval), of the first table of docs/real_clips.md.

    Args:
        page: its text.
    """
    found: dict[str, tuple[str, str]] = {}
    for line in page.partition("| figure | value |")[2].split("\n\n")[0].splitlines()[2:]:
        name, value, interval = (part.strip() for part in line.strip("|").split("|"))
        found[name] = value, interval
    return found


def limits_table(page: str) -> list[str]:
    """Lines of the table.

    Args:
        page: text of docs/real_clips.md.

    Raises:
        KeyError: the page lacks a figure.
    """
    figures = read_figures(page)
    rows = [(text, *figures[name]) for text, name in ROWS]
    heads = ("share of frames", "value", "95 % interval over clips")
    return [f"| {' | '.join(row)} |" for row in (heads, ("---", "---:", "---:"), *rows)]
