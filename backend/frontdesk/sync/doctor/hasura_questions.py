"""Questions about Hasura: there, ours to administer, in the shape of our project, and reading tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from frontdesk.errors import HasuraError, HasuraRejected
from frontdesk.hasura.admin_api import AdminApi
from frontdesk.hasura.deploy import Options, Status, status
from frontdesk.hasura.fields_plan import plan_fields
from frontdesk.hasura.graphql import GraphqlClient
from frontdesk.hasura.migration_record import MigrationState
from frontdesk.hasura.project import Project, read_project
from frontdesk.hasura.target import export, inconsistencies, of_project
from frontdesk.hasura.transport import Deadline
from frontdesk.hasura.user_write import write_for
from frontdesk.hasura.writes import CHECK_IN, ROLE
from frontdesk.identity.fields import FieldRules
from frontdesk.identity.user import Login, Profile, Seen, Source, Stamped, User
from frontdesk.plans import StepKind
from frontdesk.settings import Settings, secret
from frontdesk.sync.doctor.checks import Finding, Once, Question, failed, ok, warning
from frontdesk.sync.doctor.clock import clock_finding
from frontdesk.sync.doctor.jwt_questions import jwt_questions
from frontdesk.sync.doctor.own_questions import SETTINGS
from frontdesk.sync.doctor.wire import Answer, exchange

HASURA, ADMIN, DATABASE = "Hasura", "Hasura's admin secret", "Hasura's database"
CONSISTENT, MIGRATIONS, METADATA = "Hasura's metadata", "migrations", "permissions"
WRITE, CLOCK, FIELDS = "writing as frontdesk", "Hasura's clock", "mapped columns"
WRITE_BUDGET_S = 3.0
_DIFF = "`frontdesk hasura diff` shows every difference, `frontdesk hasura apply` takes them away"


@dataclass(frozen=True)
class _Engine:
    """The Hasura of the settings, with what several questions need of it."""

    settings: Settings
    project_dir: Path
    first_answer: Once[Answer]
    status: Once[Status]

    def api(self) -> AdminApi:
        return AdminApi(self.settings.hasura.url, secret(self.settings.hasura.admin_secret))

    def project(self) -> Project:
        return read_project(self.project_dir, schema=self.settings.hasura.db_schema)


def hasura_questions(settings: Settings, project: Path, clock: Callable[[], float]) -> Iterator[Question]:
    """Give the questions about the Hasura of the settings; `project` is the directory of our project."""
    hasura = settings.hasura
    options = Options(schema=hasura.db_schema, fields=settings.field_rules())
    engine = _Engine(
        settings,
        project,
        Once(lambda: exchange("GET", f"{hasura.url.rstrip('/')}/v1/version", clock=clock)),
        Once(lambda: status(hasura.url, secret(hasura.admin_secret), project, options)),
    )
    yield Question(
        name=HASURA,
        ask=lambda: _reachable(engine),
        fix="check `[hasura] url` (FRONTDESK_HASURA_URL), and that Hasura runs",
        grounds=(SETTINGS,),
    )
    yield Question(
        name=CLOCK,
        ask=lambda: clock_finding(engine.first_answer(), "Hasura"),
        fix="let both machines take their time from a time server (NTP)",
        grounds=(HASURA,),
    )
    yield Question(
        name=ADMIN,
        ask=lambda: _admin(engine),
        fix="put the value of Hasura's HASURA_GRAPHQL_ADMIN_SECRET into FRONTDESK_HASURA_ADMIN_SECRET",
        grounds=(HASURA,),
    )
    yield from _questions_as_admin(engine)
    yield from jwt_questions(settings, (ADMIN,))


def _questions_as_admin(engine: _Engine) -> Iterator[Question]:
    yield Question(
        name=DATABASE,
        ask=lambda: _database(engine),
        fix="look whether PostgreSQL runs and Hasura has its address: the console, Data, Manage",
        grounds=(ADMIN,),
    )
    yield Question(
        name=CONSISTENT,
        ask=lambda: _consistent(engine),
        fix="`frontdesk hasura status` names the objects, `frontdesk hasura apply` brings ours back",
        grounds=(ADMIN,),
    )
    yield Question(
        name=MIGRATIONS,
        ask=lambda: _migrations(engine),
        fix="`frontdesk hasura apply`",
        grounds=(DATABASE,),
    )
    yield Question(name=METADATA, ask=lambda: _metadata(engine), fix=_DIFF, grounds=(DATABASE, MIGRATIONS))
    yield Question(
        name=WRITE,
        ask=lambda: _write(engine.settings),
        fix=_DIFF,
        grounds=(DATABASE, MIGRATIONS),
    )
    yield Question(
        name=FIELDS,
        ask=lambda: _fields(engine),
        fix="`frontdesk fields plan --out hasura`, then `frontdesk hasura apply --project hasura`",
        grounds=(DATABASE, MIGRATIONS),
    )


def _reachable(engine: _Engine) -> Finding:
    url, answer = engine.settings.hasura.url, engine.first_answer()
    version = answer.json().get("version")
    if answer.status != 200 or not isinstance(version, str):
        return failed(
            f"{url}/v1/version is answered with HTTP status {answer.status} and no version: that is no Hasura v2 "
            f"(v3, DDN, has no such API)",
            "frontdesk needs a Hasura v2, such as v2.48; check `[hasura] url` (FRONTDESK_HASURA_URL)",
        )
    if re.match(r"v?[13]\.", version):
        return failed(
            f"the Hasura at {url} is {version}, and frontdesk needs v2",
            "upgrade a v1 by running the image of v2, such as v2.48, on its database; a v3 (DDN) cannot be used",
        )
    return ok(f"Hasura {version} answers at {url}")


def _admin(engine: _Engine) -> Finding:
    with engine.api() as api:
        try:
            export(api)
        except HasuraRejected as error:
            if error.code == "access-denied":
                return failed("Hasura does not take the admin secret of the settings")
            raise
    unguarded = exchange(
        "POST",
        f"{engine.settings.hasura.url.rstrip('/')}/v1/metadata",
        json={"type": "get_inconsistent_metadata", "args": {}},
    )
    if unguarded.status == 200:
        return failed(
            "Hasura runs without an admin secret: everybody who reaches it is admin",
            "start Hasura with HASURA_GRAPHQL_ADMIN_SECRET, and put the same value into FRONTDESK_HASURA_ADMIN_SECRET",
        )
    return ok("Hasura takes the admin secret, and nobody is admin without it")


def _database(engine: _Engine) -> Finding:
    with engine.api() as api:
        rows = api.select("select current_setting('server_version')", source="default")
    return ok(f"the database `default` answers: PostgreSQL {rows[0][0].split()[0] if rows else ''}")


def _consistent(engine: _Engine) -> Finding:
    with engine.api() as api:
        found = inconsistencies(api)
    if not found:
        return ok("Hasura can use all of its metadata")
    own = of_project(found, engine.project())
    told = "; ".join(map(str, (own or found)[:3]))
    if own:
        return failed(f"Hasura cannot use these metadata objects: {told}")
    return warning(
        f"Hasura cannot use something that is not frontdesk's: {told}", "see the console, Settings"
    )


def _migrations(engine: _Engine) -> Finding:
    found = engine.status()
    if found.plan.obstacles:
        told = "; ".join(f"{step.what}: {step.detail}" for step in found.plan.obstacles)
        return failed(told, "decide on it as `frontdesk hasura status` says, then `frontdesk hasura apply`")
    pending = [name for name, state in found.migrations if state is not MigrationState.APPLIED]
    if pending:
        return failed(
            f"{len(pending)} of {len(found.migrations)} migrations are not applied: {_some(pending)}"
        )
    return ok(f"all {len(found.migrations)} migrations are applied")


def _metadata(engine: _Engine) -> Finding:
    found = engine.status()
    differing = [
        f"{step.what.removeprefix('metadata of ')}: {step.detail or 'is not tracked'}"
        for step in found.plan.steps
        if step.what.startswith("metadata") and step.kind not in (StepKind.KEEP, StepKind.CANNOT)
    ]
    if differing:
        return failed(f"Hasura's metadata is not as shipped: {_some(differing)}")
    return ok("tables, relationships and permissions of our roles are as shipped")


def _fields(engine: _Engine) -> Finding:
    hasura, rules = engine.settings.hasura, engine.settings.field_rules()
    options = Options(schema=hasura.db_schema)
    plan = plan_fields(hasura.url, secret(hasura.admin_secret), engine.project_dir, rules, options)
    if missing := [f"{step.what}: {step.detail}" for step in plan.steps if step.kind is not StepKind.KEEP]:
        return failed(f"Hasura is not as [fields] says: {_some(missing)}")
    return ok(f"Hasura has what [fields] needs ({len(rules.rules)} columns under a rule)")


def _write(settings: Settings) -> Finding:
    """Send the very mutation of a login, for no user at all: Hasura checks it against the role and writes nothing."""
    client = GraphqlClient(settings.hasura.url, admin_secret=secret(settings.hasura.admin_secret), role=ROLE)
    variables: dict[str, Any] = {"objects": [], "updateColumns": _columns_of_a_login(settings.field_rules())}
    try:
        client.execute(
            CHECK_IN, variables, tenant=next(iter(settings.tenants)), deadline=Deadline.after(WRITE_BUDGET_S)
        )
    except HasuraError as error:
        return failed(f"the role {ROLE} may not write users: {error.detail}")
    finally:
        client.close()
    return ok(f"the role {ROLE} may write users (asked with no row, so nothing was written)")


def _columns_of_a_login(rules: FieldRules) -> tuple[str, ...]:
    """Return what a login that carries everything may change."""
    at = datetime.fromtimestamp(0, UTC)
    user = User(
        tenant="",
        user_id="",
        source=Source.LOGIN,
        profile=Stamped(Profile(), at),
        app_metadata=Stamped(None, at),
        user_metadata=Stamped(None, at),
        roles=Stamped((), at),
        seen=Stamped(Seen(), at),
        login=Stamped(Login(), at),
        logins_count=0,
    )
    return write_for(user, write_id=uuid4(), rules=rules).columns


def _some(names: list[str], most: int = 4) -> str:
    return "; ".join(names[:most]) + (f"; and {len(names) - most} more" if len(names) > most else "")
