"""A tenant of localauth0, its rows in a real engine, and imports between them: in this process, or by the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.reconcile.scripted_tenant import ScriptedTenant

from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.hasura.directory import Directory
from frontdesk.hasura.rows import UserRows
from frontdesk.hasura.writes import UserWriter
from frontdesk.identity.filters import EVERYBODY, UserFilter
from frontdesk.store.database import Database
from frontdesk.sync.importing.desk import ImportDesk, ImportOrder
from frontdesk.sync.importing.report import ImportReport
from frontdesk.sync.importing.run import import_tenant
from localauth0 import LocalAuth0
from localauth0.generator import CLIENT_ID, CLIENT_SECRET

GENERATED = Credentials(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)


@dataclass
class Notes:
    """A listener that remembers."""

    phases: list[str] = field(default_factory=list)
    steps: list[tuple[int, int | None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def phase(self, name: str, sentence: str) -> None:
        self.phases.append(f"{name}: {sentence}")

    def progress(self, done: int, total: int | None) -> None:
        self.steps.append((done, total))

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


@dataclass
class House:
    """Both sides of one tenant."""

    tenant: str
    auth0: LocalAuth0 | ScriptedTenant
    credentials: Credentials
    hasura_url: str
    rows: psycopg.Connection[DictRow]
    store: Database
    store_url: str
    filter: UserFilter = EVERYBODY
    changes: dict[str, Any] = field(default_factory=dict)
    heard: Notes = field(default_factory=Notes)

    def run(self, **order: Any) -> ImportReport:
        """Import in this process."""
        with self.desk() as desk:
            return import_tenant(desk, ImportOrder(**order), self.heard)

    @contextmanager
    def desk(self) -> Iterator[ImportDesk]:
        """Give what an import works with."""
        writer, rows = UserWriter(self.hasura_url, ADMIN_SECRET), UserRows(self.hasura_url, ADMIN_SECRET)
        directory = Directory(self.hasura_url, ADMIN_SECRET)
        with ExitStack() as stack:
            for each in (writer, rows, directory):
                stack.callback(each.close)
            desk = ImportDesk(
                tenant=self.tenant,
                database=self.store,
                api=stack.enter_context(ManagementApi(self.auth0.url, self.credentials)),
                writer=writer,
                rows=rows,
                directory=directory,
                filter=self.filter,
            )
            yield replace(desk, **self.changes)

    def command(self, *arguments: str) -> list[str]:
        """Return the command that imports this tenant, the only one of its settings."""
        return [sys.executable, "-m", "frontdesk", "import", *arguments]

    def environment(self, **variables: str) -> dict[str, str]:
        """Return the settings of the command, and nothing else."""
        prefix = f"FRONTDESK_TENANTS_{self.tenant.upper()}_"
        return {
            "PATH": os.environ["PATH"],
            "FRONTDESK_HASURA_URL": self.hasura_url,
            "FRONTDESK_HASURA_ADMIN_SECRET": ADMIN_SECRET,
            "FRONTDESK_DATABASE_URL": self.store_url,
            f"{prefix}DOMAIN": "acme.eu.auth0.com",
            f"{prefix}MANAGEMENT_URL": self.auth0.url,
            f"{prefix}AUDIENCE": "https://api.example.com",
            f"{prefix}MANAGEMENT_CLIENT_ID": self.credentials.client_id,
            f"{prefix}MANAGEMENT_CLIENT_SECRET": self.credentials.client_secret,
            f"{prefix}HOOK_SECRETS": f"whsec_{b64encode(self.tenant.ljust(32, '-').encode()).decode()}",
            **variables,
        }

    def imported(self, place: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command in `place` to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=place,
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            timeout=120,
        )

    def table(self, name: str, *without: str) -> list[dict[str, Any]]:
        """Return a table's rows of this tenant, in order, without some columns."""
        found = self.rows.execute(f"SELECT * FROM public.{name} WHERE tenant = %s".encode(), (self.tenant,))
        rows = [{key: value for key, value in row.items() if key not in without} for row in found]
        return sorted(rows, key=repr)

    def row(self, user_id: str) -> dict[str, Any]:
        """Return the row of a user, which has to be there."""
        row = self.rows.execute(
            "SELECT * FROM public.users WHERE tenant = %s AND user_id = %s", (self.tenant, user_id)
        ).fetchone()
        assert row is not None
        return row


def json_lines(text: str) -> list[dict[str, Any]]:
    """Return what a command printed with --json."""
    return [json.loads(line) for line in text.splitlines()]
