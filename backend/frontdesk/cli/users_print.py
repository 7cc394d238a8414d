"""How the commands about users print what they found and did."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontdesk.store.audit import AuditLine, AuditOutcome
from frontdesk.sync.users import Changed, Erased, Groups, UserView

MAX_CELL_CHARS = 200
SECONDS_CHARS = len("2026-01-01T00:00:00")
_PAST = {
    "create": "Created",
    "update": "Changed",
    "block": "Blocked",
    "unblock": "Unblocked",
    "set-roles": "Set the roles of",
    "set-groups": "Set the groups of",
    "sync": "Brought to Hasura:",
    "delete": "Deleted",
}
_OUTCOMES = {
    AuditOutcome.STARTED: "under way",
    AuditOutcome.UNKNOWN: "unknown: cut off, see `users show`",
    AuditOutcome.NOT_SYNCED: "done at Auth0, not in Hasura",
}


def as_json(facts: Any) -> None:
    """Print a document for a script."""
    typer.echo(json.dumps(facts, ensure_ascii=False))


def changed(done: Changed, *, json_wanted: bool) -> None:
    """Print what a change came to, and end with 1 when Hasura has not got it."""
    if json_wanted:
        as_json(done.as_json())
    else:
        typer.echo(_sentence(done))
        if done.why is not None:
            typer.echo(f"It is not in Hasura: {_plain(done.why)}", err=True)
        if done.detail.get("audit_incomplete"):
            typer.echo(
                f"Line {done.audit} of the audit could not be completed, and says `started`.", err=True
            )
    if not done.synced:
        raise typer.Exit(1)


def _sentence(done: Changed) -> str:
    if done.outcome is AuditOutcome.UNCHANGED:
        return f"Nothing to change: user {_plain(done.user_id)} of tenant {done.tenant} is so already."
    sentences = [f"{_PAST[done.action]} user {_plain(done.user_id)} of tenant {done.tenant}."]
    for name, verb in (("added", "Added"), ("removed", "Removed")):
        if names := done.detail.get(name):
            sentences.append(f"{verb} {', '.join(map(_plain, names))}.")
    if done.action == "unblock":
        sentences.append(_brute_force(done.detail.get("brute_force_blocks")))
    return " ".join(sentences)


def _brute_force(left: int | None) -> str:
    if left is None:
        return "Whether Auth0 blocks the user after wrong passwords could not be read."
    if left:
        return f"Auth0 still blocks {left} addresses after wrong passwords; --brute-force lifts that too."
    return "No block after wrong passwords is left."


def users(items: Iterable[Mapping[str, Any]]) -> None:
    """Print a list of users."""
    table = _table("user", "e-mail", "name", "connection", "blocked", "last login")
    for item in items:
        cells = (item.get(name) for name in ("user_id", "email", "name", "connection"))
        seen = (item.get("last_login") or "")[:SECONDS_CHARS]
        table.add_row(*map(_cell, cells), "yes" if item.get("blocked") else "", _cell(seen))
    _console().print(table)


def view(found: UserView) -> None:
    """Print both sides of a user, column by column where they differ."""
    console = _console()
    console.print(Text(f"{_plain(found.user_id)} · tenant {found.tenant}", "bold"))
    console.print(Text(f"{found.verdict[:1].upper()}{found.verdict[1:]}."))
    for reason in found.unread:
        console.print(Text(f"! {_plain(reason)}", "yellow"))
    if found.differences:
        table = _table("column", "Auth0", "Hasura")
        for each in found.differences:
            table.add_row(each.column, _cell(each.auth0), _cell(each.hasura))
        console.print(table)
    for title, facts in (("Auth0", found.auth0), ("Hasura", found.row.columns if found.row else None)):
        absent = f"{title}: {'not known' if found.unread else 'nothing'}"
        console.print(Text(title if facts is not None else absent, "bold"))
        for name in sorted(facts or {}):
            if (facts or {})[name] is not None:
                console.print(Text(f"  {name}: {_cell((facts or {})[name])}"))
    if found.roles is not None:
        console.print(Text(f"Roles: {', '.join(map(_plain, found.roles)) or 'none'}"))
    if found.organizations is not None:
        names = (_plain(each.name) for each in found.organizations)
        console.print(Text(f"Organizations: {', '.join(names) or 'none'}"))


def groups(found: Groups) -> None:
    """Print somebody's groups and organizations."""
    typer.echo(f"Groups: {', '.join(map(_plain, found.groups)) or 'none'}")
    if found.organizations is None:
        typer.echo("Organizations: could not be read")
    else:
        typer.echo(f"Organizations: {', '.join(_plain(each.name) for each in found.organizations) or 'none'}")


def receipt(done: Erased) -> None:
    """Print what an erasure removed, and what is left to do."""
    typer.echo(f"Erased user {_plain(done.user_id)} of tenant {done.tenant} at {done.at.isoformat()}.")
    typer.echo(f"Mark in the audit: {done.mark}")
    if done.linked:
        typer.echo(f"With the linked accounts {', '.join(map(_plain, done.linked))}")
    said = {None: "not asked to delete the user", True: "deleted the user", False: "had no such user"}
    typer.echo(f"Auth0: {said[done.at_auth0]}")
    table = _table("where", "table", "rows")
    for place, counts in (("Hasura", done.hasura), ("frontdesk", done.store)):
        for name, count in counts.items():
            table.add_row(place, name, str(count))
    _console().print(table)
    typer.echo("By hand:")
    for each in done.by_hand:
        typer.echo(f"- {_plain(each)}")


def audit(lines: Iterable[AuditLine]) -> None:
    """Print lines of the audit, the newest first."""
    table = _table("when", "who", "what", "user", "outcome", "fields")
    for line in lines:
        table.add_row(
            line.at.isoformat(timespec="seconds"),
            _cell(line.actor),
            line.action,
            _cell(line.user_id),
            _OUTCOMES.get(line.outcome, line.outcome.value),
            _cell(dict(line.detail) or None),
        )
    _console().print(table)


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        # An id is there to be copied.
        table.add_column(column, overflow="fold", no_wrap=column == "user")
    return table


def _cell(value: Any) -> Text:
    if value is None:
        return Text("")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Text(_plain(text if len(text) <= MAX_CELL_CHARS else f"{text[:MAX_CELL_CHARS]}…"))


def _plain(text: str) -> str:
    """Return text of others without what a terminal would act on."""
    return "".join(c if c.isprintable() else "�" for c in text)
