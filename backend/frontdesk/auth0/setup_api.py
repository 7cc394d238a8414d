"""The API (resource server) whose identifier the tokens for Hasura are issued for."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from frontdesk.auth0.listing import PAGE_SIZE, records
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import StepKind
from frontdesk.auth0.setup_steps import Made, Part, SetupStep, cannot, keep, steps_of

API_NAME = "Hasura (frontdesk)"
SIGNING_ALG = "RS256"
_AUTHZ = "_authz"


class Rbac(StrEnum):
    """Role-based access control of the API: off, on, or on with the permissions in the token."""

    OFF = "off"
    ON = "on"
    PERMISSIONS = "permissions"


def plan_api(api: ManagementApi, audience: str, rbac: Rbac | None, *, force: bool) -> tuple[SetupStep, ...]:
    """Plan the API with this identifier. Without `rbac` an existing one keeps its choice; a new one has it off."""
    what = f"API {audience}"
    by_hand = f"Dashboard > Applications > APIs > Create API, identifier {audience}, signing algorithm RS256."
    return steps_of(
        Part.API, what, by_hand, lambda: _planned(api, audience, rbac, what, by_hand, force=force)
    )


def _planned(
    api: ManagementApi, audience: str, rbac: Rbac | None, what: str, by_hand: str, *, force: bool
) -> Iterator[SetupStep]:
    servers = records(
        lambda page: api.sdk.resource_servers.list(page=page, per_page=PAGE_SIZE), "resource_servers"
    )
    known = next((each for each in servers if each.get("identifier") == audience), None)
    if known is None:
        yield _creation(api, audience, rbac or Rbac.OFF, what, by_hand)
        return
    if known.get("token_encryption"):
        yield cannot(
            Part.API,
            what,
            "It encrypts its access tokens, and Hasura cannot read encrypted tokens.",
            f"Dashboard > Applications > APIs > {known.get('name')} > Settings > turn off JSON Web Encryption, or "
            "choose another audience.",
        )
        return
    changes = _changes(known, rbac)
    refused = {} if force else _weakening(known, changes)
    for sentence in refused.values():
        yield cannot(Part.API, what, sentence, "decide whether nothing else depends on it, and add --force.")
    wanted = {name: value for name, value in changes.items() if name not in refused}
    if wanted:
        yield _update(api, str(known["id"]), wanted, what, by_hand)
    elif not refused:
        yield keep(Part.API, what)


def _creation(api: ManagementApi, audience: str, rbac: Rbac, what: str, by_hand: str) -> SetupStep:
    def create(_: Made) -> None:
        api.sdk.resource_servers.create(
            identifier=audience,
            name=API_NAME,
            signing_alg=SIGNING_ALG,
            enforce_policies=rbac is not Rbac.OFF,
            token_dialect=_dialect("access_token", rbac),
        )

    detail = f"Create it with {SIGNING_ALG}, role-based access control {_in_words(rbac)}."
    return SetupStep(
        part=Part.API,
        what=what,
        kind=StepKind.CREATE,
        detail=detail,
        scope="create:resource_servers",
        by_hand=by_hand,
        act=create,
    )


def _update(
    api: ManagementApi, server_id: str, changes: dict[str, Any], what: str, by_hand: str
) -> SetupStep:
    def update(_: Made) -> None:
        api.sdk.resource_servers.update(server_id, **changes)

    listed = ", ".join(f"{name} = {value}" for name, value in sorted(changes.items()))
    return SetupStep(
        part=Part.API,
        what=what,
        kind=StepKind.UPDATE,
        detail=f"Set {listed}.",
        scope="update:resource_servers",
        by_hand=by_hand,
        act=update,
    )


def _changes(known: dict[str, Any], rbac: Rbac | None) -> dict[str, Any]:
    wanted: dict[str, Any] = {"signing_alg": SIGNING_ALG}
    if rbac is not None:
        wanted["enforce_policies"] = rbac is not Rbac.OFF
        wanted["token_dialect"] = _dialect(str(known.get("token_dialect") or "access_token"), rbac)
    absent = {"enforce_policies": False, "token_dialect": "access_token"}
    return {name: value for name, value in wanted.items() if known.get(name, absent.get(name)) != value}


def _weakening(known: dict[str, Any], changes: dict[str, Any]) -> dict[str, str]:
    """Return why each change that others could miss needs --force."""
    found = {}
    if "signing_alg" in changes:
        found["signing_alg"] = (
            f"Its tokens are signed with {known.get('signing_alg')}; Hasura verifies {SIGNING_ALG}, and whoever "
            "verifies them today would have to change too."
        )
    if changes.get("enforce_policies") is False:
        found["enforce_policies"] = (
            "It enforces role-based access control, and turning that off lets everybody ask for every scope."
        )
    if not str(changes.get("token_dialect", _AUTHZ)).endswith(_AUTHZ):
        found["token_dialect"] = "Its tokens carry permissions, and something may read them."  # noqa: S105
    return found


def _dialect(current: str, rbac: Rbac) -> str:
    """Return the dialect with or without permissions, in the profile that the API has."""
    profile = current.removesuffix(_AUTHZ)
    return profile + _AUTHZ if rbac is Rbac.PERMISSIONS else profile


def _in_words(rbac: Rbac) -> str:
    return {Rbac.OFF: "off", Rbac.ON: "on", Rbac.PERMISSIONS: "on with permissions in the token"}[rbac]
