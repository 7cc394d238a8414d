"""The two sides of one tenant that a reconcile compares, and frontdesk's own database between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from frontdesk.auth0.access import management_api
from frontdesk.auth0.management import ManagementApi
from frontdesk.hasura.directory import Directory
from frontdesk.hasura.fingerprint import OUR_COLUMNS, Column, Form, Layout
from frontdesk.hasura.rows import UserRows
from frontdesk.hasura.tenant_rows import TenantRows
from frontdesk.hasura.writes import UserWriter
from frontdesk.identity.field_types import FieldType
from frontdesk.identity.fields import NO_RULES, FieldRules, Owner
from frontdesk.identity.filters import EVERYBODY, UserFilter
from frontdesk.settings import Settings
from frontdesk.store.database import Database
from frontdesk.sync.hasura_side import hasura_side
from frontdesk.sync.reconcile.brake import Brake

# Hears a phase, how much of it is done, and of how many when that is known.
Tell = Callable[[str, int, int | None], None]

_FORMS = {
    FieldType.TIMESTAMP: Form.TIME,
    FieldType.INTEGER: Form.NUMBER,
    FieldType.NUMBER: Form.NUMBER,
}


def _nothing(_phase: str, _done: int, _total: int | None) -> None:
    pass


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a reconcile of one tenant works with. `api` is None where only a file is read."""

    tenant: str
    database: Database
    api: ManagementApi | None
    rows: UserRows
    others: TenantRows
    writer: UserWriter
    directory: Directory
    rules: FieldRules = NO_RULES
    filter: UserFilter = EVERYBODY
    brake: Brake = field(default_factory=Brake)
    batch_rows: int = 500
    batch_budget_s: float = 30.0
    job_from_users: int = 5000
    job_wait_s: float = 7200.0
    now: Callable[[], datetime] = _now
    tell: Tell = _nothing

    @property
    def layout(self) -> Layout:
        """Return which columns are compared: those that a sync writes each time."""
        return layout_of(self.rules)


def layout_of(rules: FieldRules) -> Layout:
    """Return which columns are compared under these rules: those that a sync writes each time."""
    mapped = (
        Column(rule.graphql_name, rule.group or "", _FORMS.get(rule.type, Form.VALUE))
        for rule in rules.columns
        if rule.owner is Owner.AUTH0
    )
    return Layout((*OUR_COLUMNS, *mapped))


@contextmanager
def place_of(
    settings: Settings,
    tenant: str,
    database: Database,
    *,
    max_rps: float | None = None,
    with_auth0: bool = True,
    tell: Tell = _nothing,
) -> Iterator[Place]:
    """Give the place of a tenant of the settings; its connections are closed at the end."""
    with ExitStack() as stack:
        hasura = stack.enter_context(hasura_side(settings))
        api = stack.enter_context(management_api(settings, tenant, max_rps=max_rps)) if with_auth0 else None
        yield Place(
            tenant=tenant,
            database=database,
            api=api,
            rows=hasura.rows,
            others=hasura.others,
            writer=hasura.writer,
            directory=hasura.directory,
            rules=hasura.rules,
            filter=settings.user_filter(),
            brake=Brake(percent=settings.reconcile.brake_percent, rows=settings.reconcile.brake_rows),
            batch_rows=settings.imports.batch_rows,
            batch_budget_s=settings.imports.batch_budget_s,
            job_from_users=settings.imports.job_from_users,
            job_wait_s=settings.imports.job_wait_s,
            tell=tell,
        )
