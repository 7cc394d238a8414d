"""A running tenant with an application that may do with Actions what frontdesk does, and our Actions for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from frontdesk.auth0.action_deploy import Patience, carry_out
from frontdesk.auth0.action_plan import ActionsPlan, Choices, plan_actions
from frontdesk.auth0.action_state import bindings_of, held_actions
from frontdesk.auth0.actions import RenderedAction, rendered_actions
from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.auth0.scopes import MACHINE_SCOPES
from frontdesk.settings import Settings, load_settings
from localauth0 import LocalAuth0

CLIENT_ID, CLIENT_SECRET = "m2m", "secret-of-the-machine"
CREDENTIALS = Credentials(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
OTHER_HOOK_SECRET = "whsec_dGhpcyBpcyBhbm90aGVyIHNlY3JldCBvZiAzMiBieXRlcw=="
NOT_OURS = "exports.onExecutePostLogin = async (event, api) => {};"


def a_tenant_of_machines(*actions: str, **changes: Any) -> dict[str, Any]:
    """A tenant file whose Actions of these names are other people's, bound to post-login in this order."""
    return {
        "tenant": "acme",
        "clients": [
            {
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "name": "frontdesk",
                "app_type": "non_interactive",
            }
        ],
        "client_grants": [
            {
                "client_id": CLIENT_ID,
                "audience": "/api/v2/",
                "scope": sorted(MACHINE_SCOPES | {"delete:actions"}),
            }
        ],
        "actions": [{"name": name, "trigger": "post-login", "code": NOT_OURS} for name in actions],
        "bindings": {"post-login": list(actions)} if actions else {},
        "action_builds": {"seconds": 0.05, "looks": 1},
        **changes,
    }


def some_settings(url: str = "https://frontdesk.example.com", **changes: str) -> Settings:
    """Settings of the tenant acme; `changes` are variables without their FRONTDESK_."""
    variables = {
        "HASURA_URL": "https://hasura.example.com",
        "HASURA_ADMIN_SECRET": "admin-secret-of-hasura",
        "TENANTS_ACME_DOMAIN": "acme.eu.auth0.com",
        "TENANTS_ACME_AUDIENCE": "https://api.example.com",
        "TENANTS_ACME_HOOK_SECRETS": HOOK_SECRET,
        "ACTION_URL": url,
        **changes,
    }
    return load_settings({f"FRONTDESK_{name}": value for name, value in variables.items()})


def our_actions(*names: str, **changes: str) -> tuple[RenderedAction, ...]:
    """Our Actions, rendered from `some_settings`."""
    return rendered_actions(some_settings(**changes), "acme", names or ("post-login",))


def with_code(action: RenderedAction, code: str) -> RenderedAction:
    """The Action with another source below its marker, which it need not fit."""
    return replace(action, code=f"{action.code.partition(chr(10))[0]}\n{code}")


@dataclass(frozen=True)
class Tenant:
    """A running tenant through the Management API, as frontdesk's application."""

    api: ManagementApi

    def plan(self, actions: Sequence[RenderedAction], **choices: Any) -> ActionsPlan:
        return plan_actions(self.api, actions, Choices(**choices))

    def deploy(self, actions: Sequence[RenderedAction], **choices: Any) -> tuple[str, ...]:
        """Plan and carry out; return what was done."""
        patience = Patience(build_s=10, deploy_s=10)
        return carry_out(self.api, self.plan(actions, **choices), patience=patience)

    def flow(self, trigger_id: str = "post-login") -> list[str]:
        return [each.title for each in bindings_of(self.api, trigger_id)]

    def held(self, title: str) -> Any:
        return next(each for each in held_actions(self.api) if each.title == title)


StartTenant = Callable[..., Tenant]


def opened(running: LocalAuth0) -> Tenant:
    return Tenant(ManagementApi(running.url, CREDENTIALS))
