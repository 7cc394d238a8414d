"""Recorded traffic about jobs, roles, organizations, the log and figures, sent again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from tests.integration.localauth0.acme import Clock
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.managed import Operator, an_operated_tenant, operator_token
from tests.integration.localauth0.recordings import RECORDINGS, Replay

from localauth0 import LocalAuth0
from localauth0.management.scopes import MANAGEMENT_SCOPES

_RECORDED_AT = datetime(2023, 6, 2, 10, 58, 4, 100_000, tzinfo=UTC)
_LATER = datetime(2023, 6, 2, 10, 58, 4, 441_000, tzinfo=UTC)
_LOG = "TestLogManager_CheckpointPagination"
_SCOPES = 140  # so many had the recorded token
_USER = {
    "app_metadata": {
        "facts": ["count_to_infinity_twice", "kill_two_stones_with_one_bird", "can_hear_sign_language"]
    },
    "blocked": False,
    "connection": "Username-Password-Authentication",
    "email_verified": True,
    "family_name": "Sanchez",
    "given_name": "Chuck",
    "nickname": "Chucky",
    "password": "Passwords hide their chuck",
    "picture": "https://example-picture-url.jpg",
    "user_metadata": {"favourite_attack": "roundhouse_kick"},
    "verify_email": False,
}


@pytest.mark.parametrize(
    "name",
    [
        "TestOrganizationManager_List",
        "TestOrganizationManager_Members",
        "TestRoleManager_Create",
        "TestRoleManager_List",
        "TestRoleManager_UsersCheckpointPagination",
        "TestStatManager_ActiveUsers",
    ],
)
def test_a_recording_gets_its_recorded_answers(operated: LocalAuth0, operator: Operator, name: str) -> None:
    # The recorded tenant had no organization before.
    operator.answer("DELETE", "/organizations/org_0000000000000001")

    assert Replay(operated.url, operator_token(operated), name).differences() == []


@pytest.mark.parametrize("name", ["TestJobManager_ExportUsers", "TestJobManager_ReadErrors"])
def test_a_recording_about_jobs_gets_its_recorded_answers(
    operated: LocalAuth0, operator: Operator, name: str
) -> None:
    # The recorded tenant had nine applications, and a connection names them all.
    while len(operated.store.config.clients) < 9:
        operator.answer("POST", "/clients", {"name": "another application"})

    assert Replay(operated.url, operator_token(operated), name).differences() == []


def test_the_recording_of_the_log_gets_its_recorded_answers(start_tenant: StartTenant) -> None:
    clock = Clock()
    clock.now = _RECORDED_AT
    tenant = start_tenant(an_operated_tenant(), clock=clock)
    operator = Operator(tenant)
    _do_what_is_recorded(tenant, operator, clock)

    replay = Replay(tenant.url, operator_token(tenant), _LOG)

    assert replay.differences() == []


def _do_what_is_recorded(tenant: LocalAuth0, operator: Operator, clock: Clock) -> None:
    """Leave in the log what the recorded tenant had in it, in its order, and ten newer records.

    Real calls make the records, but for those of invitations, which do not exist here; they are then put in order.
    """
    organization = operator.answer("POST", "/organizations", {"name": "initech"})["id"]
    scopes = " ".join(
        ["create:users", *(scope for scope in MANAGEMENT_SCOPES if scope != "create:users")][:_SCOPES]
    )
    maker = Operator(tenant, scope=scopes)
    user = maker.answer("POST", "/users", {**_USER, "email": "chuck@example.com", "username": "chuck"})
    operator.answer("POST", f"/organizations/{organization}/members", {"members": [user["user_id"]]})
    operator.answer("DELETE", f"/organizations/{organization}")
    made = {(one["type"], one["description"]): one for one in tenant.store.log.records()}
    signed_up, created = made["ss", ""], made["sapi", "Create a User"]
    added, deleted = made["sapi", "Add members to an organization"], made["sapi", "Delete organization"]
    not_here = json.loads(_recorded_page())
    invited = next(one for one in not_here if one["description"].startswith("Create invitations"))
    not_sent = next(one for one in not_here if one["type"] == "fn")
    in_order = [added, not_sent, deleted, invited, signed_up, deleted, created, created, signed_up, signed_up]
    for record in [*in_order, *[deleted] * 9]:  # the token of the replay makes the tenth newer one
        _write_again(tenant, record)
        clock.now = _LATER


def _recorded_page() -> str:
    return str(
        yaml.safe_load((RECORDINGS / f"{_LOG}.yaml").read_text())["interactions"][0]["response"]["body"]
    )


def _write_again(tenant: LocalAuth0, record: dict[str, Any]) -> None:
    made_anew = ("_id", "log_id", "date", "type", "isMobile", "location_info")
    known = {name: value for name, value in record.items() if name not in made_anew}
    tenant.store.log.write(record["type"], **known)
