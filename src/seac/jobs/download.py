"""Download progress bar on standard error."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from seac.weights.fetch import Progress as Report
from seac.weights.record import File, Record


def download_bar(row: Record, file: File) -> Report:
    """A progress bar for one file; it disappears at the end."""
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    bars = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bars.add_task(f"{row.name} {file.name}", total=file.size)

    def report(done: int, total: int) -> None:
        bars.start()
        bars.update(task, completed=done, total=total or file.size)
        if total and done >= total:
            bars.stop()

    return report
