"""What the post-login Action sends to frontdesk."""

from __future__ import annotations

import json
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from tests.integration.actions.conftest import RunAction, RunActions
from tests.integration.actions.events import (
    HOOK_SECRET,
    KINDS,
    Event,
    a_login,
    a_social_login,
    documented,
    the_least_event,
)
from tests.integration.actions.receiver import Receiver, Request, answers

from frontdesk.auth0.post_login import parse_post_login

USER = {
    *(
        "user_id",
        "email",
        "email_verified",
        "username",
        "name",
        "given_name",
        "family_name",
        "nickname",
        "picture",
    ),
    *(
        "phone_number",
        "phone_verified",
        "created_at",
        "updated_at",
        "app_metadata",
        "user_metadata",
        "identities",
    ),
}
IDENTITY = frozenset({"connection", "provider", "user_id", "isSocial", "profileData"})
METHOD = frozenset({"name", "timestamp"})
SENT_FIELDS: dict[str, set[str]] = {
    "user": USER,
    "authorization": {"roles"},
    "authentication": {"methods"},
    "connection": {"id", "name", "strategy"},
    "organization": {"id", "name", "display_name", "metadata"},
    "client": {"client_id", "name"},
    "resource_server": {"identifier"},
    "request": {"ip", "user_agent"},
    "session": {"id"},
    "stats": {"logins_count"},
    "transaction": {"protocol", "prompt"},
}


def sent_for(run_action: RunAction, event: Event, **settings: Any) -> Request:
    """Run the Action against a receiver that answers, and return the one request."""
    with Receiver(answers()) as receiver:
        run = run_action(event, receiver.url, **settings)
    assert (run.thrown, run.logs, run.fetches) == (None, [], 1)
    return receiver.only_request


@pytest.mark.parametrize("kind", KINDS)
def test_one_signed_post_goes_to_the_tenants_hook(run_action: RunAction, kind: str) -> None:
    request = sent_for(run_action, documented(kind), tenant="acme_eu")

    assert request.line == "POST /hooks/acme_eu/post-login HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"].startswith("msg_")
    assert Webhook(HOOK_SECRET).verify(request.body, request.headers) == request.json


@pytest.mark.parametrize("kind", KINDS)
def test_each_listed_field_of_the_event_is_sent_as_it_is_and_no_other(
    run_action: RunAction, kind: str
) -> None:
    event = documented(kind)

    body = sent_for(run_action, event).json

    expected: dict[str, Any] = {
        part: {name: value for name, value in event[part].items() if name in names}
        for part, names in SENT_FIELDS.items()
        if part in event
    }
    nested = {
        IDENTITY: expected["user"].get("identities", []),
        METHOD: expected.get("authentication", {}).get("methods", []),
    }
    for names, parts in nested.items():
        for part in parts:
            for unlisted in part.keys() - names:
                del part[unlisted]
    assert (body.pop("version"), body.pop("trigger")) == (1, "post-login")
    assert body.pop("tenant", None) == event.get("tenant", {}).get("id")
    assert body == expected


@pytest.mark.parametrize("kind", KINDS)
def test_frontdesk_reads_what_the_action_sends(run_action: RunAction, kind: str) -> None:
    call = parse_post_login(sent_for(run_action, documented(kind)).body)

    assert call.user.user_id == documented(kind)["user"]["user_id"]
    assert call.version == 1


def test_the_least_event_gives_the_least_body(run_action: RunAction) -> None:
    body = sent_for(run_action, the_least_event()).json

    assert body == {"version": 1, "trigger": "post-login", "user": {"user_id": "auth0|1"}}


def test_null_and_undefined_parts_are_absent(run_action: RunAction) -> None:
    event = a_login(given_name=None, app_metadata=None, identities=None)
    event |= {"authorization": None, "organization": None, "session": None, "authentication": {}}

    body = sent_for(run_action, event).json

    assert {"authorization", "organization", "session", "authentication"}.isdisjoint(body)
    assert {"given_name", "app_metadata", "identities"}.isdisjoint(body["user"])


def test_false_zero_and_empty_values_are_sent(run_action: RunAction) -> None:
    event = a_login(email_verified=False, name="", app_metadata={}, identities=[])
    event["stats"] = {"logins_count": 0}
    event["authorization"] = {"roles": []}

    body = sent_for(run_action, event).json

    assert body["user"]["email_verified"] is False
    assert (body["user"]["name"], body["user"]["app_metadata"], body["user"]["identities"]) == ("", {}, [])
    assert (body["stats"], body["authorization"]) == ({"logins_count": 0}, {"roles": []})


def test_no_password_secret_or_upstream_token_is_sent(run_action: RunAction) -> None:
    event = a_social_login()
    event["request"]["body"] = {"username": "ana", "password": "correct-horse-battery"}
    event["request"]["query"] = {"login_hint": "hint-of-the-query"}
    event["secrets"]["OTHER_SECRET"] = "secret-of-another-use"
    event["refresh_token"] = {"id": "id-of-the-refresh-token"}
    event["transaction"]["metadata"] = {"ticket": "ticket-of-the-transaction"}

    request = sent_for(run_action, event)

    wire = (request.head + request.body).decode()
    for private in (
        "correct-horse-battery",
        "hint-of-the-query",
        HOOK_SECRET.removeprefix("whsec_"),
        "secret-of-another-use",
        "ya29.upstream-access-token",
        "1//upstream-refresh-token",
        "id-of-the-refresh-token",
        "ticket-of-the-transaction",
    ):
        assert private not in wire
        assert private in json.dumps(event), "the test looks for what is there"


def test_unicode_is_signed_and_sent_as_utf_8(run_action: RunAction) -> None:
    name = "Zoë 李 🙂 ‮ \u2028 שלום"

    request = sent_for(run_action, a_login(name=name, user_id="samlp|a|é|b c"))

    assert Webhook(HOOK_SECRET).verify(request.body, request.headers)["user"]["name"] == name
    assert "李 🙂".encode() in request.body


def test_another_secret_does_not_verify_the_signature(run_action: RunAction) -> None:
    request = sent_for(run_action, a_login())

    with pytest.raises(WebhookVerificationError):
        Webhook(HOOK_SECRET.replace("M", "N")).verify(request.body, request.headers)


@pytest.mark.parametrize(
    "written", [f" {HOOK_SECRET}\n", HOOK_SECRET.rstrip("=")], ids=["spaces around", "no padding"]
)
def test_a_secret_pasted_carelessly_signs_all_the_same(run_action: RunAction, written: str) -> None:
    event = a_login() | {"secrets": {"FRONTDESK_HOOK_SECRET": written}}

    request = sent_for(run_action, event)

    assert Webhook(HOOK_SECRET).verify(request.body, request.headers)


def test_two_logins_in_one_instance_share_nothing(run_actions: RunActions) -> None:
    """Auth0's Node 22 keeps an instance and its module for the next user."""
    with Receiver(answers()) as receiver:
        runs = run_actions([a_social_login(), the_least_event()], receiver.url)

    first, second = receiver.requests
    assert [run.logs for run in runs] == [[], []]
    assert first.headers["webhook-id"] != second.headers["webhook-id"]
    assert second.json == {"version": 1, "trigger": "post-login", "user": {"user_id": "auth0|1"}}


LIMIT = 20_000
SMALL, LARGE = {"k": "small"}, {"k": "x" * LIMIT}


@pytest.mark.parametrize(
    ("app_metadata", "user_metadata", "omitted"),
    [
        (SMALL, SMALL, None),
        (SMALL, LARGE, ["user_metadata"]),
        (LARGE, SMALL, ["user_metadata", "app_metadata"]),
        (LARGE, LARGE, ["user_metadata", "app_metadata"]),
        (LARGE, None, ["app_metadata"]),
    ],
    ids=[
        "fits",
        "user_metadata is large",
        "app_metadata is large",
        "both are large",
        "there is no user_metadata",
    ],
)
def test_metadata_above_the_limit_is_left_out_and_named(
    run_action: RunAction, app_metadata: Any, user_metadata: Any, omitted: list[str] | None
) -> None:
    event = a_login(app_metadata=app_metadata, user_metadata=user_metadata)

    request = sent_for(run_action, event, max_body_bytes=LIMIT)

    assert len(request.body) <= LIMIT
    assert request.json.get("omitted") == omitted
    given = {name for name, value in event["user"].items() if name.endswith("_metadata") and value}
    kept = {name for name in request.json["user"] if name.endswith("_metadata")}
    assert kept == given - set(omitted or [])


def test_the_limit_counts_bytes_and_not_characters(run_action: RunAction) -> None:
    event = a_login(user_metadata={"k": "李" * (LIMIT // 2)})

    request = sent_for(run_action, event, max_body_bytes=LIMIT)

    assert request.json["omitted"] == ["user_metadata"]


def test_a_body_of_exactly_the_limit_is_complete(run_action: RunAction) -> None:
    complete = len(sent_for(run_action, a_login()).body)

    at_the_limit = sent_for(run_action, a_login(), max_body_bytes=complete).json
    above = sent_for(run_action, a_login(), max_body_bytes=complete - 1).json

    assert "omitted" not in at_the_limit
    assert above["omitted"] == ["user_metadata"]


def test_the_profile_data_of_identities_goes_last(run_action: RunAction) -> None:
    event = a_social_login()
    event["user"]["identities"][1]["profileData"]["bio"] = "x" * LIMIT

    request = sent_for(run_action, event, max_body_bytes=LIMIT)

    assert len(request.body) <= LIMIT
    assert request.json["omitted"] == ["user_metadata", "app_metadata"]
    assert request.json["user"]["identities"] == [
        {name: identity[name] for name in ("connection", "provider", "user_id", "isSocial")}
        for identity in event["user"]["identities"]
    ]


def test_metadata_of_a_megabyte_locks_nobody_out(run_action: RunAction) -> None:
    event = a_login(app_metadata={"k": "a" * 1_000_000}, user_metadata={"k": "u" * 1_000_000})

    request = sent_for(run_action, event)

    assert len(request.body) < 10_000
    assert request.json["omitted"] == ["user_metadata", "app_metadata"]
