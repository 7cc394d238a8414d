"""`frontdesk hasura`: migrations and metadata of a Hasura project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.hasura.deploy import Applied, Status, apply, status
from frontdesk.settings import load_settings, secret

app = typer.Typer(help="Migrations and metadata of the Hasura project.", no_args_is_help=True)

ProjectDir = Annotated[
    Path, typer.Option("--project", help="The Hasura project: config.yaml, metadata/, migrations/.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the facts as one JSON document.")]
DEFAULT_PROJECT = Path("hasura")


@app.command("apply")
def apply_command(project: ProjectDir = DEFAULT_PROJECT, as_json: AsJson = False) -> None:
    """Apply the project's migrations and metadata to Hasura; what is there already stays as it is.

    Example: frontdesk hasura apply --project hasura
    """
    hasura = load_settings().hasura
    print_applied(apply(hasura.url, secret(hasura.admin_secret), project), as_json=as_json)


@app.command("status")
def status_command(project: ProjectDir = DEFAULT_PROJECT, as_json: AsJson = False) -> None:
    """Say what `hasura apply` would change, and what Hasura cannot use; ends with 1 when there is anything.

    Example: frontdesk hasura status
    """
    hasura = load_settings().hasura
    found = status(hasura.url, secret(hasura.admin_secret), project)
    print_status(found, as_json=as_json)
    if not found.is_current:
        raise typer.Exit(1)


def print_applied(applied: Applied, *, as_json: bool) -> None:
    """Print what a deploy changed."""
    if as_json:
        typer.echo(json.dumps({"migrations": applied.migrations, "metadata": applied.metadata}))
        return
    for name in applied.migrations:
        typer.echo(f"Applied migration {name}.")
    if applied.metadata:
        typer.echo("Replaced the metadata.")
    if not applied.anything:
        typer.echo("Nothing changed: migrations and metadata were applied already.")


def print_status(found: Status, *, as_json: bool) -> None:
    """Print how Hasura compares with the project."""
    if as_json:
        facts = {
            "migrations": dict(found.migrations),
            "metadata_is_current": found.metadata_is_current,
            "inconsistent": found.inconsistent,
        }
        typer.echo(json.dumps(facts))
        return
    for name, state in found.migrations:
        typer.echo(f"{state.value:8} {name}")
    typer.echo(f"metadata {'is current' if found.metadata_is_current else 'differs from the project'}")
    for name in found.inconsistent:
        typer.echo(f"inconsistent: {name}")
