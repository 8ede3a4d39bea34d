"""Comparisons of evaluations: what is compared, what is refused, and what the tables say."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from seac.core.errors import InputError
from seac.evaluation.clip_metrics import CLIP_METRICS, clip_metrics
from seac.evaluation.comparison import Comparison, compare
from seac.evaluation.report.comparison import as_html, as_latex, as_markdown, escape_latex
from seac.evaluation.robustness import MARK, VARIANTS
from seac.evaluation.summary import Evaluation
from seac.metrics.functional.vggss import success
from tests.fixtures.evaluations import make_evaluation

QUICK = {"resamples": 200, "permutations": 199}


def rows(*ious: float) -> list[dict[str, float]]:
    return [{"iou": value} for value in ious]


def drawn(count: int, add: float = 0, seed: int = 0) -> list[dict[str, float]]:
    return rows(*(np.random.default_rng(seed).uniform(0, 0.8, count) + add))


def compared(*evaluations: Evaluation, **options: object) -> Comparison:
    runs = [(Path(f"run{number}"), evaluation) for number, evaluation in enumerate(evaluations)]
    return compare(runs, **(QUICK | options))


def test_a_constant_difference_is_significant_and_its_interval_is_a_point() -> None:
    found = compared(make_evaluation({"a": drawn(30)}), make_evaluation({"b": drawn(30, 0.1)}))
    (test,) = found.differences
    assert (test.method, test.metric, test.clips) == ("b", "mIoU", 30)
    assert (test.difference.low, test.difference.high) == pytest.approx((0.1, 0.1))
    assert test.p == pytest.approx(2 / 200)
    interval = found.means["mIoU"]["a"]
    assert interval.high - interval.low > 0.05


def test_the_order_of_clips_in_the_files_does_not_matter() -> None:
    ids = [f"clip{number}" for number in range(20)]
    one, other = drawn(20), drawn(20, seed=1)
    straight = compared(make_evaluation({"a": one}, ids=ids), make_evaluation({"b": other}, ids=ids))
    turned = compared(
        make_evaluation({"a": one}, ids=ids), make_evaluation({"b": other[::-1]}, ids=ids[::-1])
    )
    assert straight.differences == turned.differences
    assert straight.means == turned.means


def test_equal_rows_do_not_differ() -> None:
    found = compared(make_evaluation({"a": drawn(8)}), make_evaluation({"b": drawn(8)}))
    assert [(x.p, x.corrected, x.difference.value) for x in found.differences] == [(1, 1, 0)]


def test_all_tests_of_a_comparison_are_corrected_together() -> None:
    both = [{"iou": x["iou"], "iou_fixed": x["iou"]} for x in drawn(30)]
    shifted = [{name: value + 0.1 for name, value in clip.items()} for clip in both]
    found = compared(make_evaluation({"a": both, "b": shifted, "c": both}))
    assert [(x.method, x.metric) for x in found.differences] == [
        ("b", "mIoU"), ("c", "mIoU"), ("b", "mIoU (fixed)"), ("c", "mIoU (fixed)"),
    ]  # fmt: skip
    assert found.differences[0].corrected == pytest.approx(4 * found.differences[0].p)


def test_rows_of_one_name_are_told_apart_by_their_folders() -> None:
    found = compared(make_evaluation({"tiny": drawn(4), "x": drawn(4)}), make_evaluation({"tiny": drawn(4)}))
    assert [row.name for row in found.evaluation.methods] == ["tiny (run0)", "x", "tiny (run1)"]


def test_the_reference_and_the_rows_can_be_chosen() -> None:
    whole = make_evaluation({"a": drawn(4), "b": drawn(4), "c": drawn(4)})
    assert compared(whole, against="c", rows=["b"]).reference == "c"
    assert [row.name for row in compared(whole, rows=["c", "a"]).evaluation.methods] == ["c", "a"]
    with pytest.raises(InputError, match="unknown row 'd'"):
        compared(whole, rows=["d"])
    with pytest.raises(InputError, match="only row"):
        compared(whole, rows=["a"])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"benchmark": "ms3"}, "their benchmarks are s4 and ms3"),
        ({"split": "val"}, "--split was test and val"),
        ({"threshold": 0.4}, "--threshold was 0.5 and 0.4"),
        ({"metadata": "1" * 64}, "clips, classes, boxes or file names"),
        ({"ids": ["clip0", "clip1", "clip2", "other"]}, r"lacks 1 clips \(other\), the other lacks 1 clips"),
        ({"seed": 1}, None),
    ],
)
def test_unlike_evaluations_are_refused(other: dict[str, object], message: str | None) -> None:
    one, two = make_evaluation({"a": drawn(4)}), make_evaluation({"b": drawn(4)}, **other)
    if message is None:
        compared(one, two)
        return
    with pytest.raises(InputError, match=f"run0 and run1 cannot be compared: .*{message}") as caught:
        compared(one, two)
    assert "\n" not in str(caught.value)


def test_a_folder_is_given_once() -> None:
    one = make_evaluation({"a": drawn(4)})
    with pytest.raises(InputError, match="given twice"):
        compare([(Path("x"), one), (Path("y/../x"), one)])


def test_the_means_of_box_metrics_are_the_figures_of_the_protocol() -> None:
    import torch

    ciou = np.random.default_rng(0).random(200)
    clips = make_evaluation({"a": [{"ciou": value} for value in ciou]}, benchmark="vggss").methods[0].clips
    found = {metric.title: metric.values(clips).mean() for metric in clip_metrics("vggss", clips)}
    expected = success(torch.from_numpy(ciou))
    assert found == pytest.approx({"cIoU (fixed)": expected["ciou"], "AUC (fixed)": expected["auc"]})


def test_variants_of_a_clip_are_drawn_together_and_counted_apart() -> None:
    ids = [f"{clip}{MARK}{name}" for clip in "abcd" for name in VARIANTS]
    ious = rows(*([0.5, 1, 0.9, 0.9, 0.9, 0.7] * 4))
    found = compared(make_evaluation({"x": ious, "y": ious}, ids=ids, benchmark="robustness", n=4))
    assert found.means["IoU (own audio)"]["x"].value == pytest.approx(0.5)
    assert found.means["FPR pixels (silence)"]["x"].value == 0
    assert found.means["FPR pixels (another class)"]["x"].value == pytest.approx(0.3)
    assert {test.clips for test in found.differences} == {4}


def test_every_scored_benchmark_has_metrics() -> None:
    from seac.presets.table import list_parts

    assert set(list_parts("benchmark")) - {"vggsound"} <= set(CLIP_METRICS)


class Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self._open = tag in ("td", "th")

    def handle_endtag(self, tag: str) -> None:
        self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[-1][-1] += data


def test_the_three_formats_hold_the_same_cells() -> None:
    name = "50% of [a_b] & <i>"
    found = compared(make_evaluation({name: drawn(6), "b|c": drawn(6, 0.1)}))
    parser = Cells()
    parser.feed(as_html(found))
    html = [row for row in parser.rows if row]
    lines = [
        line for line in as_markdown(found).splitlines() if line.startswith("| ") and "| ---" not in line
    ]
    markdown = [[cell.replace("\\|", "|") for cell in re.split(r"(?<!\\) \| ", line[2:-2])] for line in lines]
    latex = [line for line in as_latex(found).splitlines() if line.endswith(r" \\")]
    assert html == markdown
    assert [" & ".join(map(escape_latex, row)) + r" \\" for row in html] == latex
    assert any(row[0] == name for row in html)
    assert not re.search(r"(?<!\\)[%_#$]", "\n".join(latex))


def test_pages_load_nothing() -> None:
    page = as_html(compared(make_evaluation({"a": drawn(4), "b": drawn(4)})))
    assert not re.search(r"src=|href=|url\(|@import", page)
