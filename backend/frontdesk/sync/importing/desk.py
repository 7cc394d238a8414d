"""What an import of one tenant works with, and what it is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from frontdesk.auth0.access import management_api
from frontdesk.auth0.everyone import Way
from frontdesk.auth0.management import ManagementApi
from frontdesk.errors import UsageError
from frontdesk.hasura.directory import Directory
from frontdesk.hasura.rows import UserRows
from frontdesk.identity.filters import EVERYBODY, UserFilter
from frontdesk.settings import Settings
from frontdesk.store.database import Database
from frontdesk.store.passes import TENANT_SOURCE
from frontdesk.sync.hasura_side import hasura_side
from frontdesk.sync.importing.batch import BulkWriter

# How long an outage of Hasura is waited for: a restart takes less, a lost database does not end.
PATIENCE_S = 120.0


@dataclass(frozen=True, kw_only=True)
class ImportOrder:
    """One import. `way` None: by the number of users. `file` is an export to read instead; `-` is standard input.

    `restart` drops what an unfinished import has read; `rejects` is where rejects go, None: into the current folder.
    """

    way: Way | None = None
    file: Path | None = None
    roles: bool = True
    organizations: bool = True
    restart: bool = False
    patience_s: float = PATIENCE_S
    rejects: Path | None = None

    @property
    def source(self) -> str:
        """What the pass of this import reads: two of different sources are different imports."""
        if self.file is None:
            return TENANT_SOURCE
        return "-" if self.from_stdin else str(self.file.absolute())

    @property
    def from_stdin(self) -> bool:
        """Whether it reads standard input, which nobody can read again."""
        return self.file == Path("-")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class ImportDesk:
    """Both sides of a tenant. `api` is None where only a file is read: then nobody is asked about roles or totals."""

    tenant: str
    database: Database
    api: ManagementApi | None
    writer: BulkWriter
    rows: UserRows
    directory: Directory
    filter: UserFilter = EVERYBODY
    batch_rows: int = 500
    batch_budget_s: float = 30.0
    job_from_users: int = 5000
    job_wait_s: float = 7200.0
    clock: Callable[[], datetime] = _now

    def needed_api(self) -> ManagementApi:
        """Return the Management API, for what cannot be done without it."""
        if self.api is None:
            raise UsageError(
                "a tenant is read through its Management API; without one, name a file with --from"
            )
        return self.api


@contextmanager
def import_desk(
    settings: Settings, tenant: str, database: Database, *, with_auth0: bool, max_rps: float | None = None
) -> Iterator[ImportDesk]:
    """Give the desk of a tenant of the settings; its connections are closed at the end."""
    with ExitStack() as opened:
        hasura = opened.enter_context(hasura_side(settings))
        api = opened.enter_context(management_api(settings, tenant, max_rps=max_rps)) if with_auth0 else None
        yield ImportDesk(
            tenant=tenant,
            database=database,
            api=api,
            writer=hasura.writer,
            rows=hasura.rows,
            directory=hasura.directory,
            filter=settings.user_filter(),
            batch_rows=settings.imports.batch_rows,
            batch_budget_s=settings.imports.batch_budget_s,
            job_from_users=settings.imports.job_from_users,
            job_wait_s=settings.imports.job_wait_s,
        )
