"""The site is built strictly, its links lead somewhere, and it loads nothing from elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.conftest import REPO
from tests.fixtures.chromium import Page, find_chromium

pytest.importorskip("mkdocs")
NAMES_OWN_SITE = "404.html"
"""The page of a server for unknown addresses: its links are absolute."""


@dataclass
class Links(HTMLParser):
    """What a page links to, what it loads, and its anchors."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") not in ("canonical", "prev", "next"):
            self.loads.append(values["href"])
        elif "src" in values:
            self.loads.append(values["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=REPO, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Links]:
    found = {}
    for path in sorted(site.rglob("*.html")):
        if path.name != NAMES_OWN_SITE:
            found[path] = Links()
            found[path].feed(path.read_text(encoding="utf-8"))
    return found


def test_every_page_of_the_repository_is_in_the_navigation(site: Path, pages: dict[Path, Links]) -> None:
    docs = {path.relative_to(REPO / "docs").with_suffix(".html") for path in (REPO / "docs").rglob("*.md")}
    docs = {path.with_name("index.html") if path.stem == "README" else path for path in docs}
    assert docs <= {path.relative_to(site) for path in pages}
    linked = {(site / link.partition("#")[0]).resolve() for link in pages[site / "index.html"].links}
    assert [path for path in docs if (site / path).resolve() not in linked] == []


def test_links_and_anchors_lead_somewhere(pages: dict[Path, Links]) -> None:
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            lost = anchor and target.suffix == ".html" and anchor not in pages[target].anchors | {"__tabbed"}
            if not target.exists() or lost:
                dead.append((path.name, link))
    assert dead == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Links]) -> None:
    assert [load for page in pages.values() for load in page.loads if urlsplit(load).netloc] == []
    for path, page in pages.items():
        for load in page.loads:
            assert (path.parent / urlsplit(load).path).exists(), (path.name, load)


def test_roles_of_docstrings_are_not_shown(site: Path) -> None:
    text = (site / "reference/api.html").read_text(encoding="utf-8")
    for role in (":class:", ":func:", ":meth:", ":mod:", ":data:", ":attr:"):
        assert role not in text


@pytest.mark.parametrize(
    "name", ["index.html", "how_it_works.html", "reference/cli.html", "reference/api.html"]
)
def test_pages_fit_a_phone_and_stay_offline(site: Path, tmp_path: Path, name: str) -> None:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium")
    with Page(program, tmp_path, (390, 844)) as page:
        page.open(site / name)
        assert page.run("document.documentElement.scrollWidth") <= 390
        assert page.run(
            "[...document.images].every(image => image.naturalWidth > 0 || image.loading == 'lazy')"
        )
        assert [address for address in page.requests if not address.startswith(("file:", "data:"))] == []
