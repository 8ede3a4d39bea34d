"""``unreadable.csv``: ids of the clips that could not be read, and the reasons; each run tries them again."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from seac.features.manifest import UNREADABLE, write_atomic


class Unreadable:
    """The list of unreadable clips of a store; lines are appended, and :meth:`compact` sorts the file.

    Args:
        folder: the store.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / UNREADABLE
        self.reasons = read_unreadable(folder)
        if self._path.exists():
            self.compact()  # a killed program may have left an incomplete line

    def add(self, clip_id: str, reason: str) -> None:
        """Add a clip that could not be read."""
        if self.reasons.get(clip_id) == reason:
            return
        self.reasons[clip_id] = reason
        if not self._path.exists():
            self.compact()
            return
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow([clip_id, reason])

    def drop(self, clip_id: str) -> None:
        """Remove a clip from the list."""
        self.reasons.pop(clip_id, None)

    def compact(self) -> None:
        """Write the complete list in order of id."""
        text = io.StringIO()
        csv.writer(text).writerows([("id", "reason"), *sorted(self.reasons.items())])
        write_atomic(self._path, text.getvalue().encode())


def read_unreadable(folder: Path) -> dict[str, str]:
    """Read the reasons by id; empty if there is no list. An incomplete last line is ignored."""
    path = folder / UNREADABLE
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    complete = text[: text.rfind("\n") + 1]
    rows = csv.reader(io.StringIO(complete, newline=""))
    return {row[0]: row[1] for row in rows if len(row) == 2 and row != ["id", "reason"]}
