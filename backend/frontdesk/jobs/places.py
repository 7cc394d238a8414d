"""What the jobs of one process share: Hasura's clients, and one Management API for each tenant with its pace."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from frontdesk.auth0.access import management_api
from frontdesk.auth0.management import ManagementApi
from frontdesk.hasura.activities import ActivityWriter
from frontdesk.settings import Settings, secret
from frontdesk.store.database import Database
from frontdesk.store.inbox import Inbox
from frontdesk.store.inbox_load import QueueBound
from frontdesk.store.queue import Queue
from frontdesk.store.stream_marks import StreamMarks
from frontdesk.store.worker_numbers import WorkerNumbers
from frontdesk.sync.hasura_side import HasuraSide, hasura_side
from frontdesk.sync.ingest import IngestPlace
from frontdesk.sync.refreshing import RefreshDesk
from frontdesk.sync.users.desk import UserDesk

# A job that waits for Auth0 is in the place of another one: it is tried again later instead.
CALL_BUDGET_S, WAIT_BUDGET_S = 10.0, 10.0


class Places:
    """Opens what a job asks for, once, and closes everything at the end. Threads share it."""

    def __init__(self, settings: Settings, database: Database, numbers: WorkerNumbers) -> None:
        self.settings, self.database, self.numbers = settings, database, numbers
        bound = QueueBound(settings.queue.max_waiting, settings.queue.max_waiting_mb * 1024 * 1024)
        self.inbox, self.queue, self.marks = Inbox(database, bound), Queue(database), StreamMarks(database)
        self._lock, self._opened = threading.RLock(), ExitStack()
        self._apis: dict[str, ManagementApi] = {}
        self._hasura: HasuraSide | None = None
        self._activities: ActivityWriter | None = None

    def __enter__(self) -> Places:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections but those of the database."""
        with self._lock:
            self._apis, self._hasura, self._activities = {}, None, None
            self._opened.close()

    def reads_auth0(self, tenant: str) -> bool:
        """Tell whether the tenant has an application of ours, which reads what records hint at."""
        own = self.settings.tenants[tenant]
        return own.management_client_id is not None and own.management_client_secret is not None

    def api(self, tenant: str) -> ManagementApi:
        """Return the tenant's Management API; all jobs share its token and its pace. Raises SettingsInvalid."""
        with self._lock:
            if tenant not in self._apis:
                api = management_api(
                    self.settings, tenant, call_budget_s=CALL_BUDGET_S, wait_budget_s=WAIT_BUDGET_S
                )
                self._apis[tenant] = self._opened.enter_context(api)
            return self._apis[tenant]

    def hasura(self) -> HasuraSide:
        """Return the clients of Hasura."""
        with self._lock:
            if self._hasura is None:
                self._hasura = self._opened.enter_context(hasura_side(self.settings))
            return self._hasura

    def activities(self) -> ActivityWriter:
        """Return what adds activities."""
        with self._lock:
            if self._activities is None:
                hasura = self.settings.hasura
                self._activities = ActivityWriter(hasura.url, secret(hasura.admin_secret))
                self._opened.callback(self._activities.close)
            return self._activities

    def ingest_place(self, tenant: str) -> IngestPlace:
        """Return what the ingest of a tenant works with."""
        return IngestPlace(
            tenant=tenant,
            users=self.hasura().writer,
            activities=self.activities(),
            inbox=self.inbox,
            queue=self.queue,
            marks=self.marks,
            reads_auth0=self.reads_auth0(tenant),
            filter=self.settings.user_filter(),
        )

    def refresh_desk(self, tenant: str) -> RefreshDesk:
        """Return what reads a tenant again. Raises SettingsInvalid without an application."""
        hasura = self.hasura()
        desk = UserDesk(
            tenant=tenant,
            api=self.api(tenant),
            writer=hasura.writer,
            rows=hasura.rows,
            eraser=hasura.directory,
            rules=hasura.rules,
            filter=self.settings.user_filter(),
        )
        return RefreshDesk(desk=desk, directory=hasura.directory)

    def tell_numbers(self) -> None:
        """Write what was counted, and what the rate limits leave. Raises StoreUnavailable."""
        with self._lock:
            apis = dict(self._apis)
        for tenant, api in apis.items():
            for group, (remaining, limit) in api.room.items():
                self.numbers.set("auth0_rate_limit_remaining", remaining, tenant=tenant, group=group)
                self.numbers.set("auth0_rate_limit_limit", limit, tenant=tenant, group=group)
        self.numbers.write()
