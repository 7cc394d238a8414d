"""A tenant of localauth0, its rows in a real engine, and the reconcile between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from tests.integration.hasura.engine import ADMIN_SECRET

from frontdesk.auth0.everyone import Way
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
from localauth0 import LocalAuth0

MACHINE = {"client_id": "machine", "client_secret": "the-secret-of-the-machine-0123456789"}
CREATED = "2026-01-05T08:00:00.000Z"
UPDATED = "2026-02-05T08:00:00.123Z"


def a_user(number: int, **fields: Any) -> dict[str, Any]:
    """Return a user of a tenant file; all are older than any reading."""
    return {
        "user_id": f"auth0|{number:04}",
        "email": f"user{number}@example.com",
        "email_verified": True,
        "name": f"User {number}",
        "created_at": CREATED,
        "updated_at": UPDATED,
        "app_metadata": {"seats": number},
        "user_metadata": {"company": "Globex"},
        **fields,
    }


def a_tenant(users: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a tenant file with a machine that may call the whole Management API."""
    return {
        "tenant": "acme",
        "clients": [{**MACHINE, "name": "Machine", "app_type": "non_interactive"}],
        "client_grants": [{"client_id": "machine", "audience": "/api/v2/", "allow_all_scopes": True}],
        "connections": [
            {"id": "con_0000000000000001", "name": "Username-Password-Authentication", "strategy": "auth0"}
        ],
        "users": users,
        **more,
    }


@dataclass
class House:
    """Both sides of one tenant, and hands on the rows that pass by every rule."""

    tenant: str
    auth0: LocalAuth0
    hasura_url: str
    rows: psycopg.Connection[DictRow]
    store: Database
    rules: FieldRules = NO_RULES
    filter: UserFilter = EVERYBODY
    brake: Brake = field(default_factory=Brake)
    changes: dict[str, Any] = field(default_factory=dict)

    def look(self, **order: Any) -> Report:
        """Compare, and change nothing."""
        return self.run(Order(**{"way": Way.JOB, **order}))

    def repair(self, **order: Any) -> Report:
        """Compare and repair."""
        return self.run(Order(**{"way": Way.JOB, **order}, repair=True))

    def run(self, order: Order) -> Report:
        with self.place() as place:
            return reconcile(place, order)

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Give what a reconcile works with."""
        access = Credentials(client_id=MACHINE["client_id"], client_secret=MACHINE["client_secret"])
        rows = UserRows(self.hasura_url, ADMIN_SECRET, rules=self.rules)
        others, directory = (
            TenantRows(self.hasura_url, ADMIN_SECRET),
            Directory(self.hasura_url, ADMIN_SECRET),
        )
        writer = UserWriter(self.hasura_url, ADMIN_SECRET, rules=self.rules)
        with ExitStack() as stack:
            api = stack.enter_context(ManagementApi(self.auth0.url, access))
            for each in (rows, others, directory, writer):
                stack.callback(each.close)
            place = Place(
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
            yield replace(place, **self.changes)

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
