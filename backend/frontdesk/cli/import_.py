"""`frontdesk import`: everybody of a tenant into Hasura."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.auth0.everyone import Way
from frontdesk.cli.db import database_url
from frontdesk.cli.import_output import output_for
from frontdesk.errors import UsageError
from frontdesk.settings import load_settings
from frontdesk.sync.importing.desk import PATIENCE_S, ImportOrder
from frontdesk.sync.importing.many import import_many


class NamedWay(StrEnum):
    """How to read everybody."""

    AUTO = "auto"
    PAGES = "pages"
    WINDOWS = "windows"
    JOB = "job"

    @property
    def way(self) -> Way | None:
        """The way that was named; None for `auto`."""
        return None if self is NamedWay.AUTO else Way(self.value)


def command(
    tenant: Annotated[
        str | None, typer.Option(help="The tenant's key; needed when there are several.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Import all tenants side by side.")] = False,
    way: Annotated[
        NamedWay,
        typer.Option(
            help="How users are read: `pages` of the search (up to 1,000 users), `windows` of its created_at, an "
            "export `job`; `auto` goes by their number."
        ),
    ] = NamedWay.AUTO,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Read an export (NDJSON, plain or gzipped) or a mended rejects file instead; `-` is standard input.",
        ),
    ] = None,
    roles: Annotated[bool, typer.Option("--roles/--no-roles", help="Read roles and who has them.")] = True,
    organizations: Annotated[
        bool, typer.Option("--organizations/--no-organizations", help="Read organizations and their members.")
    ] = True,
    max_rps: Annotated[
        float | None,
        typer.Option("--max-rps", min=0.01, help="The most calls to the Management API in a second."),
    ] = None,
    patience: Annotated[
        float, typer.Option("--patience", min=0, help="Seconds to wait for a Hasura that is down.")
    ] = PATIENCE_S,
    rejects: Annotated[
        Path | None,
        typer.Option(
            "--rejects",
            help="Where records go that cannot be taken. Default: frontdesk-rejects-TENANT-TIME.ndjson here.",
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Drop what an unfinished import has read, and begin anew.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print progress and result as one JSON object a line.")
    ] = False,
) -> None:
    """Write every user of a tenant to Hasura, with roles and organizations, and prove it by the numbers.

    The same command goes on with an import that was killed or stopped.

    Ends with 0 when everybody is accounted for (also set aside), with 1 when not.

    Example: frontdesk import --tenant default
    """
    order = ImportOrder(
        way=way.way,
        file=file,
        roles=roles,
        organizations=organizations,
        restart=restart,
        patience_s=patience,
        rejects=rejects,
    )
    _refuse_what_does_not_go_together(order, tenant=tenant, every=every)
    refuse_no_file(file)
    settings = load_settings()
    url = database_url(settings)
    output = output_for(as_json=as_json)
    tenants = tuple(settings.tenants) if every else (settings.tenant(tenant)[0],)
    try:
        with output:
            outcomes = import_many(settings, url, tenants, order, output.listener, max_rps=max_rps)
    except KeyboardInterrupt:
        typer.echo("frontdesk: stopped; the same command goes on from the last batch", err=True)
        sys.stdout.flush()
        # The tenants' threads may be at printing: an ordinary end of the interpreter would meet them there, and abort.
        os._exit(1)
    output.print(outcomes)
    if exit_code := max(outcome.exit_code for outcome in outcomes):
        raise typer.Exit(exit_code)


def _refuse_what_does_not_go_together(order: ImportOrder, *, tenant: str | None, every: bool) -> None:
    if every and tenant is not None:
        raise UsageError("--all is every tenant, and --tenant one of them: name one or the other")
    if every and (order.file is not None or order.rejects is not None):
        raise UsageError("a file belongs to one tenant: name it with --tenant instead of --all")
    if order.file is not None and order.way is not None:
        raise UsageError("--way is for reading a tenant; a file given with --from is read as it is")


def refuse_no_file(file: Path | None) -> None:
    """Raise UsageError for a file that is not there, before anything begins."""
    if file is None or file == Path("-"):
        return
    if not file.exists():
        raise UsageError(f"--from {file}: there is no such file")
    if file.is_dir():
        raise UsageError(f"--from {file}: is a directory; name the export in it")
