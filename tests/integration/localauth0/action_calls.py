"""A caller of the Management API for the tests of Actions, and a tenant that lets it in."""

from __future__ import annotations

from typing import Any

import requests
from tests.integration.localauth0.acme import TIMEOUT_S, Browser, a_tenant, tokens_of, wait_until

from localauth0 import LocalAuth0

ACTION_SCOPES = ["read:actions", "create:actions", "update:actions", "delete:actions"]
NOOP = "exports.onExecutePostLogin = async (event, api) => {};"


def a_managed_tenant(**changes: Any) -> dict[str, Any]:
    """acme with a machine that may change its Actions."""
    acme = a_tenant()
    manager = {
        "client_id": "manager",
        "client_secret": "manager-secret",
        "name": "Manager",
        "app_type": "non_interactive",
    }
    grant = {"client_id": "manager", "audience": "/api/v2/", "scope": ACTION_SCOPES}
    return {
        **acme,
        "clients": [*acme["clients"], manager],
        "client_grants": [*acme["client_grants"], grant],
        **changes,
    }


def claim_action(value: str) -> str:
    """A post-login Action that puts `value` into the claim `https://acme.example/by`."""
    return (
        "exports.onExecutePostLogin = async (event, api) => {"
        f" api.accessToken.setCustomClaim('https://acme.example/by', '{value}'); }};"
    )


def management_token(tenant: LocalAuth0, *, scope: str | None = None) -> str:
    with Browser(tenant.url, client_id="manager", client_secret="manager-secret") as manager:
        audience = f"{tenant.url}/api/v2/"
        answer = manager.token(grant_type="client_credentials", audience=audience, scope=scope)
    token: str = tokens_of(answer)["access_token"]
    return token


class Manager:
    """Calls the API about Actions."""

    def __init__(self, tenant: LocalAuth0) -> None:
        self.base = f"{tenant.url}/api/v2/actions"
        self.headers = {"Authorization": f"Bearer {management_token(tenant)}"}

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, self.base + path, headers=self.headers, timeout=TIMEOUT_S, **options)

    def answer(self, method: str, path: str, json: Any = None, **options: Any) -> Any:
        """The answer to a call that succeeds."""
        response = self.call(method, path, json=json, **options)
        assert response.ok, response.text
        return response.json() if response.content else None

    def refusal(self, method: str, path: str, json: Any = None) -> tuple[int, str]:
        body = self.call(method, path, json=json).json()
        return body["statusCode"], body["message"]

    def create(self, name: str = "one", **changes: Any) -> dict[str, Any]:
        body = {
            "name": name,
            "supported_triggers": [{"id": "post-login", "version": "v3"}],
            "code": NOOP,
            **changes,
        }
        created: dict[str, Any] = self.answer("POST", "/actions", body)
        return created

    def status(self, action_id: str) -> str:
        return str(self.answer("GET", f"/actions/{action_id}")["status"])

    def wait_until_built(self, action_id: str) -> None:
        wait_until(lambda: self.status(action_id) == "built")

    def deploy(self, action_id: str) -> dict[str, Any]:
        self.wait_until_built(action_id)
        version: dict[str, Any] = self.answer("POST", f"/actions/{action_id}/deploy")
        return version

    def bind(self, *names: str, trigger: str = "post-login") -> list[dict[str, Any]]:
        bindings = [{"ref": {"type": "action_name", "value": name}} for name in names]
        answer = self.answer("PATCH", f"/triggers/{trigger}/bindings", {"bindings": bindings})
        bound: list[dict[str, Any]] = answer["bindings"]
        return bound

    def bound(self, trigger: str = "post-login") -> list[str]:
        answer = self.answer("GET", f"/triggers/{trigger}/bindings")
        return [binding["action"]["name"] for binding in answer["bindings"]]
