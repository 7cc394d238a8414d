"""`frontdesk auth0 setup`: everything of frontdesk's own at Auth0, as one plan that applied twice changes nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.setup_actions import plan_tenant_actions
from frontdesk.auth0.setup_api import Rbac, plan_api
from frontdesk.auth0.setup_login import AppType, LoginApp, plan_login_app
from frontdesk.auth0.setup_machine import plan_machine_app
from frontdesk.auth0.setup_steps import Made, Outcome, Part, SetupStep, carry_out, without_missing_scopes
from frontdesk.auth0.setup_streams import plan_streams
from frontdesk.auth0.sign_in import CALLBACK_PORT
from frontdesk.auth0.sign_in.callback import HOST, PATH
from frontdesk.settings import Settings, secret

ALL_PARTS = tuple(Part)
# Where `token get` waits for the browser.
CALLBACKS = (f"http://{HOST}:{CALLBACK_PORT}{PATH}",)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the person decides: see the options of `frontdesk auth0 setup`. `callbacks` are in addition to ours."""

    rbac: Rbac | None = None
    app_type: AppType | None = None
    callbacks: tuple[str, ...] = ()
    implicit: bool = False
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class SetupPlan:
    """The steps, and what the tenant has already that the settings have to know."""

    steps: tuple[SetupStep, ...]
    made: Made = field(repr=False)


def plan_setup(
    api: ManagementApi,
    settings: Settings,
    tenant: str,
    choices: Choices,
    *,
    parts: Sequence[Part] = ALL_PARTS,
    token: str | None = None,
) -> SetupPlan:
    """Compare the tenant of this key with what is wanted; changes nothing. `token` is one that a person made.

    Raises Auth0Unavailable, Auth0CredentialsRefused.
    """
    made, known = Made(), settings.tenants[tenant]
    granted = api.scopes() if token is None else scopes_in_token(token)
    login = LoginApp(
        client_id=known.login_client_id,
        app_type=choices.app_type,
        callbacks=(*CALLBACKS, *choices.callbacks),
        implicit=choices.implicit,
    )
    plans: dict[Part, Callable[[], tuple[SetupStep, ...]]] = {
        Part.API: lambda: plan_api(api, known.audience, choices.rbac, force=choices.force),
        Part.APP: lambda: plan_login_app(api, login, made),
        Part.MACHINE: lambda: plan_machine_app(api, known.management_client_id, made, force=choices.force),
        Part.ACTIONS: lambda: plan_tenant_actions(api, settings, tenant),
        Part.STREAMS: lambda: plan_streams(
            api,
            public_url=settings.action.url,
            tenant=tenant,
            token=secret(known.stream_tokens[0]) if known.stream_tokens else None,
            force=choices.force,
        ),
    }
    steps = [step for part, plan in plans.items() if part in parts for step in plan()]
    return SetupPlan(steps=tuple(without_missing_scopes(steps, granted)), made=made)


def set_up(plan: SetupPlan) -> tuple[Outcome, ...]:
    """Carry out the plan; `plan.made` then holds the ids, and the secret of a new machine application."""
    return carry_out(plan.steps, plan.made)


def scopes_in_token(token: str) -> frozenset[str] | None:
    """Return the scopes that a Management API token says it has; None when it is nothing that can be read."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return None
    scope = claims.get("scope") if isinstance(claims, dict) else None
    return frozenset(scope.split()) if isinstance(scope, str) else None
