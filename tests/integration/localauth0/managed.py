"""A tenant that a machine may set up through the Management API, and that machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import requests
from auth0.management.client import Auth0
from tests.integration.localauth0.acme import TIMEOUT_S, Browser, a_tenant, tokens_of

from localauth0 import LocalAuth0

OPERATOR, OPERATOR_SECRET = "operator", "operator-secret"


def an_operated_tenant(**changes: Any) -> dict[str, Any]:
    """acme with a machine that has every scope of the Management API."""
    acme = a_tenant()
    operator = {
        "client_id": OPERATOR,
        "client_secret": OPERATOR_SECRET,
        "name": "Operator",
        "app_type": "non_interactive",
    }
    grant = {"client_id": OPERATOR, "audience": "/api/v2/", "allow_all_scopes": True}
    return {
        **acme,
        "clients": [*acme["clients"], operator],
        "client_grants": [*acme["client_grants"], grant],
        **changes,
    }


def operator_token(tenant: LocalAuth0, *, scope: str | None = None) -> str:
    """A Management API token with all scopes, or with those of `scope`."""
    with Browser(tenant.url, client_id=OPERATOR, client_secret=OPERATOR_SECRET) as operator:
        audience = f"{tenant.url}/api/v2/"
        answer = operator.token(grant_type="client_credentials", audience=audience, scope=scope)
    return str(tokens_of(answer)["access_token"])


class Operator:
    """Calls the Management API as it stands, without an SDK."""

    def __init__(self, tenant: LocalAuth0, *, scope: str | None = None, token: str | None = None) -> None:
        self.base = f"{tenant.url}/api/v2"
        self.headers = {"Authorization": f"Bearer {token or operator_token(tenant, scope=scope)}"}

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        return requests.request(
            method, self.base + path, json=body, headers=self.headers, timeout=TIMEOUT_S, **options
        )

    def answer(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The answer to a call that succeeds."""
        response = self.call(method, path, body, **options)
        assert response.ok, response.text
        return response.json() if response.content else None

    def refusal(
        self, method: str, path: str, body: Any = None, **options: Any
    ) -> tuple[int, str, str | None]:
        """Status, message and error code of a call that fails."""
        response = self.call(method, path, body, **options)
        problem = response.json()
        assert problem["statusCode"] == response.status_code
        return response.status_code, problem["message"], problem.get("errorCode")


@contextmanager
def sdk(tenant: LocalAuth0) -> Iterator[Auth0]:
    """The official SDK's client."""
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        yield Auth0(base_url=f"{tenant.url}/api/v2", token=operator_token(tenant), httpx_client=http)
