"""What a log record comes to, in each of its forms."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.schema_instances import DATA, log_id, log_instances, log_types

from frontdesk.auth0.log_record import incoming_from_log
from frontdesk.errors import PayloadInvalid
from frontdesk.identity import Activity, Incoming, Refresh, RefreshKind
from frontdesk.identity.log_codes import activity_of

RECEIVED = datetime(2026, 3, 2, 11, tzinfo=UTC)
AT = datetime(2026, 3, 2, 10, 0, 0, 456000, tzinfo=UTC)
ANN = "auth0|64b0f1e2d3c4b5a697887766"


def incoming(record: dict[str, Any], way: str = "log-stream") -> Incoming:
    return incoming_from_log(record, tenant="acme", way=way, received_at=RECEIVED)


def activity(record: dict[str, Any], way: str = "log-stream") -> Activity:
    found = incoming(record, way).activity
    assert found is not None
    return found


def a_record(code: str = "s", **data: Any) -> dict[str, Any]:
    """Return a record as a stream wraps it."""
    return {
        "log_id": "90020260302100000456",
        "data": {"type": code, "date": "2026-03-02T10:00:00.456Z", "log_id": "90020260302100000456", **data},
    }


def test_a_login_becomes_an_activity_with_all_that_it_tells() -> None:
    record = a_record(
        user_id=ANN,
        user_name="ann@example.com",
        connection="Users",
        connection_id="con_1",
        client_id="c1",
        client_name="Shop",
        organization_id="org_1",
        ip="203.0.113.7",
        user_agent="Firefox",
        hostname="acme.eu.auth0.com",
        description="",
        scope=["openid", "email"],
        details={"session_id": "s1"},
        location_info={"country_code": "PT"},
        a_field_of_next_year=1,
    )

    assert incoming(record) == Incoming(
        activity=Activity(
            tenant="acme",
            id="90020260302100000456",
            type="s",
            activity="login",
            source="log-stream",
            occurred_at=AT,
            user_id=ANN,
            user_name="ann@example.com",
            connection="Users",
            connection_id="con_1",
            client_id="c1",
            client_name="Shop",
            organization_id="org_1",
            ip="203.0.113.7",
            user_agent="Firefox",
            hostname="acme.eu.auth0.com",
            location={"country_code": "PT"},
            details={"session_id": "s1"},
            raw={
                "log_id": "90020260302100000456",
                "data": {
                    name: value
                    for name, value in record["data"].items()
                    if name not in ("details", "location_info")
                },
            },
        )
    )


def test_the_pulled_form_of_a_record_gives_the_same_row() -> None:
    told: dict[str, Any] = {"user_id": ANN, "ip": "203.0.113.7", "details": {"session_id": "s1"}}
    pulled = a_record(**told)["data"] | {"_id": "90020260302100000456", "isMobile": False, "connection": None}

    streamed, flat = activity(a_record(**told)), activity(pulled, "log-stream")

    assert {**vars(flat), "raw": None} == {**vars(streamed), "raw": None}


def test_details_that_are_no_object_stay_in_the_record() -> None:
    found = activity(a_record(details="told in a sentence", location_info=["PT"]))

    assert (found.details, found.location) == (None, None)
    assert found.raw is not None
    kept = found.raw["data"]
    assert isinstance(kept, dict)
    assert (kept["details"], kept["location_info"]) == ("told in a sentence", ["PT"])


@pytest.mark.parametrize(
    "record",
    [
        {"log_id": "1", "data": {"type": "s"}},
        {"data": {"type": "s", "log_id": "1"}},
        {"data": {"type": "s", "_id": "1"}},
        {"type": "s", "_id": "1"},
        {"type": "s", "log_id": "1"},
    ],
)
def test_the_id_is_found_wherever_a_form_has_it(record: dict[str, Any]) -> None:
    assert activity(record).id == "1"


def test_without_a_date_the_id_tells_the_time() -> None:
    assert activity({"log_id": log_id("s", 1), "data": {"type": "s"}}).occurred_at == AT
    assert activity({"log_id": "x", "data": {"type": "s"}}).occurred_at == RECEIVED
    assert activity({"log_id": "90099999999999999999", "data": {"type": "s"}}).occurred_at == RECEIVED


@pytest.mark.parametrize("value", ["", None, 7, [], {}, True, {"message": 1}, "x" * 3000])
def test_no_optional_field_is_trusted(value: Any) -> None:
    first = "user_id user_name connection connection_id client_id client_name organization_id ip client_ip"
    rest = "user_agent hostname description details location_info scope audience isMobile auth0_client"
    names = [*first.split(), *rest.split()]

    found = incoming(a_record("f", **dict.fromkeys(names, value))).activity

    assert found is not None
    assert found.activity == "failed_login"
    assert all(len(text) <= 2048 for text in vars(found).values() if isinstance(text, str))


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({}, "id"),
        ({"data": None}, "data"),
        ({"data": []}, "data"),
        ({"log_id": "1", "data": {}}, "type"),
        ({"log_id": "1", "data": {"type": 7}}, "type"),
        ({"log_id": "1", "data": {"type": ""}}, "type"),
        ({"log_id": 7, "data": {"type": "s"}}, "id"),
        ({"log_id": "1" * 513, "data": {"type": "s"}}, "id"),
        (a_record(date="yesterday"), "date"),
        (a_record(date=1772445600), "date"),
        (a_record(details=json.loads('{"a":' * 70 + "1" + "}" * 70)), "a"),
        (a_record(details=json.loads('{"a":' + "[" * 70 + "]" * 70 + "}")), "a"),
    ],
)
def test_a_record_without_what_it_needs_names_the_field(record: dict[str, Any], field: str) -> None:
    with pytest.raises(PayloadInvalid) as caught:
        incoming(record)

    assert [fault.field for fault in caught.value.faults] == [field]


def test_text_that_no_database_holds_is_replaced() -> None:
    found = activity(
        a_record(user_name="a\x00b", description="\ud800", details={"k\x00": ["\udfff", float("nan")]})
    )

    assert (found.user_name, found.description) == ("a�b", "�")
    assert found.details == {"k�": ["�", None]}


def test_long_text_is_cut_and_a_long_id_is_left_out() -> None:
    found = activity(a_record(user_agent="a" * 5000, client_id="c" * 600, user_id="u" * 2049))

    assert found.user_agent == "a" * 2048
    assert (found.client_id, found.user_id) == (None, None)


def test_a_huge_record_is_kept_without_its_json() -> None:
    found = activity(a_record(user_id=ANN, details={"prompts": ["x" * 1000] * 300}))

    assert (found.user_id, found.details) == (ANN, None)
    assert found.raw is not None
    assert len(json.dumps(found.raw)) < 200


def test_an_unknown_code_is_kept_as_it_is() -> None:
    found = incoming(a_record("zzz_new", user_id=ANN))

    assert found.activity is not None
    assert (found.activity.type, found.activity.activity, found.activity.counts) == ("zzz_new", None, True)
    assert (found.users, found.refreshes) == ((), frozenset())


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (a_record("fp", details={"error": {"message": "Wrong email or password."}}), "wrong_password"),
        (a_record("fu"), "unknown_user"),
        (a_record("f", details={"error": {"message": "blocked"}}), "blocked"),
        (a_record("f", details={"error": "denied"}), "denied"),
        (a_record("f", details={"error": {"reason": "no"}}), "no"),
        (a_record("f", description="Invalid"), "Invalid"),
        (a_record("f"), None),
        (a_record("feacft", details={"failure_reason": "grant_revoked"}), "grant_revoked"),
        (a_record("limit_wc"), "too_many_failures_from_one_ip"),
        (a_record("organization_member_added", details={"reason": "invitation"}), "invitation"),
        (a_record("s", description="Successful login"), None),
    ],
)
def test_a_failure_tells_why(record: dict[str, Any], reason: str | None) -> None:
    assert activity(record).reason == reason


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ss", RefreshKind.USER),
        ("sce", RefreshKind.USER),
        ("scp", RefreshKind.USER),
        ("scu", RefreshKind.USER),
        ("scpn", RefreshKind.USER),
        ("sv", RefreshKind.USER),
        ("sscim", RefreshKind.USER),
        ("organization_member_added", RefreshKind.MEMBERSHIPS),
        ("si", RefreshKind.MEMBERSHIPS),
    ],
)
def test_what_changes_a_user_is_a_hint_and_never_a_profile(code: str, kind: RefreshKind) -> None:
    found = incoming(a_record(code, user_id=ANN, details={"body": {"email": "new@example.com"}}))

    assert found.refreshes == {Refresh(kind, ANN)}
    assert found.users == ()


@pytest.mark.parametrize("code", ["s", "ssa", "fp", "slo", "seacft", "svr", "scpr", "fce", "sui", "limit_wc"])
def test_what_changes_nobody_is_no_hint(code: str) -> None:
    found = incoming(a_record(code, user_id=ANN))

    assert (found.users, found.refreshes) == ((), frozenset())


@pytest.mark.parametrize("code", ["sdu", "du"])
def test_a_deletion_is_a_tombstone_at_its_own_time(code: str) -> None:
    (user,) = incoming(a_record(code, user_id=ANN)).users

    assert (user.user_id, user.deleted, user.profile) == (ANN, AT, None)


@pytest.mark.parametrize("user_id", ["", None, 7])
def test_a_deletion_of_nobody_is_an_activity_alone(user_id: Any) -> None:
    assert incoming(a_record("sdu", user_id=user_id)).users == ()


@pytest.mark.parametrize("code", log_types())
def test_every_instance_of_a_published_schema_is_taken(code: str) -> None:
    for record in log_instances(code):
        found = activity(record)

        assert (found.id, found.type, found.activity) == (record["log_id"], code, activity_of(code))


def test_recorded_pages_of_the_log_are_taken() -> None:
    recorded = yaml.safe_load((DATA / "recordings" / "TestLogManager_CheckpointPagination.yaml").read_text())
    bodies = [json.loads(each["response"]["body"]) for each in recorded["interactions"]]
    records = [record for body in bodies for record in body]

    found = [activity(record, "logs") for record in records]

    assert len(found) > 5
    assert [each.id for each in found] == [record["_id"] for record in records]
    assert {each.activity for each in found} == {"signup", "api_operation", "failed_notification"}


_NAMES = [
    "data",
    "type",
    "log_id",
    "date",
    "details",
    "request",
    "response",
    "method",
    "path",
    "body",
    "user_id",
    "error",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("sapi") | st.just("s"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_NAMES) | st.text(max_size=3),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["data", "type", "log_id", "_id", "date", "details", "x"]), _JSON))
@settings(max_examples=80, deadline=None)
def test_no_json_object_raises_anything_but_a_payload_error(record: dict[str, Any]) -> None:
    with contextlib.suppress(PayloadInvalid):
        found = incoming(record).activity
        assert found is not None
        json.dumps([vars(found)], default=str, allow_nan=False, ensure_ascii=False).encode()
