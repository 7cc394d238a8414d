"""`frontdesk fields`: what `[fields]` needs of the Hasura that frontdesk writes to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.hasura.deploy import Options
from frontdesk.hasura.fields_plan import FieldsPlan, FieldsWritten, plan_fields, write_fields
from frontdesk.hasura.project import LOCAL_PROJECT, project_dir
from frontdesk.settings import load_settings, secret

app = typer.Typer(help="Columns of users that Auth0 feeds, and who owns which.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `plan` a word of the command line, though it is the only one."""


@app.command("plan")
def plan_command(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Write migration and metadata into this Hasura project; without one there, a copy of the one that "
            "ships.",
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Hasura's name of the database. Default: the project's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as one JSON document.")] = False,
) -> None:
    """Say what columns, rules and metadata Hasura needs for the section `fields` of the settings; apply nothing.

    Ends with 1 when something stands in the way.

    Example: frontdesk fields plan --out hasura
    """
    settings = load_settings()
    hasura, rules = settings.hasura, settings.field_rules()
    project = out if out is not None and out.exists() else project_dir(LOCAL_PROJECT)
    options = Options(source=source, schema=hasura.db_schema)
    plan = plan_fields(hasura.url, secret(hasura.admin_secret), project, rules, options)
    written = None
    if out is not None and not plan.obstacles:
        written = write_fields(plan, out, rules, now=datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps(_facts(plan, written)))
    else:
        _print(plan, written, out)
    if plan.obstacles:
        raise typer.Exit(1)


def _print(plan: FieldsPlan, written: FieldsWritten | None, out: Path | None) -> None:
    for step in plan.steps:
        typer.echo(f"{step.kind.value:6} {step.what}" + (f": {step.detail}" if step.detail else ""))
    if plan.obstacles:
        return
    if not plan.changes_anything:
        typer.echo("Nothing to do: Hasura has what [fields] needs.")
    elif written is None:
        if plan.migration.up:
            typer.echo(f"\n{plan.migration.up}")
        typer.echo(
            "Nothing was written; `frontdesk fields plan --out hasura` writes it into a Hasura project."
        )
    if written is not None:
        for path in (written.migration, written.metadata):
            if path is not None:
                typer.echo(f"Wrote {path}.")
        if plan.changes_anything:
            typer.echo(f"Review it, then run `frontdesk hasura apply --project {out}`.")


def _facts(plan: FieldsPlan, written: FieldsWritten | None) -> dict[str, object]:
    paths = (written.migration, written.metadata) if written is not None else ()
    return {
        "steps": [step.as_json() for step in plan.steps],
        "up": plan.migration.up,
        "down": plan.migration.down,
        "written": [str(path) for path in paths if path is not None],
    }
