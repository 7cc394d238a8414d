"""`frontdesk hasura`: migrations and metadata of a Hasura project."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.errors import UsageError
from frontdesk.hasura.adopt import Adoption
from frontdesk.hasura.deploy import Applied, Options, Status, adopt, apply, mark, status
from frontdesk.hasura.migration_record import MigrationState, Timeouts
from frontdesk.hasura.plan import Plan
from frontdesk.hasura.project import LOCAL_PROJECT, project_dir
from frontdesk.hasura.rollback import HowFar, plan_rollback, roll_back
from frontdesk.settings import Settings, load_settings, secret

app = typer.Typer(help="Migrations and metadata of the Hasura project.", no_args_is_help=True)

ProjectDir = Annotated[
    Path,
    typer.Option(
        "--project",
        help="The Hasura project: config.yaml, metadata/, migrations/. Without ./hasura: the one that ships.",
    ),
]
Source = Annotated[
    str | None,
    typer.Option("--source", help="Hasura's name of the database. Default: the project's, `default`."),
]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace", help="Make Hasura's whole metadata the project's; what others have there goes away."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the facts as one JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would change, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before something is dropped.")]
LockTimeout = Annotated[
    float | None,
    typer.Option("--lock-timeout", min=0.001, help="Seconds a statement waits for a lock (5)."),
]
StatementTimeout = Annotated[
    float | None,
    typer.Option("--statement-timeout", min=0.001, help="Seconds a statement may take (60)."),
]
Down = Annotated[int | None, typer.Option("--down", min=1, help="Take the newest N migrations back.")]
To = Annotated[
    int | None, typer.Option("--to", min=0, help="Take all migrations back that are newer than VERSION.")
]
MarkApplied = Annotated[
    int | None, typer.Option("--mark-applied", help="Record VERSION as applied; run nothing.")
]
MarkPending = Annotated[
    int | None, typer.Option("--mark-pending", help="Forget that VERSION ran; undo nothing.")
]
Adopt = Annotated[
    bool, typer.Option("--adopt", help="Write a migration that takes over the table users; apply nothing.")
]
AdoptKey = Annotated[
    str | None, typer.Option("--adopt-key", help="With --adopt: the column that holds Auth0's user id.")
]
AdoptTenant = Annotated[
    str | None, typer.Option("--adopt-tenant", help="With --adopt: the tenant whose users the rows are.")
]


class _Act(StrEnum):
    APPLY = "apply"
    ROLL_BACK = "roll back"
    MARK = "mark"
    ADOPT = "adopt"


@dataclass(frozen=True)
class _Place:
    """Which Hasura, which project, and how they meet."""

    settings: Settings
    project: Path
    options: Options

    @property
    def target(self) -> tuple[str, str, Path]:
        """What every use case takes first."""
        hasura = self.settings.hasura
        return hasura.url, secret(hasura.admin_secret), self.project


@app.command("apply")
def apply_command(
    project: ProjectDir = LOCAL_PROJECT,
    source: Source = None,
    replace: Replace = False,
    dry_run: DryRun = False,
    lock_timeout: LockTimeout = None,
    statement_timeout: StatementTimeout = None,
    down: Down = None,
    to: To = None,
    mark_applied: MarkApplied = None,
    mark_pending: MarkPending = None,
    adopt_users: Adopt = False,
    adopt_key: AdoptKey = None,
    adopt_tenant: AdoptTenant = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Apply the project's migrations and metadata to Hasura; what is there already stays as it is.

    Of Hasura's metadata only the tables of the project are touched, unless --replace says otherwise.

    Example: frontdesk hasura apply --project hasura
    """
    limits = Timeouts(lock_s=lock_timeout, statement_s=statement_timeout)
    place = _place(project, source, replace=replace, timeouts=limits)
    how_far = HowFar(count=down, version=to)
    marks = {MigrationState.APPLIED: mark_applied, MigrationState.PENDING: mark_pending}
    act = _only_act(
        {
            _Act.ROLL_BACK: down is not None or to is not None,
            _Act.MARK: any(version is not None for version in marks.values()),
            _Act.ADOPT: adopt_users or adopt_key is not None or adopt_tenant is not None,
        }
    )
    _refuse_without_meaning(act, replace=replace, dry_run=dry_run)
    if act is _Act.ROLL_BACK:
        _roll_back(place, how_far, dry_run=dry_run, yes=yes, as_json=as_json)
    elif act is _Act.MARK:
        _mark(place, marks, as_json=as_json)
    elif act is _Act.ADOPT:
        if place.project != project:
            raise UsageError(
                f"--adopt writes a migration into the project: copy {place.project} to {project} first, and keep it"
            )
        tenant = adopt_tenant or _only_tenant(place.settings)
        print_adoption(adopt(*place.target, place.options, tenant=tenant, key=adopt_key), as_json=as_json)
    elif dry_run:
        _print_plan_of(place, as_json=as_json)
    else:
        _apply(place, yes=yes, as_json=as_json)


@app.command("diff")
def diff_command(
    project: ProjectDir = LOCAL_PROJECT,
    source: Source = None,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Print step by step what `hasura apply` would change; ends with 1 when something keeps it from beginning.

    Example: frontdesk hasura diff
    """
    _print_plan_of(_place(project, source, replace=replace), as_json=as_json)


@app.command("status")
def status_command(
    project: ProjectDir = LOCAL_PROJECT, source: Source = None, as_json: AsJson = False
) -> None:
    """Say where migrations and metadata stand, and what Hasura cannot use; ends with 1 when there is anything to do.

    Example: frontdesk hasura status
    """
    place = _place(project, source)
    found = status(*place.target, place.options)
    print_status(found, as_json=as_json)
    if not found.is_current:
        raise typer.Exit(1)


def print_applied(applied: Applied, *, as_json: bool) -> None:
    """Print what a deploy changed."""
    if as_json:
        facts = {"migrations": applied.migrations, "metadata": applied.metadata, "notes": applied.notes}
        typer.echo(json.dumps(facts))
        return
    for name in applied.migrations:
        typer.echo(f"Applied migration {name}.")
    if applied.metadata:
        typer.echo("Changed the metadata.")
    if not applied.anything:
        typer.echo("Nothing changed: migrations and metadata were applied already.")
    for note in applied.notes:
        typer.echo(note, err=True)


def _print_plan_of(place: _Place, *, as_json: bool) -> None:
    plan = status(*place.target, place.options).plan
    print_plan(plan, as_json=as_json)
    if plan.obstacles:
        raise typer.Exit(1)  # the deploy would not begin


def print_plan(plan: Plan, *, as_json: bool) -> None:
    """Print what would be done, step by step."""
    if as_json:
        typer.echo(json.dumps(_facts(plan)))
        return
    if not plan.steps:
        typer.echo("Nothing to do.")
    for step in plan.steps:
        typer.echo(f"{step.kind.value:6} {step.what}" + (f": {step.detail}" if step.detail else ""))
    for note in plan.notes:
        typer.echo(note, err=True)


def print_status(found: Status, *, as_json: bool) -> None:
    """Print how Hasura compares with the project."""
    if as_json:
        facts = {
            "migrations": dict(found.migrations),
            "metadata_is_current": found.metadata_is_current,
            "inconsistent": found.inconsistent,
            **_facts(found.plan),
        }
        typer.echo(json.dumps(facts))
        return
    for name, state in found.migrations:
        typer.echo(f"{state.value:8} {name}")
    typer.echo(f"metadata {'is current' if found.metadata_is_current else 'differs from the project'}")
    for name in found.inconsistent:
        typer.echo(f"inconsistent: {name}")
    for step in found.plan.obstacles:
        typer.echo(f"cannot   {step.what}: {step.detail}")
    for note in found.plan.notes:
        typer.echo(note, err=True)


def print_adoption(adoption: Adoption, *, as_json: bool) -> None:
    """Print where the migration was written, and what to look at."""
    if as_json:
        typer.echo(json.dumps({"directory": str(adoption.directory), "remarks": adoption.remarks}))
        return
    typer.echo(f"Wrote {adoption.directory}; nothing was applied.")
    for remark in adoption.remarks:
        typer.echo(f"  {remark}")
    typer.echo("Review it, then run `frontdesk hasura apply`.")


def _apply(place: _Place, *, yes: bool, as_json: bool) -> None:
    if place.options.replace:
        _ask("Replace all of Hasura's metadata by the project's?", yes=yes)
    print_applied(apply(*place.target, place.options), as_json=as_json)


def _roll_back(place: _Place, how_far: HowFar, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    if how_far.count is not None and how_far.version is not None:
        raise UsageError("--down and --to say the same thing in two ways; give one of them")
    if dry_run or not yes:
        plan = plan_rollback(*place.target, how_far, place.options)
        if not as_json or dry_run or not plan.steps:
            print_plan(plan, as_json=as_json)
        if dry_run or not plan.steps:
            return
        _ask("Take these migrations back?", yes=yes)
    names = roll_back(*place.target, how_far, place.options)
    if as_json:
        typer.echo(json.dumps({"taken_back": names}))
        return
    for name in names:
        typer.echo(f"Took back migration {name}.")
    if not names:
        typer.echo("Nothing changed: no such migration was applied.")


def _mark(place: _Place, marks: dict[MigrationState, int | None], *, as_json: bool) -> None:
    recorded = {
        mark(*place.target, place.options, version=version, state=state).directory.name: state.value
        for state, version in marks.items()
        if version is not None
    }
    if as_json:
        typer.echo(json.dumps({"recorded": recorded}))
        return
    for name, state in recorded.items():
        typer.echo(f"Recorded migration {name} as {state}; nothing was run.")


def _place(
    project: Path, source: str | None, *, replace: bool = False, timeouts: Timeouts | None = None
) -> _Place:
    settings = load_settings()
    options = Options(
        source=source,
        schema=settings.hasura.db_schema,
        replace=replace,
        fields=settings.field_rules(),
        timeouts=timeouts or Timeouts(),
    )
    return _Place(settings, project_dir(project), options)


def _only_act(wanted: dict[_Act, bool]) -> _Act:
    chosen = [act for act, is_wanted in wanted.items() if is_wanted]
    if len(chosen) > 1:
        raise UsageError(f"one thing at a time: {' and '.join(chosen)} were asked for together")
    return chosen[0] if chosen else _Act.APPLY


def _refuse_without_meaning(act: _Act, *, replace: bool, dry_run: bool) -> None:
    """Refuse an option that this act would pass over in silence: `--dry-run` promises that nothing is written."""
    if dry_run and act in (_Act.MARK, _Act.ADOPT):
        raise UsageError(f"--dry-run has no meaning with what was asked for ({act}); nothing was changed")
    if replace and act is not _Act.APPLY:
        raise UsageError(f"one thing at a time: --replace and {act} were asked for together")


def _only_tenant(settings: Settings) -> str:
    if len(settings.tenants) > 1:
        known = ", ".join(sorted(settings.tenants))
        raise UsageError(
            f"several tenants are configured ({known}); say with --adopt-tenant whose users the rows are"
        )
    return next(iter(settings.tenants))


def _ask(question: str, *, yes: bool) -> None:
    if yes:
        return
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        typer.echo(err=True)
        if not sys.stdin.isatty():
            raise UsageError("nothing was changed: there is nobody to ask; add --yes to do this") from None
        agreed = False
    if not agreed:
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(1)


def _facts(plan: Plan) -> dict[str, object]:
    steps = [{"what": step.what, "kind": step.kind.value, "detail": step.detail} for step in plan.steps]
    return {"steps": steps, "notes": plan.notes}
