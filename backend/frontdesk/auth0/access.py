"""The Management API of a tenant of the settings, with the tenant's own application and pace."""

from __future__ import annotations

from frontdesk.auth0.management import CALL_BUDGET_S, WAIT_BUDGET_S, Credentials, ManagementApi
from frontdesk.errors import SettingsInvalid
from frontdesk.settings import Settings, secret


def management_api(
    settings: Settings,
    tenant_key: str,
    *,
    max_rps: float | None = None,
    call_budget_s: float = CALL_BUDGET_S,
    wait_budget_s: float = WAIT_BUDGET_S,
) -> ManagementApi:
    """Return the Management API of a tenant, with the application of the settings.

    `max_rps` goes before the tenant's own. Raises SettingsInvalid when the settings have no application.
    """
    tenant = settings.tenants[tenant_key]
    client_id, client_secret = tenant.management_client_id, tenant.management_client_secret
    if client_id is None or client_secret is None:
        missing = "MANAGEMENT_CLIENT_ID" if client_id is None else "MANAGEMENT_CLIENT_SECRET"
        fault = (
            f"FRONTDESK_TENANTS_{tenant_key.upper()}_{missing}: expected the machine-to-machine application that "
            f"calls the Management API, it is not set; `frontdesk auth0 setup` makes one"
        )
        raise SettingsInvalid([fault])
    access = Credentials(client_id=client_id, client_secret=secret(client_secret))
    return ManagementApi(
        tenant.management_url,
        access,
        max_rps=max_rps or tenant.max_rps,
        call_budget_s=call_budget_s,
        wait_budget_s=wait_budget_s,
    )
