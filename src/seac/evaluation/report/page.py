"""report.md and report.html from the same tables."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment

from seac.evaluation.report.gallery import Gallery
from seac.evaluation.report.tables import Table, all_tables
from seac.evaluation.summary import Evaluation

TEMPLATE = "assets/report.html.j2"
TITLES = {
    "s4": "AVSBench S4: one sounding object",
    "ms3": "AVSBench MS3: several sounding objects",
    "avss": "AVSBench-semantic: sounding objects with classes",
    "vggss": "VGG-SS: boxes of sounding objects",
    "vggss-extended": "Extended VGG-SS: also silent objects and off-screen audio",
    "flickr-soundnet": "Flickr-SoundNet: boxes of several annotators",
    "robustness": "Robustness: silence, noise, audio of another class",
    "avsbench-robust": "AVSBench-Robust: S4 under its own audio, silence, noise and off-screen audio",
}


def title(evaluation: Evaluation) -> str:
    """Title of the report."""
    return TITLES.get(evaluation.benchmark, evaluation.benchmark)


def write_markdown(
    evaluation: Evaluation, plots: list[tuple[str, str]], gallery: Gallery, protocol: str | None, path: Path
) -> None:
    """Write the report as Markdown."""
    lines = [f"# {title(evaluation)}", "", counted(evaluation), "", evaluation.note, ""]
    for table in all_tables(evaluation, protocol):
        lines += [f"## {table.title}", "", *markdown_table(table), ""]
        if table.note:
            lines += [table.note, ""]
    for name, file in plots:
        lines += [f"![{name}]({file})", ""]
    for end, rows in (("Worst", gallery.worst), ("Best", gallery.best)):
        lines += [f"## {end} clips", ""]
        for example in rows:
            caption = f"{example.id}: {gallery.figure} {example.score:.2f}" + (
                f", {example.attribution}" if example.attribution else ""
            )
            lines += [f"![{caption}]({example.image})", f"{caption}", ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_html(
    evaluation: Evaluation, plots: list[tuple[str, str]], gallery: Gallery, protocol: str | None, path: Path
) -> None:
    """Write the report as a self-contained HTML page in its folder."""
    tables = all_tables(evaluation, protocol)
    page = render_html(
        title=title(evaluation),
        counted=counted(evaluation),
        note=evaluation.note,
        tables=tables[:-1],
        settings=tables[-1],
        plots=plots,
        gallery=gallery,
    )
    path.write_text(page, encoding="utf-8")


def render_html(
    *,
    title: str,
    counted: str,
    note: str,
    tables: Sequence[Table],
    settings: Table | None,
    plots: Sequence[tuple[str, str]],
    gallery: Gallery,
) -> str:
    """An HTML page of tables, plots and a gallery; only the files of plots and gallery are loaded."""
    source = files("seac").joinpath(TEMPLATE).read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    return template.render(
        title=title,
        counted=counted,
        note=note,
        tables=tables,
        settings=settings,
        plots=plots,
        gallery=gallery,
    )


def counted(evaluation: Evaluation) -> str:
    """Number of clips and frames, folder and machine."""
    machine = evaluation.settings.get("machine", "")
    folder = evaluation.settings.get("folder")
    return f"{evaluation.n} clips, {evaluation.frames} frames of “{folder}”; {machine}."


def markdown_table(table: Table) -> list[str]:
    """Lines of a table in Markdown."""

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = "| " + " | ".join(["---", *["---:"] * (len(table.head) - 1)]) + " |"
    return [line(table.head), rule, *(line(row) for row in table.rows)]
