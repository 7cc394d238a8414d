"""How the commands about jobs print what they found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontdesk.store.jobs import InboxLine, Job, RejectedRecord, TenantReject

_PERSONAL = "The records themselves are personal data; --records shows them."
MAX_ERROR_CHARS = 120  # in a list; `show` has all of it


def inbox(lines: Sequence[InboxLine], now: datetime) -> None:
    """Print what is in the inbox and not in Hasura."""
    if not lines:
        typer.echo("Nothing waits in the inbox.")
        return
    table = _table("inbox", "way", "state", "deliveries", "records", "MB", "oldest")
    for line in lines:
        table.add_row(
            line.tenant,
            line.way,
            line.state,
            f"{line.deliveries:,}",
            f"{line.records:,}",
            f"{line.bytes / 1e6:,.1f}",
            age((now - line.oldest_at).total_seconds()),
        )
    _console().print(table)


def jobs(found: Sequence[Job], now: datetime) -> None:
    """Print a list of jobs."""
    if not found:
        typer.echo("No such jobs.")
        return
    table = _table("job", "task", "tenant", "state", "tries", "age", "next try", "why")
    for each in found:
        table.add_row(
            str(each.id),
            each.task,
            each.tenant or "",
            each.state.value,
            str(each.attempts),
            "" if each.since is None else age((now - each.since).total_seconds()),
            _in(each.next_attempt_at, now),
            Text(_plain((each.error or "")[:MAX_ERROR_CHARS])),
        )
    _console().print(table)


def job(found: Job, rejects: Sequence[RejectedRecord], now: datetime, *, with_records: bool) -> None:
    """Print all that is known of a job."""
    console = _console()
    console.print(Text(f"Job {found.id}: {found.task}", "bold"))
    lines = {
        "tenant": found.tenant,
        "state": found.state.value,
        "arguments": ", ".join(f"{name} {value}" for name, value in found.arguments.items()),
        "tries": str(found.attempts),
        "since": None if found.since is None else found.since.isoformat(timespec="seconds"),
        "next try": _in(found.next_attempt_at, now) or None,
        "why": found.error,
        "request id": found.request_id,
    }
    for name, value in lines.items():
        if value:
            console.print(Text(f"  {name}: {_plain(value)}"))
    delivery = found.delivery
    if delivery is None:
        return
    console.print(
        Text(
            f"Delivery {delivery.id} by {delivery.way}: {delivery.records:,} records in {delivery.bytes:,} bytes, "
            f"{delivery.state}, {delivery.rejects:,} rejected"
        )
    )
    for each in rejects:
        _reject(console, each, f"  {_number(each)}", with_records=with_records)
    if rejects and not with_records:
        typer.echo(_PERSONAL)


def rejects(found: Sequence[TenantReject], *, with_records: bool) -> None:
    """Print records that could not be taken."""
    if not found:
        typer.echo("No record was set aside.")
        return
    console = _console()
    for each in found:
        where = f"{each.at:%Y-%m-%dT%H:%M:%SZ} {each.tenant}, delivery {each.delivery_id} by {each.way}, "
        _reject(console, each, where + _number(each), with_records=with_records)
    if not with_records:
        typer.echo(_PERSONAL)


def _number(reject: RejectedRecord) -> str:
    return f"record {reject.number} ({_plain(reject.record_id or 'no id')})"


def _reject(console: Console, reject: RejectedRecord, where: str, *, with_records: bool) -> None:
    console.print(Text(f"{where}: {_plain(reject.reason)}"))
    if with_records:
        console.print(Text(f"    {_plain(reject.record)}"))


def question(found: Job) -> str:
    """Return what to ask before a job goes."""
    about = (
        ""
        if found.delivery is None
        else f" with delivery {found.delivery.id} ({found.delivery.records:,} records by {found.delivery.way})"
    )
    return f"Drop job {found.id}, {found.task}{about}? What it was to do is not done"


def age(seconds: float) -> str:
    """Return a time span in its greatest unit, roughly."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _in(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    left_s = (at - now).total_seconds()
    return "now" if left_s <= 0 else f"in {age(left_s)}"


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column == "job")
    return table


def _plain(text: str) -> str:
    """Return text of others without what a terminal would act on."""
    return "".join(c if c.isprintable() else "�" for c in text)
