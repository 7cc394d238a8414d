"""A caller of the Management API for the tests of Actions."""

from __future__ import annotations

from typing import Any

from tests.integration.localauth0.acme import wait_until
from tests.integration.localauth0.managed import Operator

from localauth0 import LocalAuth0

NOOP = "exports.onExecutePostLogin = async (event, api) => {};"


def an_action(name: str = "one", **changes: Any) -> dict[str, Any]:
    """The body that creates a post-login Action which does nothing."""
    trigger = {"id": "post-login", "version": "v3"}
    return {"name": name, "supported_triggers": [trigger], "code": NOOP, **changes}


def claim_action(value: str) -> str:
    """A post-login Action that puts `value` into the claim `https://acme.example/by`."""
    return (
        "exports.onExecutePostLogin = async (event, api) => {"
        f" api.accessToken.setCustomClaim('https://acme.example/by', '{value}'); }};"
    )


def flow_of(*names: str) -> dict[str, Any]:
    """The body that binds the Actions of these names, in this order, and no others."""
    return {"bindings": [{"ref": {"type": "action_name", "value": name}} for name in names]}


class Manager(Operator):
    """Calls the API about Actions; paths begin below `/api/v2/actions`."""

    def __init__(self, tenant: LocalAuth0, *, scope: str | None = None) -> None:
        super().__init__(tenant, scope=scope)
        self.base += "/actions"

    def create(self, name: str = "one", **changes: Any) -> dict[str, Any]:
        created: dict[str, Any] = self.answer("POST", "/actions", an_action(name, **changes))
        return created

    def status(self, action_id: str) -> str:
        return str(self.answer("GET", f"/actions/{action_id}")["status"])

    def wait_until_built(self, action_id: str) -> None:
        wait_until(lambda: self.status(action_id) == "built")

    def deploy(self, action_id: str) -> dict[str, Any]:
        self.wait_until_built(action_id)
        version: dict[str, Any] = self.answer("POST", f"/actions/{action_id}/deploy")
        return version

    def bind(self, *names: str) -> list[dict[str, Any]]:
        answer = self.answer("PATCH", "/triggers/post-login/bindings", flow_of(*names))
        bound: list[dict[str, Any]] = answer["bindings"]
        return bound

    def bound(self) -> list[str]:
        answer = self.answer("GET", "/triggers/post-login/bindings")
        return [binding["action"]["name"] for binding in answer["bindings"]]
