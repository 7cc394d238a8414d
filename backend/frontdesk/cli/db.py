"""`frontdesk db`: frontdesk's own schema, in the database that FRONTDESK_DATABASE_URL names."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from frontdesk.errors import StoreMissing
from frontdesk.settings import Settings, load_settings, secret
from frontdesk.store.database import REVISION, Database

app = typer.Typer(help="frontdesk's own schema in PostgreSQL.", no_args_is_help=True)


@app.command()
def apply() -> None:
    """Bring the schema to what this frontdesk needs; done twice it changes nothing.

    Example: frontdesk db apply
    """
    # Imported here: no other command needs alembic.
    from frontdesk.store import migrate

    url = database_url(load_settings(without_secrets=True))
    with Database(url, max_connections=1) as database:
        before = database.revision()
        migrate.apply(url)
        after = database.revision()
    typer.echo(f"schema frontdesk: revision {after}" + (", as before" if before == after else ""))


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say which revision the schema has; 1 when it is not the one that this frontdesk needs.

    Example: frontdesk db status
    """
    with Database(database_url(load_settings(without_secrets=True)), max_connections=1) as database:
        found = database.revision()
    if as_json:
        typer.echo(json.dumps({"revision": found, "expected": REVISION}))
    else:
        hint = "" if found == REVISION else "; run `frontdesk db apply`"
        typer.echo(f"schema frontdesk: revision {found or 'none'}, expected {REVISION}{hint}")
    if found != REVISION:
        raise typer.Exit(1)


def database_url(settings: Settings) -> str:
    """Return the URL of frontdesk's own database. Raises StoreMissing when none is set."""
    if settings.database.url is None:
        raise StoreMissing
    return secret(settings.database.url)
