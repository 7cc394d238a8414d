"""`frontdesk actions`: the Auth0 Actions that call frontdesk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from frontdesk.auth0.access import management_api
from frontdesk.auth0.action_deploy import carry_out
from frontdesk.auth0.action_formats import (
    Format,
    SecretsMode,
    deploy_cli_mapping,
    rendered_files,
    write_files,
)
from frontdesk.auth0.action_plan import ActionsPlan, Choices, plan_actions
from frontdesk.auth0.actions import RenderedAction, action_dir, read_manifest, rendered_actions
from frontdesk.auth0.flow import Position
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import PlanBlocked, Step, StepKind
from frontdesk.errors import UsageError
from frontdesk.settings import Settings, load_settings
from frontdesk.settings_types import ACTION_NAMES

app = typer.Typer(help="The Auth0 Actions that call frontdesk.", no_args_is_help=True)

Tenant = Annotated[
    str | None, typer.Option("--tenant", help="The tenant's key; not needed when there is only one.")
]
EveryTenant = Annotated[bool, typer.Option("--all", help="All tenants of the settings, one after the other.")]
Prune = Annotated[
    bool,
    typer.Option("--prune", help="Take Actions of ours that action.names no longer has out of their flows."),
]
TakeOver = Annotated[
    bool, typer.Option("--take-over", help="Replace an Action of our name that somebody else made.")
]
Secrets = Annotated[
    bool, typer.Option("--secrets", help="Send all secrets again, even if nothing else changes.")
]
Place = Annotated[
    str,
    typer.Option(
        "--position",
        help="Place in the flow: first, last, before:NAME, after:NAME (display names) or a number. `last` leaves an "
        "Action that is bound already where it is.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the facts as one JSON document.")]

_COLOURS = {
    StepKind.CREATE: "green",
    StepKind.UPDATE: "yellow",
    StepKind.BIND: "yellow",
    StepKind.DELETE: "yellow",
    StepKind.KEEP: "dim",
    StepKind.CANNOT: "red",
}


@app.command("render")
def render_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Actions; otherwise those of action.names.", metavar="[NAME]…")
    ] = None,
    tenant: Tenant = None,
    format: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.JS,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write into, or a file *.js; otherwise the source is printed."),
    ] = None,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Write the values of secrets too, for you alone to read.")
    ] = False,
    map_secrets: Annotated[
        bool,
        typer.Option(
            "--map-secrets", help="For auth0-deploy-cli: let a0deploy put the secrets in, from its mapping."
        ),
    ] = False,
) -> None:
    """Write the Actions with your settings filled in, as source or for another tool to import.

    Needs no secret in the settings, and writes none: `deploy` sends them, or you set them in the Dashboard.

    Example: frontdesk actions render --out action.js
    """
    secrets = _secrets_mode(format, written=with_secrets, mapped=map_secrets)
    settings = load_settings(without_secrets=not with_secrets)
    key, _ = settings.tenant(tenant)
    actions = rendered_actions(settings, key, _known(names or settings.action.names))
    files = rendered_files(actions, format, secrets=secrets)
    if out is None:
        typer.echo(_only(files), nl=False)
        return
    if out.suffix in (".js", ".json"):
        written = write_files(out.parent, {out.name: _only(files)}, private=with_secrets)
    else:
        written = write_files(out, files, private=with_secrets)
    _tell_written(actions, format, written, secrets)


@app.command("diff")
def diff_command(
    tenant: Tenant = None,
    every: EveryTenant = False,
    position: Place = "last",
    prune: Prune = False,
    take_over: TakeOver = False,
    secrets: Secrets = False,
    as_json: AsJson = False,
) -> None:
    """Show what `deploy` would change at Auth0; ends with 1 when there is something.

    Values of secrets cannot be read back from Auth0. A changed one is noticed when frontdesk sent it the last time;
    otherwise their names are compared.

    Example: frontdesk actions diff --tenant default
    """
    choices = _choices(position, prune=prune, take_over=take_over, secrets=secrets)
    plans = _planned(load_settings(), _Which(tenant, every), choices, as_json)
    if any(plan.changes_anything or plan.obstacles for plan in plans):
        raise typer.Exit(1)


@app.command("deploy")
def deploy_command(
    tenant: Tenant = None,
    every: EveryTenant = False,
    position: Place = "last",
    prune: Prune = False,
    take_over: TakeOver = False,
    secrets: Secrets = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would change, and change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the Actions of action.names to Auth0: create or update, build, deploy, and bind into their flows.

    Other people's Actions and their order stay. Run twice, it changes nothing.

    Example: frontdesk actions deploy --dry-run
    """
    choices = _choices(position, prune=prune, take_over=take_over, secrets=secrets)
    settings = load_settings()
    which = _Which(tenant, every)
    if dry_run:
        if any(plan.obstacles for plan in _planned(settings, which, choices, as_json)):
            raise typer.Exit(1)  # the deploy would not begin
        return
    facts = _deployed(settings, which, choices, as_json)
    if as_json:
        typer.echo(json.dumps(facts, indent=2))


class _Which:
    """The tenants that a command is about."""

    def __init__(self, tenant: str | None, every: bool) -> None:
        if tenant is not None and every:
            raise UsageError("--tenant and --all exclude each other; give one of them")
        self._tenant, self._every = tenant, every

    def keys(self, settings: Settings) -> tuple[str, ...]:
        return tuple(settings.tenants) if self._every else (settings.tenant(self._tenant)[0],)


def _choices(position: str, *, prune: bool, take_over: bool, secrets: bool) -> Choices:
    return Choices(
        position=Position.parse(position), prune=prune, take_over=take_over, resend_secrets=secrets
    )


def _planned(settings: Settings, which: _Which, choices: Choices, as_json: bool) -> list[ActionsPlan]:
    """Print the plan of every tenant, and return them."""
    facts, plans = [], []
    for key in which.keys(settings):
        with management_api(settings, key) as api:
            plan = plan_actions(api, rendered_actions(settings, key, settings.action.names), choices)
        plans.append(plan)
        facts.append(_facts(key, plan))
        if not as_json:
            _print_plan(Console(), key, plan)
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    return plans


def _deployed(settings: Settings, which: _Which, choices: Choices, as_json: bool) -> list[dict[str, object]]:
    """Plan for every tenant, and begin with the first one only when nothing stands in the way at any."""
    with ExitStack() as opened:
        apis = {key: opened.enter_context(management_api(settings, key)) for key in which.keys(settings)}
        plans = {
            key: plan_actions(api, rendered_actions(settings, key, settings.action.names), choices)
            for key, api in apis.items()
        }
        if obstacles := [
            Step(f"{key}: {step.what}", step.kind, step.detail)
            for key, plan in plans.items()
            for step in plan.obstacles
        ]:
            raise PlanBlocked(obstacles)
        return [_carried_out(apis[key], key, plan, as_json) for key, plan in plans.items()]


def _carried_out(api: ManagementApi, key: str, plan: ActionsPlan, as_json: bool) -> dict[str, object]:
    def report(sentence: str) -> None:
        if not as_json:
            typer.echo(f"{key}: {sentence}")

    done = carry_out(api, plan, report=report)
    if not done:
        report("Nothing had to be changed.")
    if not as_json:
        for note in plan.notes:
            _tell(f"{key}: {note.what}: {note.detail}.")
    return _facts(key, plan) | {"done": list(done)}


def _facts(key: str, plan: ActionsPlan) -> dict[str, object]:
    return {
        "tenant": key,
        "changes": plan.changes_anything,
        "steps": [step.as_json() for step in plan.steps],
        "code": {each.wanted.title: each.code_diff() for each in plan.actions if each.code_diff()},
    }


def _print_plan(console: Console, key: str, plan: ActionsPlan) -> None:
    table = Table(title=f"Tenant {key}", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in ("", "What", "Detail"):
        table.add_column(name, overflow="fold")
    for step in plan.steps:
        table.add_row(*_cells(step))
    console.print(table)
    for change in plan.actions:
        if change.held is not None and (text := change.code_diff()):
            console.print(Syntax(text, "diff", background_color="default", word_wrap=True))


def _cells(step: Step) -> Iterator[Text]:
    yield Text(step.kind.value, style=_COLOURS[step.kind])
    yield Text(step.what)
    yield Text(step.detail)


def _secrets_mode(kind: Format, *, written: bool, mapped: bool) -> SecretsMode:
    if mapped and (written or kind is not Format.AUTH0_DEPLOY_CLI):
        raise UsageError("--map-secrets goes with --format auth0-deploy-cli, and not with --with-secrets")
    return SecretsMode.MAPPED if mapped else SecretsMode.WRITTEN if written else SecretsMode.LEFT_OUT


def _known(names: Sequence[str]) -> Sequence[str]:
    if unknown := [name for name in names if name not in ACTION_NAMES]:
        raise UsageError(f"no Action {', '.join(map(repr, unknown))}; there are {', '.join(ACTION_NAMES)}")
    return names


def _only(files: Mapping[str, str]) -> str:
    if len(files) != 1:
        raise UsageError(f"{len(files)} files are written; say where, with --out FOLDER")
    return next(iter(files.values()))


def _tell_written(
    actions: Sequence[RenderedAction], kind: Format, written: Sequence[Path], secrets: SecretsMode
) -> None:
    if kind is Format.JS:
        for action, path in zip(actions, written, strict=True):
            _tell(f"Wrote {path}: trigger {action.trigger_id} {action.trigger_version}, {action.runtime}.")
    else:
        _tell(f"Wrote {len(written)} files: {', '.join(map(str, written))}.")
    needed = {each.name: each for one in actions for each in read_manifest(action_dir(one.name)).secrets}
    for each in needed.values():
        _tell(f"It needs the secret {each.name}. {each.description}")
    if secrets is SecretsMode.WRITTEN:
        _tell("The files hold the values of secrets: keep them out of version control.")
    if secrets is SecretsMode.MAPPED:
        mapping = json.dumps(deploy_cli_mapping(actions), ensure_ascii=False)
        _tell(f"Give a0deploy the values: AUTH0_KEYWORD_REPLACE_MAPPINGS='{mapping}'.")
    if kind is Format.AUTH0_DEPLOY_CLI:
        _tell(
            "a0deploy binds what triggers/triggers.json lists and nothing else: add other people's Actions to it."
        )


def _tell(text: str) -> None:
    typer.echo(text, err=True)
