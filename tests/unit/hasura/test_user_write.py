"""What a payload sends: the groups that it carried, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import structlog

from frontdesk.hasura.user_write import write_for
from frontdesk.identity import FieldRule, FieldRules
from frontdesk.identity.user import Identity, Login, Profile, Seen, Source, Stamped, User

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BORN = NOW - timedelta(days=30)
WRITE_ID = UUID("00000000-0000-4000-8000-000000000001")


def a_user(**groups: object) -> User:
    return User(tenant="acme", user_id="auth0|ann", source=Source.LOGIN, born=BORN, **groups)  # type: ignore[arg-type]


def test_a_payload_with_no_group_names_no_column_but_the_bookkeeping() -> None:
    write = write_for(a_user(), write_id=WRITE_ID)

    assert (write.tenant, write.user_id, write.columns) == ("acme", "auth0|ann", ("clocks", "writeId"))
    assert write.object == {
        "userId": "auth0|ann",
        "lastSeen": None,
        "clocks": {},
        "writeId": str(WRITE_ID),
    }


def test_a_group_goes_with_its_columns_and_its_clock() -> None:
    write = write_for(a_user(login=Stamped(Login(last_ip="192.0.2.1"), NOW)), write_id=WRITE_ID)

    assert write.columns == ("clocks", "lastIp", "lastLogin", "writeId")
    assert (write.object["lastIp"], write.object["lastLogin"]) == ("192.0.2.1", "2026-03-01T12:00:00+00:00")
    assert write.object["clocks"] == {
        "login": {
            "at": "2026-03-01T12:00:00.000000Z",
            "source": "login",
            "born": "2026-01-30T12:00:00.000000Z",
        }
    }


def test_a_profile_clears_what_auth0_left_unset() -> None:
    write = write_for(a_user(profile=Stamped(Profile(email="a@example.com"), NOW)), write_id=WRITE_ID)

    assert (write.object["email"], write.object["name"], write.object["identities"]) == (
        "a@example.com",
        None,
        [],
    )
    assert {"email", "name", "identities", "createdAt"} <= set(write.columns)


def test_null_metadata_is_sent_and_absent_metadata_is_not() -> None:
    write = write_for(a_user(app_metadata=Stamped(None, NOW)), write_id=WRITE_ID)

    assert write.object["appMetadata"] is None
    assert "appMetadata" in write.columns
    assert "userMetadata" not in write.object
    assert set(write.object["clocks"]) == {"app_metadata"}


def test_an_identity_keeps_auth0s_names_and_leaves_out_what_is_unset() -> None:
    identity = Identity(connection="google-oauth2", provider="google-oauth2", user_id="1", is_social=True)
    write = write_for(a_user(profile=Stamped(Profile(identities=(identity,)), NOW)), write_id=WRITE_ID)

    assert write.object["identities"] == [
        {"connection": "google-oauth2", "provider": "google-oauth2", "user_id": "1", "isSocial": True}
    ]


def test_roles_are_sent_sorted_and_once_each() -> None:
    write = write_for(a_user(roles=Stamped(("b", "a", "b"), NOW)), write_id=WRITE_ID)

    assert write.object["auth0Roles"] == ["a", "b"]


def test_the_count_has_no_time_of_its_own() -> None:
    write = write_for(a_user(logins_count=3), write_id=WRITE_ID)

    assert write.object["loginsCount"] == 3
    assert write.object["clocks"]["count"]["at"] is None


def test_deletion_and_proof_of_life_are_clocks_without_columns() -> None:
    write = write_for(a_user(deleted=NOW, alive=NOW), write_id=WRITE_ID)

    assert write.columns == ("clocks", "writeId")
    assert set(write.object["clocks"]) == {"tombstone", "alive"}


def test_only_a_payload_that_knows_of_a_block_sends_one() -> None:
    assert "blocked" not in write_for(a_user(seen=Stamped(Seen(), NOW)), write_id=WRITE_ID).columns
    assert "blocked" in write_for(a_user(blocked=Stamped(False, NOW)), write_id=WRITE_ID).columns


def test_times_are_sent_in_utc() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    write = write_for(a_user(seen=Stamped(Seen(), local)), write_id=WRITE_ID)

    assert write.object["lastSeen"] == "2026-03-01T12:00:00+00:00"


def test_payloads_of_one_kind_share_their_columns() -> None:
    first = write_for(a_user(seen=Stamped(Seen(organization_id="o"), NOW)), write_id=WRITE_ID)
    second = write_for(a_user(seen=Stamped(Seen(), BORN)), write_id=WRITE_ID)

    assert first.columns == second.columns
    assert first.object.keys() == second.object.keys()


def test_a_partial_profile_names_the_columns_that_it_carried_and_no_others() -> None:
    profile = Profile(
        user_name="ann", email_verified=False, created_at=BORN, sent=frozenset({"user_name", "created_at"})
    )

    write = write_for(a_user(profile=Stamped(profile, NOW)), write_id=WRITE_ID)

    assert write.columns == ("clocks", "createdAt", "userName", "writeId")
    assert datetime.fromisoformat(write.object["clocks"]["profile"]["at"]) == NOW


def ruled(user: User, **said: object) -> tuple[dict[str, object], tuple[str, ...]]:
    rules = FieldRules(FieldRule.parse(column, each) for column, each in said.items())
    write = write_for(user, write_id=WRITE_ID, rules=rules)
    return write.object, write.columns


def test_a_mapped_column_goes_with_what_it_comes_from() -> None:
    carried = a_user(user_metadata=Stamped({"company_name": "Acme"}, NOW))
    rule = {"path": "user_metadata.company_name"}

    object_, columns = ruled(carried, company_name=rule)
    without, columns_without = ruled(a_user(app_metadata=Stamped({}, NOW)), company_name=rule)

    assert object_["companyName"] == "Acme"
    assert columns == ("clocks", "companyName", "userMetadata", "writeId")
    assert "companyName" not in without
    assert "companyName" not in columns_without


def test_a_column_of_first_write_is_in_the_object_alone() -> None:
    carried = a_user(
        user_metadata=Stamped({"company": "Acme"}, NOW), profile=Stamped(Profile(name="Ann"), NOW)
    )

    object_, columns = ruled(
        carried,
        company={"path": "user_metadata.company", "owner": "first_write"},
        name={"owner": "first_write"},
    )

    assert (object_["company"], object_["name"]) == ("Acme", "Ann")
    assert not {"company", "name"} & set(columns)
    assert {"email", "userMetadata"} <= set(columns)


def test_a_column_of_the_application_is_never_sent() -> None:
    carried = a_user(profile=Stamped(Profile(name="Ann"), NOW))

    object_, columns = ruled(
        carried, name={"owner": "app"}, last_seen={"owner": "app"}, note={"owner": "app"}
    )

    assert not {"name", "lastSeen", "note"} & object_.keys()
    assert "name" not in columns


def test_a_group_whose_columns_are_all_the_applications_has_no_clock() -> None:
    carried = a_user(logins_count=3, user_metadata=Stamped({"a": 1}, NOW), alive=NOW)

    object_, _ = ruled(
        carried,
        logins_count={"owner": "app"},
        user_metadata={"owner": "app"},
        a={"path": "user_metadata.a", "type": "integer"},
    )

    # user_metadata still feeds a column, and alive never had one.
    clocks = object_["clocks"]
    assert isinstance(clocks, dict)
    assert clocks.keys() == {"user_metadata", "alive"}
    assert "userMetadata" not in object_


def test_a_mistyped_value_is_logged_once_by_its_column() -> None:
    rules = FieldRules([FieldRule.parse("size", {"path": "user_metadata.size", "type": "integer"})])
    carried = a_user(user_metadata=Stamped({"size": "a private text"}, NOW))

    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            write = write_for(carried, write_id=WRITE_ID, rules=rules)

    assert write.object["size"] is None
    assert lines == [
        {"event": "fields.mistyped", "column": "size", "expected": "integer", "log_level": "warning"}
    ]
