"""Imports of several tenants at once, each with a client, a pace and a lock of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from frontdesk.errors import FrontdeskError
from frontdesk.settings import Settings
from frontdesk.store.database import MAX_CONNECTIONS, Database
from frontdesk.sync.importing.desk import ImportOrder, import_desk
from frontdesk.sync.importing.listener import Listener
from frontdesk.sync.importing.report import ImportReport
from frontdesk.sync.importing.run import import_tenant

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class TenantOutcome:
    """What became of one tenant: a report, or the sentence of what stopped it."""

    tenant: str
    report: ImportReport | None = None
    failure: str | None = None
    exit_code: int = 1

    @property
    def is_well(self) -> bool:
        """Whether the tenant is in Hasura, with the numbers to prove it."""
        return self.report is not None and self.report.verdict.proven


def import_from_settings(
    settings: Settings,
    url: str,
    tenant: str,
    order: ImportOrder,
    listener: Listener,
    *,
    max_rps: float | None,
) -> ImportReport:
    """Import one tenant of the settings; `url` is of frontdesk's own database. Raises as `import_tenant` does."""
    own = settings.tenants[tenant]
    has_application = own.management_client_id is not None and own.management_client_secret is not None
    with_auth0 = order.file is None or has_application
    if not with_auth0:
        listener.note(
            "No management application is in the settings: roles, organizations and totals are not read."
        )
    with Database(url, max_connections=MAX_CONNECTIONS) as database:
        database.refuse_other_revision()
        with import_desk(settings, tenant, database, with_auth0=with_auth0, max_rps=max_rps) as desk:
            return import_tenant(desk, order, listener)


def import_many(
    settings: Settings,
    url: str,
    tenants: Sequence[str],
    order: ImportOrder,
    listener_for: Callable[[str], Listener],
    *,
    max_rps: float | None,
) -> list[TenantOutcome]:
    """Import tenants side by side and return what became of each, in their order; one's failure stops no other."""
    outcomes: dict[str, TenantOutcome] = {}

    def import_one(tenant: str) -> None:
        outcomes[tenant] = TenantOutcome(tenant=tenant, failure="it ended in a way that was not foreseen")
        try:
            report = import_from_settings(settings, url, tenant, order, listener_for(tenant), max_rps=max_rps)
        except FrontdeskError as error:
            outcomes[tenant] = TenantOutcome(tenant=tenant, failure=error.detail, exit_code=error.exit_code)
        except Exception as error:  # noqa: BLE001 - the other tenants go on
            _log.exception("import.crashed", tenant=tenant)
            outcomes[tenant] = TenantOutcome(
                tenant=tenant, failure=f"a fault of frontdesk: {type(error).__name__}"
            )
        else:
            outcomes[tenant] = TenantOutcome(
                tenant=tenant, report=report, exit_code=0 if report.verdict.proven else 1
            )

    # Daemons: somebody who interrupts the command waits for no tenant. A kill at any moment costs nothing.
    threads = [threading.Thread(target=import_one, args=(tenant,), daemon=True) for tenant in tenants]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [outcomes[tenant] for tenant in tenants]
