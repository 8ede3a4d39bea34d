"""The pages of docs/ that are made from the code, as a table."""

from __future__ import annotations

from pathlib import Path

from benchmarks.site.cli_page import cli_page
from benchmarks.site.layers import layers_figure
from benchmarks.site.limits import limits_table
from benchmarks.site.messages_page import messages_page
from benchmarks.site.records_page import records_page
from benchmarks.tables import with_section

REPO = Path(__file__).resolve().parents[2]
DOCS = REPO / "docs"


def written_pages() -> dict[str, str]:
    """Path below docs/ -> the text that the file should have."""
    limits = (DOCS / "limits.md").read_text(encoding="utf-8")
    real_clips = (DOCS / "real_clips.md").read_text(encoding="utf-8")
    return {
        "reference/cli.md": cli_page(),
        "reference/json.md": records_page(),
        "messages.md": messages_page(REPO / "src/seac"),
        "figures/layers.svg": layers_figure(REPO / ".importlinter"),
        "limits.md": with_section(limits, "limits", limits_table(real_clips)),
    }
