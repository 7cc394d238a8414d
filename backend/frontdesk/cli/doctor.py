"""`frontdesk doctor`: every link between Auth0, frontdesk and Hasura, with a tick or what is wrong and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from frontdesk.errors import SettingsInvalid
from frontdesk.hasura.project import LOCAL_PROJECT
from frontdesk.settings import load_settings
from frontdesk.sync.doctor import Check, Examination, Verdict, examine, unreadable

_MARKS: Mapping[Verdict, tuple[str, str]] = {
    Verdict.OK: ("✓", "green"),
    Verdict.FAILED: ("✗", "red"),
    Verdict.WARNING: ("!", "yellow"),
    Verdict.SKIPPED: ("-", "dim"),
}


def command(
    tenant: Annotated[str | None, typer.Option(help="The tenant's key; otherwise all tenants.")] = None,
    project: Annotated[
        Path,
        typer.Option(
            "--project", help="The Hasura project to compare with. Without ./hasura: the one that ships."
        ),
    ] = LOCAL_PROJECT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as one JSON document.")] = False,
) -> None:
    """Check every link between Auth0, frontdesk and Hasura, within ten seconds; ends with 1 when one has failed.

    It changes nothing. What it sends to frontdesk and lets the Action send is a probe, which writes nothing.

    Example: frontdesk doctor
    """
    found = _found(tenant, project)
    if as_json:
        typer.echo(json.dumps(_facts(found), indent=2))
    else:
        _print(found)
    if found.verdict is Verdict.FAILED:
        raise typer.Exit(1)


def _found(tenant: str | None, project: Path) -> Examination:
    try:
        settings = load_settings()
    except SettingsInvalid as error:
        return unreadable(error)
    tenants = None if tenant is None else [settings.tenant(tenant)[0]]
    return examine(settings, tenants=tenants, project=project)


def _facts(found: Examination) -> dict[str, object]:
    return {"verdict": found.verdict.value, "checks": [check.as_json() for check in found.checks]}


def _print(found: Examination) -> None:
    console = Console(highlight=False, soft_wrap=True)
    shown: str | None = None
    for check in found.checks:
        if check.tenant != shown:
            console.print(Text(f"Tenant {check.tenant}", "bold"))
            shown = check.tenant
        console.print(_line(check))
        if check.fix:
            console.print(Text(f"  → {check.fix}"))
    console.print(_summary(found), style="bold")


def _summary(found: Examination) -> str:
    failed, warnings = (
        sum(check.verdict is verdict for check in found.checks)
        for verdict in (Verdict.FAILED, Verdict.WARNING)
    )
    if failed:
        return f"{failed} of {len(found.checks)} checks failed."
    return "Nothing is broken." if not warnings else f"Nothing is broken; warnings: {warnings}."


def _line(check: Check) -> Text:
    mark, colour = _MARKS[check.verdict]
    return Text.assemble((mark, colour), f" {check.name}: ", check.sentence)
