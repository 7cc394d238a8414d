"""`frontdesk init`: the first settings of a project."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.settings_start import (
    DEFAULT_HASURA_URL,
    DEFAULT_TENANT,
    Answers,
    Started,
    start_project,
)

NEXT_COMMANDS = ("frontdesk auth0 setup --token-file -", "frontdesk hasura apply", "frontdesk doctor")


def command(
    directory: Annotated[Path, typer.Option("--dir", help="Where the files are written.")] = Path("."),
    domain: Annotated[
        str | None, typer.Option(help="Domain of the Auth0 tenant, such as acme.eu.auth0.com.")
    ] = None,
    audience: Annotated[
        str | None, typer.Option(help="Identifier of the API, such as https://api.example.com.")
    ] = None,
    hasura_url: Annotated[
        str | None, typer.Option(help=f"Base URL of Hasura; {DEFAULT_HASURA_URL} if not given.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Public https URL of frontdesk, as Auth0 reaches it.")
    ] = None,
    tenant: Annotated[
        str, typer.Option(help="The tenant's key in settings, hook URLs and rows.")
    ] = DEFAULT_TENANT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as one JSON document.")] = False,
) -> None:
    """Write frontdesk.toml, and .env with strong generated secrets; what is there already stays as it is.

    What is not given is asked for on a terminal, and otherwise gets a placeholder.

    Example: frontdesk init --domain acme.eu.auth0.com --audience https://api.example.com
    """
    answers = Answers(domain=domain, audience=audience, hasura_url=hasura_url, url=url, tenant=tenant)
    if (
        sys.stdin.isatty()
        and sys.stdout.isatty()
        and not as_json
        and not (directory / "frontdesk.toml").exists()
    ):
        answers = _asked(answers)
    _print(start_project(directory, answers), directory, as_json=as_json)


def _asked(given: Answers) -> Answers:
    def ask(question: str, known: str | None, default: str = "") -> str | None:
        return known or typer.prompt(question, default=default, show_default=bool(default)) or None

    return Answers(
        domain=ask("Domain of the Auth0 tenant, such as acme.eu.auth0.com", given.domain),
        audience=ask("Identifier of the API, such as https://api.example.com", given.audience),
        hasura_url=ask("Base URL of Hasura", given.hasura_url, DEFAULT_HASURA_URL),
        url=ask("Public https URL of frontdesk", given.url),
        tenant=given.tenant,
    )


def _print(started: Started, directory: Path, *, as_json: bool) -> None:
    first = () if directory.resolve() == Path.cwd() else (f"cd {directory}",)
    if as_json:
        facts = {
            "written": [str(path) for path in started.written],
            "kept": [str(path) for path in started.kept],
            "gitignore": None if started.ignored is None else str(started.ignored),
            "placeholders": started.placeholders,
            "missing": started.missing,
            "next": [*first, *NEXT_COMMANDS],
        }
        typer.echo(json.dumps(facts))
        return
    for path in started.written:
        typer.echo(f"Wrote {path}.")
    for path in started.kept:
        typer.echo(f"Kept {path}: it was there already, and nothing was added to it.")
    if started.ignored is not None:
        typer.echo(f"Added .env to {started.ignored}.")
    for key in started.placeholders:
        typer.echo(f"Fill in {key} in frontdesk.toml: it holds a placeholder.")
    for variable in started.missing:
        typer.echo(f"Set {variable}: .env has none; docs/reference/settings.md says what it takes.")
    if any(path.name == ".env" for path in started.written):
        typer.echo(
            "The admin secret in .env is a new one: start Hasura with it, or put Hasura's own in its place."
        )
        typer.echo(
            "To take streams, keep logins while Hasura is down, import, reconcile and manage users, "
            "set FRONTDESK_DATABASE_URL in .env too, and run `frontdesk db apply`; `frontdesk worker` then runs beside "
            "`frontdesk serve`."
        )
    typer.echo("\nNext:")
    for line in (*first, *NEXT_COMMANDS):
        typer.echo(f"  {line}")
