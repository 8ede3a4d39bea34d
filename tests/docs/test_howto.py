"""The first page and the how-to pages, followed: their commands and snippets run in the order of the page."""

from __future__ import annotations

import re
import shlex
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from seac.cli import app
from tests.fixtures import benchmarks
from tests.fixtures.demo import excerpt
from tests.test_readme import FENCE, IN_ORDER, REPO

NOT_RUN: dict[str, str] = {
    "pip install": "installs",
    "seac data check s4": "tests/test_readme.py runs it; the synthetic benchmark has no val split",
    "ray start": "tests/extraction/test_ray_engine.py starts a cluster",
    "seac extract videos/ store/ --ray": "tests/extraction/test_ray_engine.py runs it",
    "torchrun": "tests/training/test_distributed.py runs it",
}
"""How a command begins -> why it is not run here. tests/test_readme.py parses it."""
MORE: dict[str, tuple[str, ...]] = {
    "seac train": ("--set", "epochs=1", "--set", "batch=2", "--set", "n_masks=20", "--no-sounding-head"),
}
"""How a command begins -> options that make it quick."""


@dataclass(frozen=True)
class Step:
    """A command or a snippet of a page.

    Attributes:
        page: path in the repository.
        python: whether it is a snippet.
        text: the command, or the snippet.
    """

    page: str
    python: bool
    text: str


def steps(page: str) -> Iterator[Step]:
    """The steps of a page in order; comments of commands are dropped."""
    for match in FENCE.finditer((REPO / page).read_text(encoding="utf-8")):
        if match[1] == "python":
            yield Step(page, True, match[2])
        elif not match[1]:
            for line in match[2].splitlines():
                text = re.sub(r"(^|\s)#.*", "", line).strip()
                if text:
                    yield Step(page, False, text)


STEPS = [step for page in IN_ORDER for step in steps(page)]


def reason_not_to_run(step: Step) -> str | None:
    return next((why for begin, why in NOT_RUN.items() if step.text.startswith(begin)), None)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's folder, without a network: a video, videos, a list of names and a benchmark."""
    excerpt(tmp_path / "my_video.mp4", 0.5, 1)
    excerpt(tmp_path / "videos/a.mp4", 0.5, 1)
    excerpt(tmp_path / "videos/b.mp4", 7, 1)
    (tmp_path / "names.txt").write_text("dog\nsheep\ncow\n", encoding="utf-8")
    benchmarks.s4(tmp_path / "Single-source")

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", IN_ORDER)
def test_the_page_can_be_followed(page: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step in steps(page):
        if step.python:
            exec(compile(step.text, page, "exec"), {})
        elif reason_not_to_run(step) is None:
            words = shlex.split(step.text)
            assert words[0] == "seac", f"{step.text}: is not run; add a row to NOT_RUN"
            quick = next((more for begin, more in MORE.items() if step.text.startswith(begin)), ())
            code = app.run([*words[1:], *quick])
            assert code == 0, f"{step.text}: {capsys.readouterr().err}"
    CHECKS.get(page, lambda _: None)(place)


def check_index(place: Path) -> None:
    """The files of the table are there."""
    text = (REPO / "docs/index.md").read_text(encoding="utf-8")
    table = text.partition("| file | content |")[2].partition("\n\n")[0]
    named = re.findall(r"`([^`]+)`", table.replace("| content", ""))
    assert {"overlay.mp4", "report.html", "store/"} <= set(named)
    assert [name for name in named if not (place / "out" / name).exists()] == []


def check_edit(place: Path) -> None:
    """The file of every row of the table is there."""
    text = (REPO / "docs/howto/edit.md").read_text(encoding="utf-8")
    table = text.partition("| file | read by |")[2].partition("\n\n")[0]
    for name in re.findall(r"`(\w+\.\w+)`", table):
        assert list(place.glob(f"*/{name}")), f"no {name}"


def check_search(place: Path) -> None:
    """The dog is found in the video in which it barks."""
    assert "dog" in (place / "results/a/events.csv").read_text(encoding="utf-8")


def check_vocabulary(place: Path) -> None:
    """The last decision has the names of the page only."""
    text = (place / "out/events.csv").read_text(encoding="utf-8")
    names = {line.split(",")[3] for line in text.splitlines()[1:] if line.split(",")[5] == "0"}
    assert names
    assert names <= {"terrier", "goose"}


def check_compare(place: Path) -> None:
    """The table has both methods, and a test of one against the other."""
    text = (place / "table.md").read_text(encoding="utf-8")
    assert re.search(r"^\| theirs \| mIoU \| 3 \| [-+]", text, re.MULTILINE)


CHECKS = {
    "docs/howto/compare.md": check_compare,
    "docs/index.md": check_index,
    "docs/howto/edit.md": check_edit,
    "docs/howto/search.md": check_search,
    "docs/howto/vocabulary.md": check_vocabulary,
}
"""Page -> what is checked after it was followed."""


def test_each_reason_has_a_command() -> None:
    for begin in NOT_RUN:
        assert any(step.text.startswith(begin) for step in STEPS), f"no page has {begin!r}: drop the row"
