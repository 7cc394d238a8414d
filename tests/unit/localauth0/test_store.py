"""The store's records: their ends, their number, and users in Auth0's shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from localauth0 import users
from localauth0.store import Expiring, Store, iso_ms
from localauth0.tenant_file import parse_tenant

NOW = datetime(2026, 3, 1, 9, 0, 0, 123456, UTC)


def test_a_record_is_there_until_its_end() -> None:
    now = [NOW]
    kept = Expiring[str](lambda: now[0], timedelta(seconds=10))
    handle = kept.add("record", prefix="v1.")

    now[0] += timedelta(seconds=9)
    assert (handle[:3], kept.get(handle)) == ("v1.", "record")
    now[0] += timedelta(seconds=1)
    assert kept.get(handle) is None


def test_a_taken_record_is_gone() -> None:
    kept = Expiring[str](lambda: NOW, timedelta(seconds=10))
    handle = kept.add("record")

    assert [kept.take(handle), kept.take(handle), kept.take(None)] == ["record", None, None]


def test_the_oldest_records_go_when_there_are_too_many() -> None:
    kept = Expiring[int](lambda: NOW, timedelta(seconds=10))
    handles = [kept.add(number) for number in range(10_001)]

    assert (kept.get(handles[0]), kept.get(handles[1])) == (None, 1)


def test_moments_are_written_in_utc_with_milliseconds() -> None:
    assert iso_ms(NOW) == "2026-03-01T09:00:00.123Z"


def test_a_user_in_the_store_has_no_empty_or_null_attributes() -> None:
    user = {
        "user_id": "auth0|1",
        "email": None,
        "app_metadata": {},
        "user_metadata": {"a": None},
        "password": "p",
    }

    profile = store_with(user).users["auth0|1"].profile

    assert profile == {
        "user_id": "auth0|1",
        "user_metadata": {"a": None},
        "created_at": "2026-03-01T09:00:00.123Z",
        "updated_at": "2026-03-01T09:00:00.123Z",
        "identities": [{"connection": "db", "provider": "auth0", "user_id": "1", "isSocial": False}],
    }


def test_two_resets_do_not_share_a_profile() -> None:
    store = store_with({"user_id": "auth0|1", "app_metadata": {"list": [1]}})
    store.users["auth0|1"].profile["app_metadata"]["list"].append(2)

    store.reset()

    assert store.users["auth0|1"].profile["app_metadata"] == {"list": [1]}


def test_an_enterprise_identity_is_found_by_the_connection_in_its_user_id() -> None:
    store = store_with({"user_id": "samlp|second|eve@corp.example"})

    identity = store.users["samlp|second|eve@corp.example"].profile["identities"][0]

    assert identity["connection"] == "second"


def test_a_linked_user_may_log_in_through_each_identity() -> None:
    identities = [
        {"connection": "db", "provider": "auth0", "user_id": "1", "isSocial": False},
        {"connection": "second", "provider": "samlp", "user_id": "eve", "isSocial": False},
    ]
    store = store_with({"user_id": "auth0|1", "identities": identities})

    connections = users.connections_of(store, store.users["auth0|1"])

    assert [connection.name for connection in connections] == ["db", "second"]


def store_with(user: dict[str, Any]) -> Store:
    document = {
        "tenant": "t",
        "connections": [
            {"id": "con_1", "name": "db", "strategy": "auth0"},
            {"id": "con_2", "name": "first", "strategy": "samlp"},
            {"id": "con_3", "name": "second", "strategy": "samlp"},
        ],
        "users": [user],
    }
    return Store(parse_tenant(document, base_dir=Path()), lambda: NOW)
