"""Hooks of ``mkdocs build``: pages and files of the repository that lie outside docs/.

mkdocs reads docs/ only. Pages of the repository's root and the model cards are added to the site under the
names of :data:`OUTSIDE`, the files of :data:`FILES` as they are, and links to both are rewritten.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPO = Path(__file__).resolve().parents[1]
OUTSIDE = {
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
    "demo/LICENCE.md": "project/demo_licence.md",
    "README.md": "index.md",
    **{
        path.relative_to(REPO).as_posix(): f"models/{path.name}"
        for path in sorted((REPO / "src/seac/assets").glob("*.md"))
    },
}
"""Page of the repository -> page of the site; README's place is taken by docs/index.md."""
FILES = ("LICENSE", "NOTICE", "CITATION.cff", "examples/*.py", "examples/*.ipynb", "benchmarks/data/*.json")
"""Files that are copied into the folder ``files`` of the site, so that pages can link to them."""
LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")
ROLE = re.compile(r":(?:class|func|meth|mod|data|attr):<code>~?([\w.]+)</code>")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files from outside docs/."""
    for source, target in OUTSIDE.items():
        if files.get_file_from_path(target) is None:
            files.append(File.generated(config, target, abs_src_path=str(REPO / source)))
    for path in linked_files():
        target = f"files/{path.relative_to(REPO).as_posix()}"
        files.append(File.generated(config, target, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let relative links to files of the repository lead to their places in the site."""
    uri = page.file.src_uri
    origin = next((source for source, target in OUTSIDE.items() if target == uri), f"docs/{uri}")
    origin = f"docs/{uri}" if uri == "index.md" else origin
    return LINK.sub(lambda match: match[1] + rewrite(match[2], origin, uri) + match[3], markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Show roles of docstrings, such as ``:class:`seac.SeAC```, as the last part of the name."""
    return ROLE.sub(lambda match: f"<code>{match[1].rpartition('.')[2]}</code>", html)


def rewrite(link: str, origin: str, uri: str) -> str:
    """A link of a page of the repository as a link of the site.

    Args:
        link: target without its anchor.
        origin: path of the page in the repository.
        uri: path of the page in the site.
    """
    if "://" in link or link.startswith(("mailto:", "/")):
        return link
    path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))
    target = site_path(path)
    return link if target is None else posixpath.relpath(target, posixpath.dirname(uri) or ".")


def site_path(path: str) -> str | None:
    """Path in the site of a file of the repository; None if the site does not have it."""
    if path in OUTSIDE:
        return OUTSIDE[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    found = any((REPO / path) == each for each in linked_files())
    return f"files/{path}" if found else None


def linked_files() -> Iterator[Path]:
    """The files of :data:`FILES`."""
    for pattern in FILES:
        yield from sorted(REPO.glob(pattern))
