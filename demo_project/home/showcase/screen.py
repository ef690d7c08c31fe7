"""Show the runs in the terminal: moving bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.table import Table

from demo_project.home.showcase.plan import Showing
from gorkflow import RunStatus

COLOURS = {
    RunStatus.PENDING: "bright_black",
    RunStatus.RUNNING: "blue",
    RunStatus.COMPLETED: "green",
    RunStatus.FAILED: "red",
    RunStatus.CANCELLED: "yellow",
}


class Screen:
    """One line for each run, kept up to date."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bars: dict[str, TaskID] = {}
        self._told: dict[str, tuple[RunStatus, int]] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(complete_style="blue", finished_style="green"),
            TaskProgressColumn(),
            TextColumn("{task.fields[status]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, showings: Sequence[Showing]) -> None:
        """Bring every line up to date."""
        for showing in showings:
            if self.console.is_terminal:
                self._move_bar(showing)
            else:
                self._tell(showing)

    def _move_bar(self, showing: Showing) -> None:
        status = showing.run.status
        bar = self._bars.get(showing.label)
        if bar is None:
            bar = self._progress.add_task(escape(showing.label), total=1.0, status="")
            self._bars[showing.label] = bar
        self._progress.update(
            bar,
            completed=showing.run.progress,
            status=f"[{COLOURS[status]}]{status.lower()}[/] {escape(showing.doing())}",
        )

    def _tell(self, showing: Showing) -> None:
        news = (showing.run.status, round(showing.run.progress * 100))
        if self._told.get(showing.label) != news:
            self._told[showing.label] = news
            status, percent = news
            self.console.print(
                f"{showing.label:<40} {status:<10} {percent:>3} %", markup=False, soft_wrap=True
            )


def results(showings: Sequence[Showing]) -> Table:
    """Return a table of how the runs ended and whether that was as it should be."""
    table = Table("Run", "Status", "As expected", box=None, pad_edge=False)
    for showing in showings:
        status, problem = showing.run.status, showing.problem()
        table.add_row(
            escape(showing.label),
            f"[{COLOURS[status]}]{status.lower()}[/]",
            f"[red]no: {escape(problem)}[/]" if problem else "yes",
        )
    return table
