"""``pipeline.py`` stays the page that it says it is."""

from __future__ import annotations

import ast
import re

from tests.conftest import REPO

PAGE = REPO / "src/seac/pipeline.py"


def test_the_page_is_short_and_has_no_loop() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.For | ast.While)]


def test_the_page_names_every_equation_of_inference() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named: set[int] = set()
    for first, last in re.findall(r"Eq\. (\d)(?:-(\d))?", text):
        named |= set(range(int(first), int(last or first) + 1))
    assert named == {1, 2, 3, 4, 5}


def test_the_page_holds_the_three_steps() -> None:
    tree = ast.parse(PAGE.read_text(encoding="utf-8"))
    (model,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    methods = {node.name for node in model.body if isinstance(node, ast.FunctionDef)}
    assert {"encode_image", "encode_audio", "predict"} <= methods
