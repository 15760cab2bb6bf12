"""Progress on standard error: how much is done, how fast, how long it will take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from cli.console import messages, say
from indexer.outcomes import Progress as Done

LOG_EVERY_S = 10.0


class Meter:
    """Counts documents and chunks of a run, and the fraction of it that is done."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._started_s = self._logged_s = time.monotonic()

    def show(self, fraction: float, documents: int, chunks: int) -> None:
        """Show the state of a run.

        Args:
            fraction: how much of the work is done, 0 to 1.
            documents, chunks: done since the start.
        """
        elapsed_s = time.monotonic() - self._started_s
        # A server that indexes does not tell chunks.
        counted, unit = (chunks, "chunks") if chunks else (documents, "documents")
        parts = [f"{documents:,} documents", *([f"{chunks:,} chunks"] if chunks else ())]
        parts.append(f"{counted / max(elapsed_s, 1e-3):,.0f} {unit}/s")
        if fraction > 0:
            parts.append(f"{clock(elapsed_s * (1 - fraction) / fraction)} left")
        self.tell(fraction, " · ".join(parts))

    def tell(self, fraction: float, state: str) -> None:
        """Show a state in its own words."""
        self._progress.update(self._task, completed=min(1.0, fraction), state=state)
        self._log(f"{fraction:.0%} · {state}")

    def _log(self, line: str) -> None:
        """Where no bar can be drawn, a line now and then."""
        now_s = time.monotonic()
        if not self._progress.console.is_terminal and now_s - self._logged_s >= LOG_EVERY_S:
            self._logged_s = now_s
            say(line)


@contextmanager
def meter(what: str) -> Iterator[Meter]:
    """A progress bar; where standard error is no terminal, a line at its end only."""
    with _bar(TextColumn("{task.fields[state]}")) as progress:
        yield Meter(progress, progress.add_task(what, total=1.0, state=""))


@contextmanager
def steps() -> Iterator["Steps"]:
    """Progress bars for an activity after another, each with its own count."""
    with _bar(_Count()) as progress:
        yield Steps(progress)


@contextmanager
def stages() -> Iterator["Stages"]:
    """Progress bars for one stage after another, each with its rate and the time left."""
    with _bar(TextColumn("{task.fields[state]}")) as progress:
        yield Stages(progress)


class Stages:
    """Shows how far stages are, whoever does the work; a stage may come again."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stage = ""
        self._meter: Meter | None = None

    def show(self, stage: str, done: Done) -> None:
        """Show how far a stage is."""
        if self._meter is None or stage != self._stage:
            self._meter = Meter(
                self._progress,
                self._progress.add_task(stage.capitalize(), total=1.0, state=""),
            )
            self._stage = stage
        fraction = done.documents / done.total if done.total else 1.0
        self._meter.tell(fraction, told(done))


def told(done: Done) -> str:
    """How far something is, how fast it goes and how long it will take."""
    parts = [f"{done.documents:,} of {done.total:,} documents"]
    if done.chunks:
        parts.append(f"{done.chunks:,} chunks")
    if done.documents:
        parts.append(f"{done.documents / max(done.seconds, 1e-3):,.0f} documents/s")
    if done.seconds_left:
        parts.append(f"{clock(done.seconds_left)} left")
    return " · ".join(parts)


class Steps:
    """Shows activities by name, a bar each."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, activity: str, done: int, total: int) -> None:
        """Show how far an activity is; a total of 0 is not known."""
        if activity not in self._tasks:
            self._tasks[activity] = self._progress.add_task(activity, total=None)
        self._progress.update(self._tasks[activity], completed=done, total=total or None)


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        of = f" of {task.total:,.0f}" if task.total else ""
        return Text(f"{task.completed:,.0f}{of}")


def _bar(column: ProgressColumn) -> Progress:
    console = messages()
    return Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=24), column, console=console
    )


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
