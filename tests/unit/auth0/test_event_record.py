"""What an event of Event Streams comes to."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.schema_instances import event_instances, event_schemas

from frontdesk.auth0.event_record import incoming_from_event
from frontdesk.errors import PayloadInvalid
from frontdesk.identity import Incoming, Refresh, RefreshKind, Source
from frontdesk.identity.log_codes import EVENTS

RECEIVED = datetime(2026, 3, 2, 11, tzinfo=UTC)
AT = datetime(2026, 3, 2, 10, 0, 0, 456000, tzinfo=UTC)
ANN = "auth0|64b0f1e2d3c4b5a697887766"
PROFILE = {
    "user_id": ANN,
    "email": "ann@example.com",
    "email_verified": True,
    "name": "Ann",
    "created_at": "2026-03-01T09:00:00.000Z",
    "updated_at": "2026-03-02T09:59:59.000Z",
    "identities": [{"connection": "Users", "user_id": "64b0", "provider": "auth0", "isSocial": False}],
}


def incoming(event: dict[str, Any]) -> Incoming:
    return incoming_from_event(event, tenant="acme", way="event-stream", received_at=RECEIVED)


def an_event(kind: str = "user.updated", told: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": kind,
        "source": "urn:auth0:acme.eu.auth0.com",
        "id": "evt_aB3dE6fG9hJ2kL5mN8pQ1r",
        "time": "2026-03-02T10:00:00.456Z",
        "a0tenant": "acme",
        "a0stream": "est_zY9xW8vU7tS6rQ5pN4mL3k",
        "data": {"object": PROFILE if told is None else told},
        **more,
    }


@pytest.mark.parametrize("kind", ["user.created", "user.updated"])
def test_an_event_of_a_user_is_the_whole_profile_at_its_own_time(kind: str) -> None:
    (user,) = incoming(an_event(kind)).users

    assert (user.tenant, user.user_id, user.source) == ("acme", ANN, Source.PROFILE)
    assert user.profile is not None
    assert user.profile.at == datetime(2026, 3, 2, 9, 59, 59, tzinfo=UTC)
    assert user.profile.value.sent is None  # what is not in it is unset
    assert (user.profile.value.email, user.profile.value.nickname) == ("ann@example.com", None)
    assert user.born == datetime(2026, 3, 1, 9, tzinfo=UTC)


def test_metadata_and_the_block_are_told_only_when_they_are_sent() -> None:
    (silent,) = incoming(an_event()).users
    (told,) = incoming(an_event(told=PROFILE | {"app_metadata": {"code": "A"}, "blocked": True})).users

    assert (silent.app_metadata, silent.user_metadata, silent.blocked) == (None, None, None)
    assert told.app_metadata is not None
    assert told.app_metadata.value == {"code": "A"}
    assert told.blocked is not None
    assert (told.blocked.value, told.blocked.at) == (True, AT)
    assert told.user_metadata is None


def test_a_deletion_is_a_tombstone_of_the_account_that_was_born_then() -> None:
    told = PROFILE | {"deleted_at": "2026-03-02T09:59:59.500Z"}

    (user,) = incoming(an_event("user.deleted", told)).users

    assert user.deleted == datetime(2026, 3, 2, 9, 59, 59, 500000, tzinfo=UTC)
    assert user.born == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert user.profile is None


def test_a_deletion_without_a_time_of_its_own_has_that_of_the_event() -> None:
    (user,) = incoming(an_event("user.deleted", {"user_id": ANN})).users

    assert (user.deleted, user.born) == (AT, None)


def test_the_activity_tells_who_when_and_from_where() -> None:
    context = {
        "client": {"id": "c1", "name": "Shop", "metadata": {}},
        "connection": {"id": "con_1", "name": "Users", "strategy": "auth0"},
        "request": {"ip": "203.0.113.7", "user_agent": "Firefox", "geo": {"country_code": "PT"}},
    }
    event = an_event(data={"object": PROFILE, "context": context})

    activity = incoming(event).activity

    assert activity is not None
    assert (activity.id, activity.type, activity.activity) == (event["id"], "user.updated", "user_updated")
    assert (activity.source, activity.occurred_at, activity.counts) == ("event-stream", AT, True)
    assert (activity.user_id, activity.user_name) == (ANN, "ann@example.com")
    assert (activity.connection, activity.connection_id) == ("Users", "con_1")
    assert (activity.client_id, activity.client_name) == ("c1", "Shop")
    assert (activity.ip, activity.user_agent) == ("203.0.113.7", "Firefox")
    assert activity.location == {"country_code": "PT"}
    assert activity.raw == event


def test_without_a_context_the_first_identity_tells_the_connection() -> None:
    activity = incoming(an_event()).activity

    assert activity is not None
    assert activity.connection == "Users"


def test_tokens_of_an_identity_are_not_kept() -> None:
    identity = PROFILE["identities"][0] | {"access_token": "s3cr3t"}  # type: ignore[index]

    activity = incoming(an_event(told=PROFILE | {"identities": [identity]})).activity

    assert "s3cr3t" not in str(vars(activity))


@pytest.mark.parametrize("kind", ["user.created", "user.deleted", "organization.member.added"])
def test_an_act_that_the_log_tells_does_not_count_here(kind: str) -> None:
    activity = incoming(an_event(kind)).activity

    assert activity is not None
    assert not activity.counts


@pytest.mark.parametrize(
    ("kind", "told", "refreshes"),
    [
        ("organization.created", {"id": "org_1"}, {("organization", "org_1")}),
        ("organization.updated", {"id": "org_1"}, {("organization", "org_1")}),
        ("organization.deleted", {"id": "org_1"}, {("organization", "org_1")}),
        ("organization.member.added", {"user": {"user_id": ANN}}, {("memberships", ANN)}),
        ("organization.member.deleted", {"user": {"user_id": ANN}}, {("memberships", ANN)}),
        ("organization.member.role.assigned", {"user": {"user_id": ANN}}, {("memberships", ANN)}),
        ("organization.member.role.deleted", {"user": {"user_id": ANN}}, {("memberships", ANN)}),
        ("organization.member.added", {"user": None}, set()),
        ("organization.connection.added", {"organization": {"id": "org_1"}}, set()),
        (
            "group.member.added",
            {"member": {"member_type": "user", "id": ANN}},
            {("user", ANN), ("memberships", ANN)},
        ),
        ("group.member.added", {"member": {"member_type": "user", "id": "ann@example.com"}}, set()),
        ("group.member.added", {"member": {"member_type": "connection", "id": "con_1|x"}}, set()),
        ("group.deleted", {"id": "grp_1"}, set()),
        ("group.role.assigned", {"id": "grp_1"}, set()),
    ],
)
def test_what_is_told_of_others_is_a_hint(kind: str, told: Any, refreshes: set[tuple[str, str]]) -> None:
    found = incoming(an_event(kind, told))

    assert found.refreshes == {Refresh(RefreshKind(of), id) for of, id in refreshes}
    assert found.users == ()


@pytest.mark.parametrize("kind", ["organization.created", "organization.member.added", "group.member.added"])
def test_an_organization_is_named(kind: str) -> None:
    told = {"id": "org_1", "organization": {"id": "org_1"}, "group": {"organization_id": "org_1"}}

    activity = incoming(an_event(kind, told)).activity

    assert activity is not None
    assert activity.organization_id == "org_1"


def test_an_event_for_a_test_changes_nothing() -> None:
    assert incoming(an_event(a0purpose="test")) == Incoming(test=True)


def test_an_event_of_another_type_is_kept() -> None:
    found = incoming(an_event("user.renamed"))

    assert found.activity is not None
    assert (found.activity.type, found.activity.activity) == ("user.renamed", None)
    assert found.users == ()


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (an_event(id=None), "id"),
        (an_event(id="e" * 513), "id"),
        (an_event(type=None), "type"),
        (an_event(time="soon"), "time"),
        (an_event(data=None), "user_id"),
        (an_event(told={"email": "a@b.c"}), "user_id"),
        (an_event(told=PROFILE | {"updated_at": "soon"}), "updated_at"),
        (an_event("user.deleted", {}), "data.object.user_id"),
        (an_event("user.deleted", PROFILE | {"deleted_at": "soon"}), "data.object.deleted_at"),
        (an_event(told=PROFILE | {"x": json.loads("[" * 80 + "]" * 80)}), "x"),
    ],
)
def test_an_event_without_what_it_needs_names_the_field(event: dict[str, Any], field: str) -> None:
    with pytest.raises(PayloadInvalid) as caught:
        incoming(event)

    assert [fault.field for fault in caught.value.faults] == [field]


def test_text_that_no_database_holds_does_not_stop_a_profile() -> None:
    (user,) = incoming(an_event(told=PROFILE | {"name": "a\x00\ud800"})).users

    assert user.profile is not None
    assert user.profile.value.name == "a��"


@pytest.mark.parametrize("kind", sorted(event_schemas()))
def test_every_instance_of_a_published_schema_is_taken(kind: str) -> None:
    for event in event_instances(kind):
        activity = incoming(event).activity

        assert activity is not None
        assert (activity.id, activity.type, activity.activity) == (event["id"], kind, EVENTS[kind][0])


_TOLD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["object", "user", "user_id", "organization", "id", "member", "context", "identities"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(st.sampled_from([*EVENTS, "", "x.y"]), _TOLD, st.one_of(st.none(), st.text(), st.integers()))
@settings(max_examples=80, deadline=None)
def test_no_event_raises_anything_but_a_payload_error(kind: str, told: Any, time: Any) -> None:
    with contextlib.suppress(PayloadInvalid):
        incoming(an_event(kind, data=told, time=time))
