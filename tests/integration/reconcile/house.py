"""Both sides of a tenant: what Auth0 says, its rows in a real engine, and the reconcile between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from tests.integration.auth0.reading_server import CREDENTIALS
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.reconcile.scripted_tenant import ScriptedTenant

from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.hasura.directory import Directory
from frontdesk.hasura.rows import UserRows
from frontdesk.hasura.tenant_rows import TenantRows
from frontdesk.hasura.writes import UserWriter
from frontdesk.identity.fields import NO_RULES, FieldRules
from frontdesk.identity.filters import EVERYBODY, UserFilter
from frontdesk.store.database import Database
from frontdesk.sync.reconcile import Order, Place, Report, reconcile
from frontdesk.sync.reconcile.brake import Brake


@dataclass
class House:
    """Both sides of one tenant, and hands on the rows that pass by every rule."""

    tenant: str
    auth0: ScriptedTenant
    hasura_url: str
    rows: psycopg.Connection[DictRow]
    store: Database
    rules: FieldRules = NO_RULES
    filter: UserFilter = EVERYBODY
    brake: Brake = field(default_factory=Brake)
    access: Credentials = CREDENTIALS
    auth0_url: str | None = None

    def look(self, **order: Any) -> Report:
        """Compare, and change nothing."""
        return self.run(Order(**order))

    def repair(self, **order: Any) -> Report:
        """Compare and repair."""
        return self.run(Order(repair=True, **order))

    def run(self, order: Order) -> Report:
        with self.place() as place:
            return reconcile(place, order)

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Give what a reconcile works with."""
        rows = UserRows(self.hasura_url, ADMIN_SECRET, rules=self.rules)
        others, directory = (
            TenantRows(self.hasura_url, ADMIN_SECRET),
            Directory(self.hasura_url, ADMIN_SECRET),
        )
        writer = UserWriter(self.hasura_url, ADMIN_SECRET, rules=self.rules)
        with ExitStack() as stack:
            api = stack.enter_context(ManagementApi(self.auth0_url or self.auth0.url, self.access))
            for each in (rows, others, directory, writer):
                stack.callback(each.close)
            yield Place(
                tenant=self.tenant,
                database=self.store,
                api=api,
                rows=rows,
                others=others,
                writer=writer,
                directory=directory,
                rules=self.rules,
                filter=self.filter,
                brake=self.brake,
            )

    def row(self, user_id: str) -> dict[str, Any] | None:
        """Return a row as PostgreSQL has it."""
        return self.rows.execute(
            "SELECT * FROM public.users WHERE tenant = %s AND user_id = %s", (self.tenant, user_id)
        ).fetchone()

    def there(self, user_id: str) -> dict[str, Any]:
        """Return a row that has to be there."""
        row = self.row(user_id)
        assert row is not None
        return row

    def by_hand(self, user_id: str, **columns: Any) -> None:
        """Change columns of a row with the triggers off, as a restore or a hasty hand does."""
        names = ", ".join(f"{name} = %s" for name in columns)
        values = [Jsonb(value) if isinstance(value, dict | list) else value for value in columns.values()]
        self.quietly(
            f"UPDATE public.users SET {names} WHERE tenant = %s AND user_id = %s",
            *values,
            self.tenant,
            user_id,
        )

    def quietly(self, statement: str, *values: Any) -> None:
        """Run a statement with the triggers off."""
        with self.rows.transaction():
            self.rows.execute("SET LOCAL session_replication_role = replica")
            self.rows.execute(statement.encode(), values)

    def a_row_without_user(self, user_id: str, **columns: Any) -> None:
        """Add a row that nobody at Auth0 belongs to."""
        columns = {"tenant": self.tenant, "user_id": user_id, **columns}
        marks = ", ".join(["%s"] * len(columns))
        statement = f"INSERT INTO public.users ({', '.join(columns)}) VALUES ({marks})"
        self.rows.execute(statement.encode(), tuple(columns.values()))


def kinds(report: Report) -> Mapping[str, int]:
    """Return what was found, without what there is none of."""
    return {name: number for name, number in report.as_json()["found"].items() if number}


def connect(url: str) -> psycopg.Connection[DictRow]:
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)
