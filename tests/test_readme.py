"""The commands and snippets of README and docs are run or parsed, and what README says of the demo is so."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shlex
import shutil
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from PIL import Image

from benchmarks import readme
from seac.cli import app
from seac.features.schema import SCHEMA, payload
from seac.features.writer import StoreWriter
from seac.media.decode import load_waveform
from tests.fixtures import benchmarks, pairs
from tests.fixtures.demo import CLIP, excerpt
from tests.fixtures.parts import write_wav
from tests.results.synthetic import write_result

REPO = Path(__file__).resolve().parents[1]
DOCS = sorted(
    path.relative_to(REPO).as_posix()
    for folder in ("docs", "docs/howto", "docs/reference")
    for path in (REPO / folder).glob("*.md")
)
PAGES = ("README.md", "CONTRIBUTING.md", *DOCS, "docs/ablations/README.md")
IN_ORDER = tuple(page for page in DOCS if page == "docs/index.md" or page.startswith("docs/howto/"))
"""Pages whose commands and snippets tests/docs/test_howto.py runs one after the other, as a reader does."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

RUN, PARSE = "run", "parse"
REAL = "needs the real data, weights or hours"
COMMANDS: tuple[tuple[str, str, str], ...] = (
    # how a command begins, what is done with it, and why
    ("seac segment clip.mp4 --association-weights", PARSE, "needs a trained association"),
    ("seac segment", RUN, "on an excerpt of a composite clip"),
    ("seac decide", PARSE, "tests/cli/test_decide.py runs it"),
    ("seac export", PARSE, "tests/cli/test_decide.py runs it"),
    ("seac data check", RUN, "on synthetic benchmarks"),
    ("seac evaluate s4 Single-source/ --predictions", RUN, "on synthetic benchmarks"),
    ("seac evaluate", PARSE, REAL),
    ("seac serve", PARSE, "serves until it is ended; tests/serve tests it"),
    ("seac app", PARSE, "serves until it is ended; tests/app tests its server and its page"),
    ("seac compare", PARSE, "tests/docs/test_howto.py runs it"),
    ("seac doctor", RUN, "offline"),
    ("seac weights list", RUN, "offline"),
    ("seac weights", PARSE, "fetches or imports weights"),
    ("seac store", RUN, "on a synthetic store"),
    ("seac extract", PARSE, "tests/test_examples.py runs it"),
    ("seac train", PARSE, "tests/test_examples.py runs it"),
    ("seac calibrate", PARSE, REAL),
    ("seac ablate", PARSE, REAL),
    ("torchrun", PARSE, "needs several processes; tests/training/test_distributed.py runs them"),
    ("python -m", PARSE, REAL),
    (".venv/bin/python -m", PARSE, REAL),
    (".venv/bin/", PARSE, "a tool of the development set-up"),
    ("python SHARED/tools/build_bench.py", PARSE, "the shared folder's renderer"),
    ("make", PARSE, "sets up .venv"),
    ("pip install", PARSE, "installs"),
)
DEMO = "seac segment demo/clip.mp4 -o out/"
"""The fixture ``demo`` runs it, on the whole clip."""
COMPILED = {"docs/mdef_detr.md": "half a minute; tests/segment/detectors/mdef_detr runs the network"}
"""Pages whose snippets are compiled, and of which only the imports are run -> why."""
INLINE = re.compile(r"`((?:seac|python -m|make) [^`]*)`")


@dataclass(frozen=True)
class Command:
    """A command line of a page."""

    page: str
    line: str

    @property
    def way(self) -> str:
        """RUN or PARSE, by the first row of COMMANDS that it begins with."""
        if self.line == DEMO or self.page in IN_ORDER:
            return PARSE
        return next(way for begin, way, _ in COMMANDS if self.line.startswith(begin))


def blocks(page: str, language: str) -> Iterator[str]:
    """The fenced blocks of a page in a language; shell has none."""
    for match in FENCE.finditer((REPO / page).read_text(encoding="utf-8")):
        if match[1] == language:
            yield match[2]


def shell_commands() -> list[Command]:
    """Every command of the fenced shell blocks; continued lines joined, comments dropped."""
    found = []
    for page in PAGES:
        for block in blocks(page, ""):
            for line in block.replace("\\\n", " ").splitlines():
                text = re.sub(r"(^|\s)#.*", "", line).strip()
                found += [Command(page, part.strip()) for part in text.split("&&") if part.strip()]
    return [command for command in found if is_command(command.line)]


def is_command(line: str) -> bool:
    """Whether a line without a language is a command, and not a tree of files or an import rule."""
    return not line.startswith(("STORE/", "benchmarks >")) and not re.match(r"\S+ +[a-z]+,", line)


def inline_commands() -> list[Command]:
    """Commands in running text, so far as they have an option."""
    return [
        Command(page, match[1])
        for page in PAGES
        for match in INLINE.finditer(FENCE.sub("", (REPO / page).read_text(encoding="utf-8")))
        if " --" in match[1] and "..." not in match[1] and "|" not in match[1]
    ]


SHELL, INLINES = shell_commands(), inline_commands()


def parse(line: str, *, whole: bool = True) -> None:
    """Check that the command and its options exist; a ``whole`` line has its arguments, too."""
    words = shlex.split(line)
    if words[0] == "torchrun":
        words = words[words.index("-m") + 1 :]
    if words[0] == "seac":
        parse_seac(words[1:], whole=whole)
    elif words[0] == "make":
        targets = re.findall(r"^(\w+):", (REPO / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) <= set(targets), f"no target of the Makefile: {line}"
    elif "-m" in words[:2] and words[0].endswith("python"):
        parse_module(words[2], [word.split("=")[0] for word in words[3:] if word.startswith("--")])
    elif words[:2] == ["pip", "install"]:
        extras = re.findall(r"\[([\w,]+)\]", line)
        known = (REPO / "pyproject.toml").read_text()
        assert all(
            re.search(rf"^{extra} = \[", known, re.MULTILINE) for each in extras for extra in each.split(",")
        )


def parse_seac(words: list[str], *, whole: bool) -> None:
    command: Any = typer.main.get_command(app.application(words[0]))
    while hasattr(command, "commands"):
        name, words = words[0], words[1:]
        assert name in command.commands, f"no command {name!r}: {', '.join(command.commands)}"
        command = command.commands[name]
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    given = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert given <= known | {"--help"}, f"no option {sorted(given - known)} of {command.name}"
    if whole:
        command.make_context(command.name, words)


def parse_module(name: str, options: list[str]) -> None:
    """A module that can be run, in whose package or options every ``--option`` is added."""
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"no module {name}"
    if not name.startswith(("recipes", "benchmarks")):
        return
    folder = Path(str(spec.origin)).parent
    sources = [folder / "__main__.py"] if spec.submodule_search_locations else [Path(str(spec.origin))]
    sources += [REPO / "recipes/common/options.py", REPO / "benchmarks/compare.py"]
    if "pair_parser(" in sources[0].read_text():
        sources.append(REPO / "benchmarks/command.py")
    known = {option for source in sources for option in re.findall(r'"(--[\w-]+)"', source.read_text())}
    assert set(options) <= known, f"no option {sorted(set(options) - known)} of {name}"


@pytest.mark.parametrize("command", SHELL, ids=lambda command: f"{command.page}: {command.line}")
def test_the_command_exists_as_it_is_given(command: Command) -> None:
    parse(command.line)


@pytest.mark.parametrize("command", INLINES, ids=lambda command: f"{command.page}: {command.line}")
def test_the_options_in_running_text_exist(command: Command) -> None:
    parse(command.line, whole=False)


def test_every_command_is_run_or_has_a_reason_why_not() -> None:
    for command in SHELL:
        assert command.way in (RUN, PARSE)
    for begin, _, reason in COMMANDS:
        assert reason
        assert any(command.line.startswith(begin) for command in SHELL), (
            f"no page has {begin!r}: drop the row"
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the commands name: short, synthetic, and in the public layouts."""
    here = tmp_path_factory.mktemp("place")
    clip = excerpt(here / "demo/clip.mp4", 0.3, 1)
    shutil.copy(clip, here / "clip.mp4")
    excerpt(here / "folder/clip.mp4", 7, 1)
    (here / "names.txt").write_text("dog\nacoustic guitar\ncow\n")
    write_wav(here / "dog.wav", load_waveform(clip).numpy())
    Image.fromarray(first_frame()).save(here / "photo.jpg")
    benchmarks.s4(here / "Single-source")
    benchmarks.ms3(here / "Multi-sources")
    write_result(here / "result_folder")
    (here / "theirs").mkdir()
    for reader in (here / "Single-source/s4_data/audio_wav/test").rglob("*.wav"):
        np.save(here / f"theirs/{reader.stem}.npy", np.ones((5, 224, 224), bool))
    np.save(here / "theirs/v.npy", np.ones((5, 224, 224), bool))
    with StoreWriter(here / "STORE", pairs.PROVENANCE) as writer:
        for number in range(8):
            writer.add(payload(pairs.clip(number, (3, 2, 4, 1))))
    return here


def first_frame() -> np.ndarray:
    import av

    with av.open(str(CLIP)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection can be made."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def unique(commands: list[Command]) -> list[Command]:
    return list({command.line: command for command in commands}.values())


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    "command", unique([command for command in SHELL if command.way == RUN]), ids=lambda command: command.line
)
def test_the_command_runs(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    code = app.run(shlex.split(command.line)[1:])
    printed = capsys.readouterr()
    assert code == 0 or (command.line.startswith("seac data check") and "val" in printed.err), printed.err
    if "segment demo/clip.mp4" in command.line:
        assert "dog" in printed.err, f"nothing is active: {printed.err}"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of README's command on the whole clip."""
    out = tmp_path_factory.mktemp("demo")
    assert app.run(["segment", str(REPO / readme.CLIP), "-o", str(out), *readme.OPTIONS]) == 0
    return out


def test_the_table_of_predictions_is_what_the_command_gives(demo: Path) -> None:
    frames = json.loads((demo / "result.json").read_text())["frames"]
    lines = readme.format_demo(frames)
    page = (REPO / "README.md").read_text()
    assert "\n".join(lines) in page, "python -m benchmarks.readme --write README.md"
    counted = sum((readme.count_names(frames, a, b) for a, b, _ in readme.EXPECTED), Counter[str]())
    table = Counter[str]()
    for row in lines[2 : 2 + len(readme.EXPECTED)]:
        for name, count in re.findall(r"([^,|()]+) \((\d+)\)", row.split("|")[4]):
            table[name.strip()] += int(count)
    assert table == counted


def test_the_table_of_results_is_that_of_the_composite_page() -> None:
    lines = readme.format_results((REPO / "docs/composite.md").read_text())
    assert "\n".join(lines) in (REPO / "README.md").read_text(), (
        "python -m benchmarks.readme --write README.md"
    )


def test_the_columns_of_a_store_are_those_of_the_page() -> None:
    page = (REPO / "docs/extraction.md").read_text()
    rows = page.split("| column | content |")[1].split("\n\n")[0].splitlines()
    columns = " ".join(row.split("|")[1] for row in rows if "|" in row)
    assert re.findall(r"`([a-z_]+)`", columns) == SCHEMA.names


PYTHON = [(page, number, block) for page in PAGES if page not in ("CONTRIBUTING.md", *IN_ORDER)
          for number, block in enumerate(blocks(page, "python"))]  # fmt: skip


def names_of() -> dict[str, Any]:
    """What the snippets take for granted."""
    rgb = first_frame()
    logits = torch.randn(20, 224, 224, generator=torch.Generator().manual_seed(0))
    return {
        "image": rgb,
        "waveform": load_waveform(CLIP, 16_000, 2),
        "sample_rate": 16_000,
        "logits": logits,
        "masks": logits > 0.5,
    }


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("page", dict.fromkeys(page for page, _, _ in PYTHON))
def test_the_snippets_run(
    page: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    namespace: dict[str, Any] = names_of()
    for where, _, block in PYTHON:
        if where == page:
            tree = ast.parse(block)
            if page in COMPILED:
                tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
            exec(compile(tree, page, "exec"), namespace)
    if page == "README.md":
        assert "dog" in capsys.readouterr().out
        assert (place / "result/result.json").is_file()


def links() -> Iterator[tuple[str, str]]:
    for page in (*PAGES, "CHANGELOG.md", "SECURITY.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", (REPO / page).read_text(encoding="utf-8")):
            if "://" not in target:
                yield page, target


def test_links_lead_somewhere() -> None:
    assert [(page, target) for page, target in links() if not ((REPO / page).parent / target).exists()] == []


def test_citation_and_package_have_one_version() -> None:
    from seac._version import __version__

    assert f"version: {__version__}\n" in (REPO / "CITATION.cff").read_text()
    assert f"## {__version__} " in (REPO / "CHANGELOG.md").read_text()
