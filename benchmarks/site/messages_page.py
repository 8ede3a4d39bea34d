"""The page docs/messages.md: every message of a user error, from the code."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from benchmarks.site.markdown import cell
from benchmarks.site.messages import Blank, Message, Template, all_messages

HEAD = """# Error messages

An error of usage or input is one line that begins with `error:`, and the command ends with 2. In Python it
is a `seac.InputError`. The line says what was given, what is needed and what to do. Values are in
<i>italics</i> here. The page is read from the code by `python -m benchmarks.site`: {count} messages.
"""
AREAS = {
    "cli": "Options of commands",
    "app": "The page in the browser",
    "serve": "The service",
    "jobs": "Commands",
    "media": "Video, image and audio files",
    "results": "Result folders and decisions",
    "export": "Formats",
    "core": "Files",
    "presets": "Presets and parts",
    "settings.py": "Settings",
    "weights": "Weights",
    "classify": "Vocabulary",
    "decision": "Sounding head and calibration",
    "associate": "Association",
    "segment": "Segmenters and detectors",
    "encoders": "Encoders",
    "video": "Tracks and masks over time",
    "datasets": "Benchmarks and training data",
    "evaluation": "Evaluation",
    "metrics": "Metrics",
    "extraction": "Extraction",
    "features": "Feature store",
    "training": "Training",
    "profiling": "Speed",
}
"""First part of a file's path below src/seac -> title of its section, in the order of the page."""


def messages_page(root: Path) -> str:
    """The text of the page.

    Args:
        root: the folder src/seac.
    """
    found = all_messages(root)
    parts = [HEAD.format(count=len(found))]
    for area, messages in groupby(sorted(found, key=order), key=lambda message: area_of(message)):
        parts.append(f"## {AREAS.get(area, area)}\n\n| message | from |\n| --- | --- |")
        parts.append("".join(f"| {line(each.template)} | `{each.file}` |\n" for each in messages))
    return "\n".join(parts)


def area_of(message: Message) -> str:
    """First part of the path of its file."""
    return message.file.partition("/")[0]


def order(message: Message) -> tuple[int, str]:
    """Place of its section in the page; a section without a title stands at the end."""
    area = area_of(message)
    return (list(AREAS).index(area) if area in AREAS else len(AREAS)), area


def line(template: Template) -> str:
    """A template as Markdown."""
    texts = [f"\0{part.name.replace('_', ' ')}\1" if isinstance(part, Blank) else part for part in template]
    apart = re.sub("\1(?=\0|[a-z]{2})", "\1 ", "".join(texts))  # a value may end in a space of its own
    return cell(apart).replace("\0", "<i>").replace("\1", "</i>")
