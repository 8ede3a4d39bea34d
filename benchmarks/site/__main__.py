"""Writes the pages of docs/ that are made from the code: ``python -m benchmarks.site``.

Commands, messages, JSON files, the figure of the folders and the table of limits; no network runs. The
figures of docs/how_it_works.md need networks: ``python -m benchmarks.site.figures``.
"""

from __future__ import annotations

from benchmarks.site.pages import DOCS, written_pages
from seac.core.atomic import write_atomic


def main() -> None:
    """Write every page that differs, and print its name."""
    for name, text in written_pages().items():
        path = DOCS / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_atomic(path, text)
            print(f"docs/{name}")


if __name__ == "__main__":
    main()
