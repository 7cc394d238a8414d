"""What `frontdesk import` shows: a bar on a terminal, lines elsewhere, JSON for machines; and the count proof."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from frontdesk.sync.importing.listener import Listener
from frontdesk.sync.importing.many import TenantOutcome
from frontdesk.sync.importing.report import ImportReport

LINE_EVERY_S = 5.0  # of plain lines
JSON_EVERY_S = 1.0


def output_for(*, as_json: bool) -> ImportOutput:
    """Return how this run shows itself: progress on stderr and the result on stdout, and all on stdout with JSON."""
    if as_json:
        return _JsonOutput()
    console = Console(stderr=True, highlight=False)
    return _BarOutput(console) if console.is_terminal else _LineOutput()


class ImportOutput(ABC):
    """Where tenants' imports tell how they go on, and where the result is printed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing progress, where something has to be stopped."""
        return

    @abstractmethod
    def listener(self, tenant: str) -> Listener:
        """Return who listens to one tenant's import."""

    def print(self, outcomes: Sequence[TenantOutcome]) -> None:
        """Print what came of the imports."""
        console = Console(highlight=False, soft_wrap=True)
        for outcome in outcomes:
            if outcome.report is not None:
                _print_report(console, outcome.report)
        for outcome in outcomes:
            if outcome.failure is not None:
                typer.echo(f"frontdesk: {outcome.tenant}: {outcome.failure}", err=True)
        if len(outcomes) > 1:
            well = sum(outcome.is_well for outcome in outcomes)
            console.print(Text(f"{well} of {len(outcomes)} tenants are in Hasura."))


class Speed:
    """How fast a phase goes on, and how long it will take; from where it was when it was first heard of."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def of(self, done: int, total: int | None) -> tuple[float | None, float | None]:
        """Return the rate in a second and the seconds left, None where nothing can be said."""
        now = time.monotonic()
        if self._first is None:
            self._first = (now, done)
        elapsed, gone = now - self._first[0], done - self._first[1]
        if gone <= 0 or elapsed <= 0:
            return None, None
        rate = gone / elapsed
        return rate, None if total is None else max(0.0, total - done) / rate


class _ThrottledListener(ABC):
    """Tells of progress at most so often, and of everything else at once."""

    def __init__(self, tenant: str, every_s: float) -> None:
        self._tenant, self._every_s = tenant, every_s
        self._phase, self._speed, self._told_at = "", Speed(), 0.0

    def phase(self, name: str, sentence: str) -> None:
        self._phase, self._speed, self._told_at = name, Speed(), 0.0
        self._say("phase", sentence=sentence)

    def progress(self, done: int, total: int | None) -> None:
        rate, left_s = self._speed.of(done, total)
        if (now := time.monotonic()) - self._told_at < self._every_s and done != total:
            return
        self._told_at = now
        facts: dict[str, Any] = {"done": done, "total": total, "per_second": rate, "seconds_left": left_s}
        self._say("progress", **{name: _rounded(value) for name, value in facts.items()})

    def note(self, sentence: str) -> None:
        self._say("note", sentence=sentence)

    @abstractmethod
    def _say(self, event: str, **facts: Any) -> None:
        """Tell it."""


class _JsonListener(_ThrottledListener):
    def _say(self, event: str, **facts: Any) -> None:
        typer.echo(json.dumps({"event": event, "tenant": self._tenant, "phase": self._phase, **facts}))


class _JsonOutput(ImportOutput):
    def listener(self, tenant: str) -> Listener:
        return _JsonListener(tenant, JSON_EVERY_S)

    def print(self, outcomes: Sequence[TenantOutcome]) -> None:
        for outcome in outcomes:
            if outcome.report is not None:
                typer.echo(json.dumps({"event": "done", **outcome.report.as_json()}))
            else:
                typer.echo(
                    json.dumps({"event": "failed", "tenant": outcome.tenant, "sentence": outcome.failure})
                )


class _LineListener(_ThrottledListener):
    def _say(self, event: str, **facts: Any) -> None:
        typer.echo(f"{self._tenant}: {facts.get('sentence') or _progress_line(facts)}", err=True)


class _LineOutput(ImportOutput):
    def listener(self, tenant: str) -> Listener:
        return _LineListener(tenant, LINE_EVERY_S)


class _BarListener:
    def __init__(self, tenant: str, bars: Progress) -> None:
        self._tenant, self._bars = tenant, bars
        self._speed = Speed()
        self._task = self._new_task("begins")

    def phase(self, name: str, sentence: str) -> None:
        self._speed = Speed()
        self._bars.console.print(Text(f"{self._tenant}: {sentence}"))
        self._bars.remove_task(self._task)
        self._task = self._new_task(name)

    def progress(self, done: int, total: int | None) -> None:
        rate, _ = self._speed.of(done, total)
        speed = "" if rate is None else f"{rate:,.0f}/s"
        self._bars.update(self._task, completed=done, total=total, speed=speed)

    def note(self, sentence: str) -> None:
        self._bars.console.print(Text(f"{self._tenant}: {sentence}"))

    def _new_task(self, phase: str) -> TaskID:
        # One for each phase: a total that was known once cannot be taken back from a task.
        return self._bars.add_task(phase, total=None, tenant=self._tenant, speed="")


class _BarOutput(ImportOutput):
    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[tenant]}"),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def listener(self, tenant: str) -> Listener:
        return _BarListener(tenant, self._bars)


def _print_report(console: Console, report: ImportReport) -> None:
    table = Table("", "users", title=f"Tenant {report.tenant}", title_justify="left", show_header=False)
    table.columns[1].justify = "right"
    for name, number in _facts_of(report):
        table.add_row(name, number)
    console.print(table)
    console.print(
        Text(f"{'Proven' if report.verdict.proven else 'NOT PROVEN'}: {report.verdict.sentence}.", "bold")
    )
    if report.rejects_file is not None:
        console.print(
            Text(
                f"{report.rejects:,} records were set aside in {report.rejects_file}: mend them there, then "
                f"`frontdesk import --tenant {report.tenant} --from {report.rejects_file}`"
            )
        )


def _facts_of(report: ImportReport) -> list[tuple[str, str]]:
    counts, totals = report.counts, report.totals
    facts: list[tuple[str, int | None]] = [
        ("records read", counts.records),
        ("different users", counts.users),
        ("  written", counts.written),
        ("  unchanged", counts.unchanged),
        ("  rejected", counts.rejected),
        ("  left out by the filter", counts.filtered),
        ("records that came again", counts.repeated),
        ("rejected records of nobody known", counts.unidentified),
        ("deleted rows that Auth0 knows: alive again", counts.revived),
        ("deleted rows that stay deleted", counts.gone),
        ("users of the tenant before", totals.before),
        ("users of the tenant after", totals.after),
        ("rows in Hasura", totals.rows),
        ("  not deleted", totals.living_rows),
        ("roles", report.roles),
        ("organizations", report.organizations),
        ("memberships", report.members),
        ("calls to Auth0", sum(report.calls.values())),
        *((f"  {endpoint}", number) for endpoint, number in sorted(report.calls.items())),
    ]
    shown = [(name, "not asked" if number is None else f"{number:,}") for name, number in facts]
    return [
        *shown,
        ("seconds", f"{report.seconds:,.1f}"),
        ("records a second", f"{report.records_per_second:,.0f}"),
        ("peak memory", f"{report.peak_memory_bytes / 1024**2:,.0f} MB"),
    ]


def _progress_line(facts: dict[str, Any]) -> str:
    done, total, rate, left_s = (facts[name] for name in ("done", "total", "per_second", "seconds_left"))
    of_total = "" if total is None else f" of {total:,}"
    speed = "" if rate is None else f", {rate:,.0f} a second"
    left = "" if left_s is None else f", {left_s:,.0f} seconds left"
    return f"{done:,}{of_total}{speed}{left}"


def _rounded(value: float | None) -> float | None:
    return round(value, 1) if isinstance(value, float) else value
