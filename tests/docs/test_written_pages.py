"""The pages that are made from the code are up to date, and say what the code says."""

from __future__ import annotations

import ast
import re
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.site.cli_page import row
from benchmarks.site.figures import Scene, as_png, draw_all
from benchmarks.site.layers import layers
from benchmarks.site.limits import ROWS, read_figures
from benchmarks.site.markdown import cell
from benchmarks.site.messages import Blank, Templates, all_messages, messages_of, text_functions
from benchmarks.site.pages import DOCS, written_pages
from seac.cli import app
from seac.core.errors import InputError, unknown
from tests.conftest import REPO
from tests.fixtures.parts import squares, synthetic_model, tone

SRC = REPO / "src/seac"


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return written_pages()


@pytest.mark.parametrize(
    "name", ["reference/cli.md", "reference/json.md", "messages.md", "figures/layers.svg", "limits.md"]
)
def test_the_page_is_up_to_date(written: dict[str, str], name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == written[name], "run python -m benchmarks.site"


def test_every_written_page_is_tested(written: dict[str, str]) -> None:
    assert len(written) == 5


def test_every_command_has_a_section(written: dict[str, str]) -> None:
    for name in app.available():
        assert re.search(rf"^## seac {name}\b", written["reference/cli.md"], re.MULTILINE)


def test_a_row_of_help_is_split() -> None:
    assert row("--fps <str>", "Rate, or auto.  [default: auto]") == (
        "`--fps <str>`",
        "`auto`",
        "Rate, or auto.",
    )
    assert row("INPUT", "A video.  [required]") == ("`INPUT`", "required", "A video.")
    assert row("--again", "Do it again.") == ("`--again`", "", "Do it again.")


def texts(source: str) -> list[str]:
    """The messages of a module, values in braces."""
    functions = text_functions((SRC / "core/errors.py").read_text(encoding="utf-8"))
    return [
        "".join(f"{{{part.name}}}" if isinstance(part, Blank) else part for part in message.template)
        for message in messages_of(source, "a.py", functions)
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise InputError('a' 'b')", ["ab"]),
        ("raise InputError(f'{path}: no {x.name!r}')", ["{path}: no {x}"]),
        ("raise InputError(f'{path}: ' + 'no file')", ["{path}: no file"]),
        ("raise InputError('a' if b else 'c')", ["a", "c"]),
        ("LIMIT = 'ten'\ndef f():\n    raise InputError(f'at most {LIMIT}')", ["at most ten"]),
        ("def f():\n    line = f'{x} is bad'\n    raise InputError(line)", ["{x} is bad"]),
        ("def f():\n    a = 'x'\n    a = 'y'\n    raise InputError(f'is {a}')", ["is {a}"]),
        ("raise InputError(f'a {\", \".join(names)}')", ["a {names}"]),
        ("raise InputError(f'{type(x).__name__} {row[\"label\"]} {n + 1}')", ["{type} {label} {n}"]),
        (
            "raise InputError(unknown('preset', name, PRESETS))",
            ["unknown preset {name}: {hint}choose from {names}"],
        ),
        ("x = InputError(str(error))", ["{error}"]),
        ("raise ValueError('not for users')", []),
    ],
)
def test_messages_are_read_from_the_source(source: str, expected: list[str]) -> None:
    assert texts(source) == expected


def test_a_raised_message_matches_its_template() -> None:
    """Templates with values in place of names are the messages that users read."""
    source = (SRC / "cli/decide.py").read_text(encoding="utf-8")
    patterns = [re.sub(r"\\\{[^}]*\\\}", ".+", re.escape(text)) for text in texts(source)]
    from seac.cli.decide import check_seconds, parse_renames, parse_tracks

    for call in (
        lambda: check_seconds("--max-gap", -1.0),
        lambda: parse_renames(["2"]),
        lambda: parse_renames(["2=a", "2=b"]),
        lambda: parse_tracks("--mute", "a"),
    ):
        with pytest.raises(InputError) as raised:
            call()
        assert any(re.fullmatch(pattern, str(raised.value)) for pattern in patterns), raised.value
    (pattern,) = [
        re.sub(r"\\\{[^}]*\\\}", ".*", re.escape(text)) for text in texts("InputError(unknown('part', n, m))")
    ]
    assert re.fullmatch(pattern, unknown("part", "tine", ["tiny", "paper"]))


def test_every_raise_is_in_the_catalogue() -> None:
    found = {message.file for message in all_messages(SRC)}
    for path in SRC.rglob("*.py"):
        raises = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "InputError"
        ]
        assert bool(raises) == (path.relative_to(SRC).as_posix() in found), path


@given(st.text(), st.text(max_size=5))
def test_a_cell_is_one_line_without_marks(text: str, name: str) -> None:
    line = cell(text)
    assert "\n" not in line
    assert not re.search(r"(?<!\\)[|*_<\[~`]", line.replace("\\\\", ""))
    assert Templates({}, {}).of(ast.Constant(name)) == [(name,)]


def test_layers_are_those_of_the_import_rule() -> None:
    rows = layers(REPO / ".importlinter")
    names = {name for row in rows for name in row}
    assert rows[0] == ["cli"]
    assert rows[-1] == ["core"]
    assert {"pipeline", "segment", "export"} <= names
    assert all((SRC / name).is_dir() or (SRC / f"{name}.py").is_file() for name in names)


def test_limits_are_figures_of_the_page_of_real_clips() -> None:
    page = (DOCS / "real_clips.md").read_text(encoding="utf-8")
    figures = read_figures(page)
    assert all(name in figures for _, name in ROWS)
    with pytest.raises(KeyError):
        figures["a figure that no page has"]


def test_figures_show_a_result_of_any_model() -> None:
    result = synthetic_model()(squares(), tone("red", 2), 16_000)
    scene = Scene(result, tone("red", 2), 16_000, 0.0, 0.5)
    figures = draw_all(scene)
    assert {f"{path.stem}.png" for path in (DOCS / "figures").glob("*.png")} == set(figures)
    with Image.open(BytesIO(as_png(figures["decision.png"]))) as image:
        assert image.mode == "P"
        assert image.width == 900


def test_figures_are_small() -> None:
    images = list((DOCS / "figures").glob("*.png"))
    assert len(images) >= 5
    assert sum(image.stat().st_size for image in images) < 1_500_000
