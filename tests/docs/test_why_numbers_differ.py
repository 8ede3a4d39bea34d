"""The example of docs/why_numbers_differ.md has a row of every protocol, and shows what the page says."""

from __future__ import annotations

import re

from benchmarks.copies import predictions, protocols
from seac.metrics.functional.avsbench_copies import COPIES
from tests.conftest import REPO

PAGE = (REPO / "docs/why_numbers_differ.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("<!-- example -->")[2].partition("<!-- end of example -->")[0]


def figures() -> dict[str, dict[str, tuple[float, float]]]:
    """Protocol -> prediction -> mIoU, F."""
    lines = [line.strip("| ").split(" | ") for line in SECTION.splitlines() if line.count("|") == 7]
    (_, *names), _, *rows = lines
    pairs = {row[0]: [tuple(map(float, cell.split(" / "))) for cell in row[1:]] for row in rows}
    return {protocol: dict(zip(names, cells, strict=True)) for protocol, cells in pairs.items()}


def test_the_page_has_every_protocol_and_prediction() -> None:
    heatmaps, masks = predictions()
    names = [name for name, _ in protocols(next(iter(heatmaps.values()))[:5], masks[:5])]
    found = figures()
    assert list(found) == names
    assert {tuple(row) for row in found.values()} == {tuple(heatmaps)}
    assert re.findall(r"^\| `([\w-]+)` \|", SECTION, re.MULTILINE)[1:] == list(COPIES)


def test_what_the_page_says_holds_in_the_example() -> None:
    found = figures()
    small, large = found["official, 1 clip a batch"], found["official, 4 clips a batch"]
    assert all(small[name][1] >= large[name][1] for name in small)
    given_probabilities = found["official script given probabilities"]["soft heatmap"]
    assert given_probabilities[0] < large["soft heatmap"][0]
    assert found["as al-ref-sam2"]["nothing"] == (
        found["as al-ref-sam2"]["nothing"][0],
        large["whole image"][1],
    )
    assert found["as acl"]["half as confident"] == found["as acl"]["soft heatmap"]
