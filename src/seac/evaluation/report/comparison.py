"""A comparison as Markdown, LaTeX and HTML, from the same tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType

from seac.evaluation.comparison import SAME_ROBUSTNESS, Comparison
from seac.evaluation.paired import Interval
from seac.evaluation.report.gallery import Gallery
from seac.evaluation.report.page import markdown_table, render_html, title
from seac.evaluation.report.tables import Table, attribution, percent, scores
from seac.metrics.functional.swap import LEVEL

MARK = "seac compare"
"""In the first line of every file that a comparison writes."""
TOKENS = {
    "\\": r"\textbackslash{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "[": "{[}",  # a row that begins with a bracket would be read as an option of the line before
}
"""Characters that LaTeX reads otherwise -> what it prints them from."""


def comparison_tables(comparison: Comparison) -> list[Table]:
    """The tables: figures of every protocol, means over clips with intervals, paired tests, lost clips."""
    parts = (
        scores(comparison.evaluation, None),
        means(comparison),
        tests(comparison),
        attribution(comparison.evaluation),
    )
    return [part for part in parts if part is not None and part.rows]


def means(comparison: Comparison) -> Table:
    """A column per metric: the mean over clips and its interval."""
    names = tuple(comparison.means)
    rows = tuple(
        (method.name, *(format_interval(comparison.means[name][method.name]) for name in names))
        for method in comparison.evaluation.methods
    )
    note = (
        f"In percent, with {100 * LEVEL:.0f} % bootstrap intervals over clips. Metrics that are no means "
        "over clips, such as a best threshold of all clips, have no interval here."
    )
    return Table("Means over clips", ("method", *names), rows, note)


def tests(comparison: Comparison) -> Table:
    """A row per method and metric: its difference to the reference and the probability of none."""
    rows = tuple(
        (
            test.method,
            test.metric,
            str(test.clips),
            format_interval(test.difference, signed=True),
            format_p(test.p),
            format_p(test.corrected),
        )
        for test in comparison.differences
    )
    note = (
        "Difference in points of percent. p: two-sided permutation test that changes the sign of the "
        f"difference clip by clip. p (Holm): corrected for the {len(rows)} tests of this table."
    )
    head = ("method", "metric", "clips", "difference", "p", "p (Holm)")
    return Table(f"Paired tests against {comparison.reference}", head, rows, note)


def format_interval(found: Interval, *, signed: bool = False) -> str:
    """A mean in percent with its interval; a dash where undefined."""
    if math.isnan(found.value):
        return percent(None)
    value, low, high = (
        f"{100 * x:+.2f}" if signed and not math.isnan(x) else percent(x)
        for x in (found.value, found.low, found.high)
    )
    return f"{value} [{low}, {high}]"


def format_p(p: float) -> str:
    """A probability with four decimals."""
    return f"{p:.4f}"


def describe(comparison: Comparison) -> str:
    """Number of clips, and the settings in common."""
    found = comparison.evaluation
    rows = [(name, found.settings.get(name)) for name in SAME_ROBUSTNESS if name != "metadata"]
    common = ", ".join(f"{name} {value}" for name, value in rows if value is not None)
    return f"{found.n} clips, {found.frames} frames; {common}."


def as_markdown(comparison: Comparison) -> str:
    """The comparison in Markdown."""
    lines = [f"<!-- {MARK} -->", f"# {title(comparison.evaluation)}", "", describe(comparison), ""]
    for table in comparison_tables(comparison):
        lines += [f"## {table.title}", "", *markdown_table(table), ""]
        lines += [table.note, ""] if table.note else []
    return "\n".join(lines)


def as_latex(comparison: Comparison) -> str:
    r"""The comparison as LaTeX tables, for a document with ``\usepackage{booktabs}``."""
    lines = [f"% {MARK}; needs \\usepackage{{booktabs}}", f"% {title(comparison.evaluation)}"]
    for table in comparison_tables(comparison):
        columns = "l" + "r" * (len(table.head) - 1)
        lines += [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(table.title)}. {escape_latex(table.note)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            latex_line(table.head),
            r"\midrule",
            *(latex_line(row) for row in table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    return "\n".join(lines)


def latex_line(cells: tuple[str, ...]) -> str:
    """A line of a table."""
    return " & ".join(map(escape_latex, cells)) + r" \\"


def escape_latex(text: str) -> str:
    """A text that LaTeX prints as it is."""
    return "".join(TOKENS.get(letter, letter) for letter in text)


def as_html(comparison: Comparison) -> str:
    """The comparison as one HTML page that loads nothing."""
    page = render_html(
        title=title(comparison.evaluation),
        counted=describe(comparison),
        note="",
        tables=comparison_tables(comparison),
        settings=None,
        plots=[],
        gallery=Gallery("", (), ()),
    )
    head, line, rest = page.partition("\n")
    return f"{head}<!-- {MARK} -->{line}{rest}"


FORMATS: MappingProxyType[str, Callable[[Comparison], str]] = MappingProxyType(
    {"markdown": as_markdown, "latex": as_latex, "html": as_html}
)
"""Formats of a comparison by name."""
ENDINGS = MappingProxyType({".md": "markdown", ".tex": "latex", ".html": "html"})
"""Ends of file names -> format."""
