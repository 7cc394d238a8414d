"""A kept call says later what it said at the hook."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.builders import AT, a_hook_body, a_policy, a_stored_user

from frontdesk.auth0.account_events import PASSWORD_CHANGE, REGISTRATION, AccountEventKind
from frontdesk.auth0.signatures import SignedCall
from frontdesk.errors import PayloadInvalid
from frontdesk.identity import StoredUser, User
from frontdesk.identity.activity import Activity
from frontdesk.settings import HASURA_CLAIMS
from frontdesk.sync import CheckInRules, check_in, record_account_event
from frontdesk.sync.deferred import SIGNED_WAYS, incoming_from_call

RULES = CheckInRules(tenant="acme", claims_namespace=HASURA_CLAIMS, policy=a_policy(), budget_s=1.2)


class Kept:
    """Keeps what a hook writes."""

    def __init__(self) -> None:
        self.users: list[User] = []
        self.activities: list[Activity] = []

    def write(self, user: User, *, budget_s: float) -> StoredUser:
        self.users.append(user)
        return a_stored_user()

    def record(self, activity: Activity, *, budget_s: float) -> None:
        self.activities.append(activity)


def a_call(body: dict[str, Any]) -> SignedCall:
    return SignedCall(id="msg_7", at=AT, body=json.dumps(body).encode())


def test_a_kept_login_is_the_user_that_the_hook_would_have_written() -> None:
    call, kept = a_call(a_hook_body()), Kept()
    check_in(call, RULES, kept)

    incoming = incoming_from_call("post-login", call, tenant="acme")

    assert (list(incoming.users), incoming.activity) == (kept.users, None)


@pytest.mark.parametrize("kind", [REGISTRATION, PASSWORD_CHANGE], ids=lambda kind: kind.trigger)
@pytest.mark.parametrize(
    "user", [{"user_id": "auth0|1", "email": "ana@example.com"}, {}], ids=["user", "nobody"]
)
def test_a_kept_account_event_is_the_user_and_the_activity_of_the_hook(
    kind: AccountEventKind, user: dict[str, str]
) -> None:
    call, kept = a_call({"version": 1, "trigger": kind.trigger, "user": user}), Kept()
    record_account_event(call, kind, RULES, kept)

    incoming = incoming_from_call(kind.trigger, call, tenant="acme")

    assert list(incoming.users) == kept.users
    assert [incoming.activity] == kept.activities
    assert incoming.activity is not None
    assert not incoming.activity.counts


@pytest.mark.parametrize("way", sorted(SIGNED_WAYS))
def test_a_kept_call_with_wrong_fields_is_refused(way: str) -> None:
    with pytest.raises(PayloadInvalid):
        incoming_from_call(way, a_call({"user": {"user_id": 7}}), tenant="acme")
