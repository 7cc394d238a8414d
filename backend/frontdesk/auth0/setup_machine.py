"""`frontdesk`: the machine application that calls the Management API, with a grant of the scopes that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frontdesk.auth0.listing import plain
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import StepKind
from frontdesk.auth0.scopes import MACHINE_SCOPES
from frontdesk.auth0.setup_apps import MARK, Place, creation, found, is_ours
from frontdesk.auth0.setup_steps import Made, Part, SetupStep, cannot, keep, steps_of
from frontdesk.errors import Auth0Rejected

MACHINE_NAME = "frontdesk"
_MACHINE = Place(
    part=Part.MACHINE,
    name=MACHINE_NAME,
    role="machine",
    key="management_client_id",
    by_hand="Dashboard > Applications > Applications > Create Application > Machine to Machine, API Auth0 Management "
    f"API, scopes {' '.join(sorted(MACHINE_SCOPES))}; put its "
    "client id into management_client_id and its secret into .env.",
)
_GRANT = "grant of the Management API"
_GRANT_BY_HAND = (
    "Dashboard > Applications > APIs > Auth0 Management API > Machine to Machine Applications > frontdesk, scopes "
    f"{' '.join(sorted(MACHINE_SCOPES))}."
)


def plan_machine_app(
    api: ManagementApi, client_id: str | None, made: Made, *, force: bool
) -> tuple[SetupStep, ...]:
    """Plan the machine application and its grant of exactly the scopes that frontdesk needs."""
    what = f"application {MACHINE_NAME}"

    def plan() -> Iterator[SetupStep]:
        known = found(api, _MACHINE, client_id)
        if isinstance(known, SetupStep):
            yield known
            return
        if known is None:
            detail = "Create it for client credentials alone."
            yield creation(_MACHINE, detail, lambda made: _create_machine(api, made))
            yield _new_grant(api, None)
            return
        made.management_client_id = str(known["client_id"])
        made.management_client_secret = _secret_of(api, made.management_client_id)
        yield _machine_itself(api, known)
        yield _planned_grant(api, made.management_client_id, force=force)

    return steps_of(Part.MACHINE, what, _MACHINE.by_hand, plan)


def _secret_of(api: ManagementApi, client_id: str) -> str | None:
    """Return the application's secret, if the token may read it. That of no other application is ever asked for."""
    known = plain(api.sdk.clients.get(client_id, fields="client_id,client_secret", include_fields=True))
    return known.get("client_secret")


def _create_machine(api: ManagementApi, made: Made) -> None:
    created = api.sdk.clients.create(
        name=MACHINE_NAME,
        description="frontdesk calls the Management API with it.",
        app_type="non_interactive",
        grant_types=["client_credentials"],
        token_endpoint_auth_method="client_secret_post",  # noqa: S106 - the name of a method
        client_metadata={MARK: _MACHINE.role},
    )
    made.management_client_id, made.management_client_secret = created.client_id, created.client_secret


def _machine_itself(api: ManagementApi, known: dict[str, Any]) -> SetupStep:
    what = f"application {known.get('name')}"
    grants = known.get("grant_types", [])
    if "client_credentials" in grants:
        return keep(Part.MACHINE, what)
    problem = "It may not use client credentials."
    by_hand = (
        f"Dashboard > Applications > Applications > {known.get('name')} > Settings > Advanced > Grant Types."
    )
    if not is_ours(known, _MACHINE):
        return cannot(Part.MACHINE, what, problem, by_hand)

    def update(_: Made) -> None:
        api.sdk.clients.update(str(known["client_id"]), grant_types=[*grants, "client_credentials"])

    return SetupStep(
        part=Part.MACHINE,
        what=what,
        kind=StepKind.UPDATE,
        detail="Let it use client credentials.",
        scope="update:clients",
        by_hand=by_hand,
        act=update,
    )


def _planned_grant(api: ManagementApi, client_id: str, *, force: bool) -> SetupStep:
    grants = [
        grant
        for each in api.sdk.client_grants.list(client_id=client_id, audience=api.audience)
        if (grant := plain(each)).get("subject_type", "client") == "client"
    ]
    if not grants:
        return _new_grant(api, client_id)
    (grant, *_) = grants
    has = frozenset(grant.get("scope", ()))
    missing, wider = sorted(MACHINE_SCOPES - has), sorted(has - MACHINE_SCOPES)
    if grant.get("allow_all_scopes"):
        return keep(
            Part.MACHINE, _GRANT, "It allows every scope, which is more than frontdesk needs; it stays so."
        )
    if not missing and not (wider and force):
        more = f"It is wider than frontdesk needs, by {' '.join(wider)}; --force narrows it." if wider else ""
        return keep(Part.MACHINE, _GRANT, more or "As it should be.")
    scopes = sorted(MACHINE_SCOPES if force else MACHINE_SCOPES | has)

    def update(_: Made) -> None:
        api.sdk.client_grants.update(str(grant["id"]), scope=scopes)

    said = [
        f"Add {' '.join(missing)}." if missing else "",
        f"Take off {' '.join(wider)}." if wider and force else "",
    ]
    return SetupStep(
        part=Part.MACHINE,
        what=_GRANT,
        kind=StepKind.UPDATE,
        detail=" ".join(filter(None, said)),
        scope="update:client_grants",
        by_hand=_GRANT_BY_HAND,
        act=update,
    )


def _new_grant(api: ManagementApi, client_id: str | None) -> SetupStep:
    """Return the step that grants the scopes, to an application that may have been made a moment before."""

    def create(made: Made) -> None:
        granted_to = client_id or made.management_client_id
        if granted_to is None:
            raise Auth0Rejected("There is no application to grant the scopes to, because it was not made")
        api.sdk.client_grants.create(
            client_id=granted_to, audience=api.audience, scope=sorted(MACHINE_SCOPES)
        )

    return SetupStep(
        part=Part.MACHINE,
        what=_GRANT,
        kind=StepKind.CREATE,
        detail=f"Grant {' '.join(sorted(MACHINE_SCOPES))}.",
        scope="create:client_grants",
        by_hand=_GRANT_BY_HAND,
        act=create,
    )
