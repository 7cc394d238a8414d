"""Erasing somebody: everywhere, with a receipt, as often as it takes."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from psycopg.types.json import Jsonb
from tests.integration.users.house import ANN, ODD, House

LINKED = "google-oauth2|115015401343387192604"


def test_all_that_there_is_of_somebody_goes_and_the_receipt_says_it(house: House) -> None:
    _everywhere(house, ANN)

    done = house.users("erase", ANN, "--at-auth0", "--yes", "--as", "dpo", "--json")

    receipt = done.json()
    assert (done.returncode, receipt["at_auth0"]) == (0, True)
    assert receipt["removed"]["hasura"] == {
        "users": 1,
        "organization_members": 1,
        "user_merges": 0,
        "auth_activities": 1,
        "user_roles": 1,
    }
    assert receipt["removed"]["frontdesk"] == {
        "rejects": 2,
        "pass_users": 1,
        "pass_roles": 1,
        "pass_members": 1,
        "passes": 1,
        "procrastinate_jobs": 1,
        "stream_rejects": 0,
        "deliveries": 0,
        "audit": 2,  # of the sync, and the erasure's own
    }
    assert any("/data/users.ndjson" in each for each in receipt["by_hand"])
    assert any("rejects file" in each for each in receipt["by_hand"])
    assert any("erase again in an hour" in each for each in receipt["by_hand"])
    assert any("activities of others" in each for each in receipt["by_hand"])
    assert ANN not in house.auth0.store.users
    assert _places_that_name(house, ANN) == []


def test_others_are_left_alone(house: House) -> None:
    _everywhere(house, ANN)
    _everywhere(house, ODD)
    before = _places_that_name(house, ODD)

    house.users("erase", ANN, "--at-auth0", "--yes")

    assert _places_that_name(house, ODD) == before
    assert len(before) >= 8
    assert ODD in house.auth0.store.users


def test_the_audit_keeps_that_somebody_was_erased_and_not_who(house: House) -> None:
    house.users("block", ANN, "--as", "mia")

    mark = house.users("erase", ANN, "--yes", "--as", "dpo", "--json").json()["mark"]

    lines = [(line["actor"], line["action"], line["user_id"], line["detail"]) for line in house.audit()]
    assert lines == [("mia", "block", f"erased:{mark}", {}), ("dpo", "erase", f"erased:{mark}", {})]
    assert [line["outcome"] for line in house.audit()] == ["done", "done"]


def test_erased_again_there_is_nothing_and_it_is_no_error(house: House) -> None:
    house.users("sync", ANN)
    house.users("erase", ANN, "--at-auth0", "--yes")

    again = house.users("erase", ANN, "--at-auth0", "--yes", "--json")

    facts = again.json()
    assert (again.returncode, facts["at_auth0"]) == (0, False)
    assert set(facts["removed"]["hasura"].values()) == {0}


def test_what_was_killed_between_two_steps_is_finished_by_the_same_command(house: House) -> None:
    """Auth0 and frontdesk's own database have forgotten, Hasura is asked, and the process is killed."""
    _everywhere(house, ANN)
    house.killed_at("EraseUser", "erase", ANN, "--at-auth0", "--yes")
    left = _places_that_name(house, ANN)

    done = house.users("erase", ANN, "--at-auth0", "--yes")

    assert "public.users" in left
    assert "frontdesk.audit" in left
    assert ANN not in house.auth0.store.users
    assert done.returncode == 0
    assert _places_that_name(house, ANN) == []


def test_linked_accounts_go_with_the_user_they_are_linked_to(house: House) -> None:
    house.rows.execute(
        "INSERT INTO users (tenant, user_id, email) VALUES (%s, %s, 'ann@gmail.example')",
        (house.tenant, LINKED),
    )
    house.profile()["identities"].append(
        {
            "connection": "google-oauth2",
            "provider": "google-oauth2",
            "user_id": LINKED.split("|")[1],
            "isSocial": True,
        }
    )
    house.profile()["updated_at"] = "2026-11-01T08:00:00.000Z"
    house.users("sync", ANN)
    assert house.there(LINKED)["deleted_at"] is not None

    receipt = house.users("erase", ANN, "--yes", "--json").json()

    assert receipt["linked"] == [LINKED]
    assert receipt["removed"]["hasura"]["users"] == 2
    assert (house.row(ANN), house.row(LINKED)) == (None, None)


def test_somebody_who_was_unlinked_since_is_not_erased_with_the_user_they_were_linked_to(
    house: House,
) -> None:
    """The row of the one is behind: it still says that the other is a part of it."""
    provider, number = LINKED.split("|")
    further = {"connection": provider, "provider": provider, "user_id": number, "isSocial": True}
    house.profile()["identities"].append(further)
    house.profile()["updated_at"] = "2026-11-01T08:00:00.000Z"
    house.users("sync", ANN)
    house.rows.execute(
        "INSERT INTO users (tenant, user_id, email, write_id, clocks)"
        " VALUES (%s, %s, 'bob@gmail.example', gen_random_uuid(), %s)",
        (house.tenant, LINKED, Jsonb({"alive": {"at": "2026-11-02T08:00:00Z", "source": "profile"}})),
    )

    receipt = house.users("erase", ANN, "--yes", "--json").json()

    assert receipt["linked"] == []
    assert any(LINKED in each and "a user of its own" in each for each in receipt["by_hand"])
    assert (house.row(ANN), house.there(LINKED)["email"]) == (None, "bob@gmail.example")


def test_an_import_that_may_bring_somebody_back_is_named(house: House) -> None:
    house.store.execute(
        "INSERT INTO frontdesk.passes (id, tenant, kind, source, phase) VALUES (%s, %s, 'import', 'tenant', 'users')",
        (uuid4(), house.tenant),
    )

    receipt = house.users("erase", ANN, "--yes", "--json").json()

    assert any("erase again when it has ended" in each for each in receipt["by_hand"])


def test_what_waits_for_hasura_and_names_somebody_is_told(house: House) -> None:
    house.store.execute(
        "INSERT INTO frontdesk.deliveries (tenant, way, request_id, records, bytes, body)"
        " VALUES (%s, 'log-stream', 'r', 1, 9, %s)",
        (house.tenant, json.dumps([{"data": {"user_id": ANN}}]).encode()),
    )

    receipt = house.users("erase", ANN, "--yes", "--json").json()

    assert any("not in Hasura yet" in each for each in receipt["by_hand"])


def test_without_a_terminal_nobody_is_erased_without_a_word(house: House) -> None:
    house.users("sync", ANN)

    done = house.users("erase", ANN)

    assert done.returncode == 2
    assert house.row() is not None


def test_the_api_erases_too_and_a_later_sync_makes_a_new_row(served: House) -> None:
    path = f"/{ANN.replace('|', '%7C')}"
    served.call("POST", f"{path}/sync")

    erased = served.call("POST", f"{path}/erase")
    between = served.row()
    served.call("POST", f"{path}/sync")

    assert (erased.status_code, erased.json()["removed"]["hasura"]["users"]) == (200, 1)
    assert between is None
    assert served.there()["email"] == "ann@example.com"


def _everywhere(house: House, user_id: str) -> None:
    """Let somebody be in every table that may name a user."""
    house.users("sync", user_id, "--as", "mia")
    tenant, pass_id = house.tenant, uuid4()
    house.rows.execute(
        "INSERT INTO auth_activities (tenant, id, type, activity, source, occurred_at, user_id)"
        " VALUES (%s, %s, 's', 'login', 'log-stream', now(), %s)",
        (tenant, str(pass_id), user_id),
    )
    house.rows.execute(
        "INSERT INTO organizations (tenant, id, name, read_at) VALUES (%s, 'org_1', 'globex', now())"
        " ON CONFLICT DO NOTHING",
        (tenant,),
    )
    house.rows.execute(
        "INSERT INTO organization_members (tenant, organization_id, user_id, read_at) VALUES (%s, 'org_1', %s, now())",
        (tenant, user_id),
    )
    house.rows.execute(
        "INSERT INTO roles (tenant, name) VALUES (%s, 'beta') ON CONFLICT DO NOTHING", (tenant,)
    )
    if not house.grants(user_id):
        house.rows.execute(
            "INSERT INTO user_roles (tenant, user_id, role, source) VALUES (%s, %s, 'beta', 'hasura')",
            (tenant, user_id),
        )
    store = house.store
    store.execute(
        "INSERT INTO frontdesk.passes (id, tenant, kind, source, way, phase, status, detail)"
        " VALUES (%s, %s, 'import', '/data/users.ndjson', 'file', 'proof', 'done', %s)",
        (pass_id, tenant, Jsonb({"ids": {"missing": [user_id, "auth0|other"]}})),
    )
    rejects: list[tuple[Any, ...]] = [
        (pass_id, 1, tenant, user_id, "wrong", "{}"),
        (pass_id, 2, tenant, None, "half a line", json.dumps({"user_id": user_id}, ensure_ascii=False)[:-1]),
    ]
    for reject in rejects:
        store.execute("INSERT INTO frontdesk.rejects VALUES (%s, %s, %s, %s, %s, %s)", reject)
    store.execute("INSERT INTO frontdesk.pass_users (pass_id, user_id) VALUES (%s, %s)", (pass_id, user_id))
    store.execute("INSERT INTO frontdesk.pass_roles VALUES (%s, %s, 'Editor')", (pass_id, user_id))
    store.execute("INSERT INTO frontdesk.pass_members VALUES (%s, 'org_1', %s)", (pass_id, user_id))
    store.execute(
        "INSERT INTO frontdesk.procrastinate_jobs (queue_name, task_name, args) VALUES ('q', 'write', %s)",
        (Jsonb({"tenant": tenant, "user": {"user_id": user_id}}),),
    )


def _places_that_name(house: House, user_id: str) -> list[str]:
    """Return every table of both databases with a row, in this tenant's part, that has the id anywhere in its text."""
    found = []
    for connection, schema in ((house.rows, "public"), (house.store, "frontdesk")):
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", (schema,)
        ).fetchall()
        for table in (each["tablename"] for each in tables):
            rows = connection.execute(f"SELECT to_jsonb(t) AS row FROM {schema}.{table} AS t").fetchall()
            texts = [
                str(each["row"]) for each in rows if each["row"].get("tenant", house.tenant) == house.tenant
            ]
            if any(user_id in text for text in texts):
                found.append(f"{schema}.{table}")
    return found
