"""`frontdesk reconcile`: what differs between tenants and their rows, and its repair."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontdesk.auth0.everyone import Way
from frontdesk.cli.db import database_url
from frontdesk.cli.import_ import NamedWay, refuse_no_file
from frontdesk.errors import FrontdeskError, UsageError
from frontdesk.settings import Settings, load_settings
from frontdesk.store.database import MAX_CONNECTIONS, Database
from frontdesk.sync.reconcile import Order, Report, place_of, reconcile

MAX_TENANTS_AT_ONCE = 4
_KINDS = {
    "missing": "users without a row",
    "different": "rows that differ",
    "extra": "rows without a user",
    "deleted": "deleted here, alive at Auth0",
    "grants": "grants other than the roles",
    "organizations": "organizations",
    "memberships": "memberships",
}


def command(
    tenant: Annotated[
        str | None, typer.Option(help="The tenant's key; not needed when there is only one.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All tenants, side by side.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look and change nothing; what happens on a terminal anyway.")
    ] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what is found.")] = False,
    accept: Annotated[
        int | None,
        typer.Option(min=0, help="Let so many rows go, or fewer, although the brake would stop that."),
    ] = None,
    way: Annotated[
        NamedWay, typer.Option(help="How the tenant is read; `auto` goes by the number of its users.")
    ] = NamedWay.AUTO,
    file: Annotated[
        Path | None,
        typer.Option("--from", help="Compare with an export in a file; nothing is repaired by one."),
    ] = None,
    no_roles: Annotated[bool, typer.Option("--no-roles", help="Leave roles out.")] = False,
    no_organizations: Annotated[
        bool, typer.Option("--no-organizations", help="Leave organizations and their members out.")
    ] = False,
    max_rps: Annotated[
        float | None, typer.Option(min=0.01, help="The most calls to Auth0 in a second, for each tenant.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, max=1000, help="How many user ids of each kind to show.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a tenant.")] = False,
) -> None:
    """Compare a tenant with its rows in Hasura, and repair what differs when asked to.

    Ends with 1 when a repair was refused or left something.

    Example: frontdesk reconcile --dry-run
    """
    _refuse_a_guess(dry_run=dry_run, repair=repair)
    order = Order(
        repair=repair,
        accept=accept,
        way=_way(way, file),
        file=file,
        roles=not no_roles,
        organizations=not no_organizations,
        shown=limit,
    )
    settings = load_settings()
    tenants = _tenants(settings, tenant, every=every)
    if file is not None and len(tenants) > 1:
        raise UsageError("--from names the export of one tenant; choose it with --tenant")
    refuse_no_file(file)
    url = database_url(settings)
    with Database(url, max_connections=MAX_CONNECTIONS) as database:
        database.refuse_other_revision()
        outcomes = _each(settings, tenants, database, order, max_rps)
    for key, outcome in zip(tenants, outcomes, strict=True):
        _print(key, outcome, as_json=as_json)
    if not all(isinstance(outcome, Report) and outcome.is_well for outcome in outcomes):
        raise typer.Exit(1)


def _refuse_a_guess(*, dry_run: bool, repair: bool) -> None:
    """Raise UsageError unless it is plain whether anything may change."""
    if dry_run and repair:
        raise UsageError("--dry-run and --repair exclude each other")
    if not (dry_run or repair or sys.stdin.isatty()):
        raise UsageError("without a terminal nothing is guessed: say --dry-run or --repair")


def _way(way: NamedWay, file: Path | None) -> Way | None:
    if way is not NamedWay.AUTO and file is not None:
        raise UsageError("--way is for reading the tenant, and --from reads a file")
    return way.way


def _tenants(settings: Settings, tenant: str | None, *, every: bool) -> Sequence[str]:
    if every and tenant is not None:
        raise UsageError("--all and --tenant exclude each other")
    return sorted(settings.tenants) if every else [settings.tenant(tenant)[0]]


def _each(
    settings: Settings, tenants: Sequence[str], database: Database, order: Order, max_rps: float | None
) -> list[Report | FrontdeskError]:
    """Return what came of each tenant; the failure of one stops no other."""

    def one(key: str) -> Report | FrontdeskError:
        try:
            with place_of(
                settings, key, database, max_rps=max_rps, with_auth0=order.reads_auth0, tell=_Progress(key)
            ) as place:
                return reconcile(place, order)
        except FrontdeskError as error:
            return error

    with ThreadPoolExecutor(max_workers=min(len(tenants), MAX_TENANTS_AT_ONCE)) as threads:
        return list(threads.map(one, tenants))


class _Progress:
    """Says on a terminal where a tenant's pass is, a line for each phase."""

    def __init__(self, tenant: str) -> None:
        self._tenant, self._phase = tenant, ""

    def __call__(self, phase: str, done: int, total: int | None) -> None:
        if phase != self._phase and sys.stderr.isatty():
            self._phase = phase
            of = "" if total is None else f" ({total:,})"
            typer.echo(f"{self._tenant}: {phase}{of} …", err=True)


def _print(tenant: str, outcome: Report | FrontdeskError, *, as_json: bool) -> None:
    if as_json:
        facts = outcome.as_json() if isinstance(outcome, Report) else _as_json(tenant, outcome)
        typer.echo(json.dumps(facts, ensure_ascii=False))
    elif isinstance(outcome, FrontdeskError):
        typer.echo(f"frontdesk: {tenant}: {outcome.detail}", err=True)
    else:
        _print_report(outcome)


def _as_json(tenant: str, error: FrontdeskError) -> dict[str, str]:
    return {"tenant": tenant, "type": error.type, "error": error.detail}


def _print_report(report: Report) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print(
        Text(
            f"{report.tenant}: {report.read:,} users read by {report.way} ({report.why}), {report.rows:,} rows, "
            f"{report.same:,} the same, {report.ahead:,} newer here, {report.filtered:,} left out by the filter, "
            f"{report.rejected:,} rejected; {report.calls:,} calls, {report.seconds:.1f} s"
        )
    )
    if report.found.total:
        console.print(_table(report))
    for column, number in report.fields.items():
        console.print(Text(f"  {column}: differs in {number:,} rows"))
    if not report.complete:
        console.print(Text("The reading was not complete, so what is missing there may look extra here."))
    console.print(Text(_verdict(report)))


def _table(report: Report) -> Table:
    left, found = asdict(report.left), asdict(report.found)
    table = Table(box=None, pad_edge=False)
    for heading in ("drift", "found", "left", "such as"):
        table.add_column(heading, justify="right" if heading in ("found", "left") else "left")
    for kind, words in _KINDS.items():
        if found[kind]:
            ids = ", ".join(map(_printable, report.ids.get(kind, ())))
            table.add_row(words, f"{found[kind]:,}", f"{left[kind]:,}", Text(ids))
    return table


def _printable(user_id: str) -> str:
    """Return an id as text that steers no terminal."""
    return "".join(character if character.isprintable() else "�" for character in user_id)


def _verdict(report: Report) -> str:
    if report.refused is not None:
        return report.refused[:1].upper() + report.refused[1:] + "."
    if not report.found.total:
        return "No drift."
    if report.looked_only:
        return "Nothing was changed; `frontdesk reconcile --repair` repairs it."
    if report.left.total:
        return f"Repaired {report.repaired:,} users; {report.left.total:,} findings are left: run it again."
    return f"Repaired: {report.repaired:,} users."
