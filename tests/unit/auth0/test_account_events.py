"""What calls after a sign-up and a change of password tell of a user, and the activity in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.builders import AT

from frontdesk.auth0.account_events import (
    PASSWORD_CHANGE,
    REGISTRATION,
    AccountEvent,
    AccountEventKind,
    activity_from_account_event,
    parse_account_event,
    user_from_account_event,
)
from frontdesk.auth0.signatures import SignedCall
from frontdesk.errors import PayloadInvalid
from frontdesk.identity import Source, User

CREATED, UPDATED, RESET = "2026-03-01T08:00:00.000Z", "2026-03-01T09:00:00.000Z", "2026-03-01T10:00:00.000Z"


def parsed(**body: Any) -> AccountEvent:
    return parse_account_event(json.dumps(body).encode(), REGISTRATION)


def user_of(**fields: Any) -> User:
    user = user_from_account_event(parsed(user={"user_id": "auth0|1", **fields}), tenant="acme")
    assert user is not None
    return user


@pytest.mark.parametrize(
    ("times", "at"),
    [
        ({"updated_at": UPDATED, "created_at": CREATED, "last_password_reset": RESET}, UPDATED),
        ({"last_password_reset": RESET, "created_at": CREATED}, RESET),
        ({"created_at": CREATED}, CREATED),
        ({}, "1970-01-01T00:00:00Z"),
    ],
    ids=["updated", "password reset", "created", "no time"],
)
def test_the_clock_is_what_the_profile_tells_of_its_time(times: dict[str, str], at: str) -> None:
    user = user_of(email="ana@example.com", app_metadata={}, **times)

    expected = datetime.fromisoformat(at)
    assert user.profile is not None
    assert user.app_metadata is not None
    assert (user.profile.at, user.app_metadata.at) == (expected, expected)


def test_a_profile_tells_which_fields_it_carried() -> None:
    user = user_of(username="ana", email_verified=False, name=None, created_at=CREATED)

    assert user.profile is not None
    assert user.profile.value.sent == frozenset({"user_name", "email_verified", "created_at"})
    assert (user.source, user.born) == (Source.RECORD, datetime(2026, 3, 1, 8, tzinfo=UTC))


def test_it_is_no_login_and_no_proof_of_life() -> None:
    user = user_of(email="ana@example.com", updated_at=UPDATED)

    assert (user.seen, user.login, user.logins_count, user.alive, user.roles, user.user_metadata) == (
        None,
    ) * 6


def test_a_user_of_whom_nothing_but_the_id_is_told_has_no_profile() -> None:
    assert user_of().profile is None


@pytest.mark.parametrize("body", [{}, {"user": {"email": "ana@example.com"}}, {"user": None}], ids=str)
def test_without_an_id_there_is_no_user(body: dict[str, Any]) -> None:
    assert user_from_account_event(parsed(**body), tenant="acme") is None


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (REGISTRATION, ("ss", "signup", "post-user-registration")),
        (PASSWORD_CHANGE, ("scp", "password_changed", "post-change-password")),
    ],
    ids=["registration", "password change"],
)
def test_an_activity_says_what_happened_and_who_told(
    kind: AccountEventKind, told: tuple[str, str, str]
) -> None:
    call = SignedCall(id="msg_1", at=AT, body=b"")

    activity = activity_from_account_event(parsed(user={"phone_number": "+4930"}), kind, call, tenant="acme")

    assert (activity.type, activity.activity, activity.source) == told
    assert (activity.tenant, activity.id, activity.occurred_at, activity.user_name) == (
        "acme",
        "msg_1",
        AT,
        "+4930",
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user": {"user_id": ""}}, "user.user_id"),
        ({"user": {"updated_at": "yesterday"}}, "user.updated_at"),
        ({"user": {"last_password_reset": 7}}, "user.last_password_reset"),
        ({"user": {"app_metadata": []}}, "user.app_metadata"),
        ({"connection": {"id": 7}}, "connection.id"),
        ({"request": {"user_agent": []}}, "request.user_agent"),
        ({"version": 2}, "version"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(body: dict[str, Any], field: str) -> None:
    with pytest.raises(PayloadInvalid) as refused:
        parsed(**body)

    assert [fault.field for fault in refused.value.faults] == [field]
