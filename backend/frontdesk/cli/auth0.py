"""`frontdesk auth0`: what frontdesk needs at the Auth0 tenant."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from frontdesk.auth0.management import Credentials, ManagementApi, StaticToken
from frontdesk.auth0.plan import StepKind
from frontdesk.auth0.scopes import SET_UP_SCOPES
from frontdesk.auth0.setup import ALL_PARTS, Choices, SetupPlan, plan_setup, set_up
from frontdesk.auth0.setup_api import Rbac
from frontdesk.auth0.setup_login import AppType
from frontdesk.auth0.setup_steps import Made, Outcome, Part, SetupStep
from frontdesk.errors import UsageError
from frontdesk.settings import Settings, TenantSettings, load_settings, secret, settings_places
from frontdesk.settings_files import PRIVATE, PUBLIC, with_value, with_variable, write_file
from frontdesk.settings_sources import TENANTS
from frontdesk.settings_start import placeholders_of

app = typer.Typer(help="What frontdesk needs at the Auth0 tenant.", no_args_is_help=True)

MAX_TOKEN_CHARS = 20_000
STDIN = "-"


@app.callback()
def _auth0() -> None:
    # A group with a callback keeps `setup` a command of its own, although it is the only one.
    pass


@app.command("setup")
def setup_command(
    tenant: Annotated[
        str | None, typer.Option(help="The tenant's key; not needed when there is only one.")
    ] = None,
    token_file: Annotated[
        str | None,
        typer.Option(
            "--token-file",
            help="File with a Management API token made in the Dashboard; - reads it from standard input.",
        ),
    ] = None,
    only: Annotated[
        str, typer.Option(help="Parts to set up, separated by comma: api, app, machine, actions, streams.")
    ] = ",".join(ALL_PARTS),
    rbac: Annotated[
        Rbac | None, typer.Option(help="Role-based access control of the API; a new one has it off.")
    ] = None,
    app_type: Annotated[
        AppType | None, typer.Option("--app", help="Kind of the login application; a new one is native.")
    ] = None,
    callback: Annotated[
        list[str] | None,
        typer.Option(help="One more callback URL of the login application; can be repeated."),
    ] = None,
    implicit: Annotated[
        bool, typer.Option("--implicit", help="Allow the implicit flow, which the API Debugger can use.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Change what others may depend on, and send the event stream's token again."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before anything is changed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and change nothing.")] = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="Put new client ids into frontdesk.toml and the new secret into .env."),
    ] = False,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Print the secret of a new machine application.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as one JSON document.")] = False,
) -> None:
    """Set up the API, the applications, the Actions and the streams at Auth0: a plan first, then only what is missing.

    Example: frontdesk auth0 setup --dry-run
    """
    settings = load_settings(without_secrets=True)
    key, chosen = settings.tenant(tenant)
    parts = _parts(only)
    _refuse_placeholders(settings, key)
    token = _token(token_file)
    choices = Choices(
        rbac=rbac, app_type=app_type, callbacks=_callbacks(callback or ()), implicit=implicit, force=force
    )
    with ManagementApi(chosen.management_url, _access(chosen, key, token)) as api:
        plan = plan_setup(api, settings, key, choices, parts=parts, token=token)
        outcomes: tuple[Outcome, ...] | None = None
        if not dry_run:
            if not as_json:
                _print_plan(plan.steps)
            _confirm(plan.steps, yes=yes, asks=token_file != STDIN or sys.stdin.isatty())
            outcomes = set_up(plan)
    written = _write(key, chosen, plan.made) if write and outcomes is not None else _Written()
    if as_json:
        _print_json(plan, outcomes, written, show_secrets=show_secrets)
    elif outcomes is None:
        _print_plan(plan.steps)
    else:
        _print_outcomes(outcomes)
        _print_settings(key, chosen, plan.made, written, show_secrets=show_secrets)
    if written.problems or _is_lacking(plan.steps, outcomes):
        raise typer.Exit(1)


def _parts(only: str) -> tuple[Part, ...]:
    names = [name.strip() for name in only.split(",")]
    if unknown := [name for name in names if name not in set(Part)]:
        raise UsageError(f"--only {unknown[0]}: expected some of {', '.join(Part)}")
    return tuple(part for part in Part if part in names)


def _callbacks(urls: Sequence[str]) -> tuple[str, ...]:
    """Return URLs that a login may end at; Auth0 refuses others in the middle of the work. Apps have own schemes."""
    for url in urls:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https")
        if not (parts.scheme and (parts.netloc or (parts.path and not is_web))) or re.search(r"[\s,#]", url):
            raise UsageError(
                f"--callback {url}: expected a whole URL without fragment, such as https://app.example.com/callback"
            )
        if parts.scheme in ("javascript", "data", "vbscript"):
            raise UsageError(f"--callback {url}: a login cannot end in a script")
    return tuple(urls)


def _refuse_placeholders(settings: Settings, tenant: str) -> None:
    keys = [key for key in placeholders_of(settings) if key.startswith((f"tenants.{tenant}.", "action."))]
    if keys:
        raise UsageError(f"fill in {' and '.join(keys)} first: frontdesk.toml holds a placeholder there")


def _token(token_file: str | None) -> str | None:
    if token_file is None:
        return None
    if token_file == STDIN and sys.stdin.isatty():
        text = str(typer.prompt("Management API token", hide_input=True, err=True))
    elif token_file == STDIN:
        text = sys.stdin.read(MAX_TOKEN_CHARS)
    else:
        try:
            text = Path(token_file).read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise UsageError(f"--token-file {token_file}: cannot be read as a token") from error
    token = text.strip().removeprefix("Bearer ").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("--token-file: expected one Management API token and nothing else")
    return token


def _access(tenant: TenantSettings, key: str, token: str | None) -> Credentials | StaticToken:
    if token is not None:
        return StaticToken(token)
    if tenant.management_client_id and tenant.management_client_secret:
        return Credentials(
            client_id=tenant.management_client_id, client_secret=secret(tenant.management_client_secret)
        )
    raise UsageError(
        f"tenant {key} has no management_client_id and secret yet. For the first time make a token: Auth0 Dashboard > "
        "Applications > APIs > Auth0 Management API > API Explorer > Copy Token (scopes "
        f"{' '.join(sorted(SET_UP_SCOPES))}), and pass it with --token-file FILE, or --token-file - for standard input"
    )


def _confirm(steps: Sequence[SetupStep], *, yes: bool, asks: bool) -> None:
    if yes or all(not step.changes for step in steps):
        return
    if not asks or not sys.stdin.isatty():
        raise UsageError(
            "nothing was changed: there is no terminal to ask on; add --yes to do this, or --dry-run"
        )
    if not typer.confirm("Do this?", err=True):
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Written:
    """What was put where, and what a person has to put there."""

    done: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether the key or variable was put where it belongs."""
        return any(each.startswith(f"{name} in ") for each in self.done)


def _write(key: str, tenant: TenantSettings, made: Made) -> _Written:
    """Put what was made into the two files, the secret first: it is the one thing that is not shown again."""
    file, environment = settings_places()
    done, problems = [], []
    changes: list[tuple[str, Path, Callable[[str], str], int]] = []
    if made.management_client_secret and tenant.management_client_secret is None:
        value, variable = made.management_client_secret, _secret_variable(key)
        changes.append((variable, environment, lambda text: with_variable(text, variable, value), PRIVATE))
    for name, client_id in _new_ids(tenant, made):
        path = (TENANTS, key, name)
        changes.append((name, file, partial(with_value, path=path, value=client_id), PUBLIC))
    for name, place, change, mode in changes:
        try:
            text = place.read_text(encoding="utf-8") if place.exists() else ""
            write_file(place, change(text), mode)
            done.append(f"{name} in {place.name}")
        except (UsageError, OSError) as error:
            problems.append(f"{name} is not in {place.name}: {error}")
    return _Written(tuple(done), tuple(problems))


def _new_ids(tenant: TenantSettings, made: Made) -> Iterator[tuple[str, str]]:
    """Give the ids that the settings do not have yet, each with its key."""
    for name, value, known in (
        ("management_client_id", made.management_client_id, tenant.management_client_id),
        ("login_client_id", made.login_client_id, tenant.login_client_id),
    ):
        if value is not None and known is None:
            yield name, value


def _print_plan(steps: Sequence[SetupStep]) -> None:
    for step in steps:
        typer.echo(f"{step.kind:7} {step.what}: {step.detail}")


def _print_outcomes(outcomes: Sequence[Outcome]) -> None:
    done = [each for each in outcomes if each.problem is None and each.step.changes]
    for each in done:
        typer.echo(f"{_PAST[each.step.kind]} {each.step.what}.")
    for each in outcomes:
        if each.problem is not None and each.step.kind is not StepKind.CANNOT:
            typer.echo(f"Failed {each.step.what}: {each.problem}", err=True)
    if not done:
        typer.echo("Nothing changed.")


_PAST = {StepKind.CREATE: "Created", StepKind.UPDATE: "Updated", StepKind.BIND: "Bound"}


def _print_settings(
    key: str, tenant: TenantSettings, made: Made, written: _Written, *, show_secrets: bool
) -> None:
    for each in written.done:
        typer.echo(f"Wrote {each}.")
    for each in written.problems:
        typer.echo(f"frontdesk: {each}", err=True)
    for name, value in _new_ids(tenant, made):
        if not written.has(name):
            typer.echo(f'Put into [tenants.{key}] of frontdesk.toml: {name} = "{value}"')
    variable = _secret_variable(key)
    if made.management_client_id and tenant.management_client_secret is None and not written.has(variable):
        shown = made.management_client_secret if show_secrets else None
        typer.echo(f"Put into .env: {variable}={shown or '<its client secret>'}")
        if not shown:
            typer.echo(
                "The secret is in the Dashboard: Applications > Applications > frontdesk > Settings > Client Secret."
            )


def _print_json(
    plan: SetupPlan, outcomes: tuple[Outcome, ...] | None, written: _Written, *, show_secrets: bool
) -> None:
    problems = [each.problem for each in outcomes] if outcomes is not None else [None] * len(plan.steps)
    facts = {
        "applied": outcomes is not None,
        "steps": [
            {
                "part": step.part,
                "what": step.what,
                "kind": step.kind,
                "detail": step.detail,
                "needed": step.needed,
                "problem": problem,
            }
            for step, problem in zip(plan.steps, problems, strict=True)
        ],
        "management_client_id": plan.made.management_client_id,
        "login_client_id": plan.made.login_client_id,
        "written": written.done,
        "not_written": written.problems,
    }
    if show_secrets:
        facts["management_client_secret"] = plan.made.management_client_secret
    typer.echo(json.dumps(facts))


def _is_lacking(steps: Sequence[SetupStep], outcomes: tuple[Outcome, ...] | None) -> bool:
    if outcomes is None:
        return any(step.kind is StepKind.CANNOT and step.needed for step in steps)
    return any(outcome.is_lacking for outcome in outcomes)


def _secret_variable(key: str) -> str:
    return f"FRONTDESK_TENANTS_{key.upper()}_MANAGEMENT_CLIENT_SECRET"
