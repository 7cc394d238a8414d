"""Users changed by command: at Auth0, at once in Hasura, with a line in the audit."""

from __future__ import annotations

import pytest
from tests.integration.users.house import ANN, CONNECTION, ODD, READER, House


def test_a_new_user_is_at_auth0_in_hasura_and_in_the_audit(house: House) -> None:
    done = house.users(
        "create", "--connection", CONNECTION, "--email", "New@Example.com", "--app-metadata", '{"plan": "free"}',
        "--password-file", "-", "--as", "mia", "--json", stdin="Secret-Horse-7!\n",
    )  # fmt: skip

    made = done.json()
    user_id = made["user_id"]
    assert (done.returncode, made["outcome"], made["synced"]) == (0, "done", True)
    assert house.profile(user_id)["app_metadata"] == {"plan": "free"}
    assert house.auth0.store.users[user_id].password == "Secret-Horse-7!"
    assert (house.there(user_id)["email"], house.there(user_id)["app_metadata"]) == (
        "new@example.com",
        {"plan": "free"},
    )
    (line,) = house.audit()
    assert (line["actor"], line["action"], line["user_id"], line["outcome"]) == (
        "mia",
        "create",
        user_id,
        "done",
    )
    assert line["detail"] == {
        "connection": CONNECTION,
        "fields": ["app_metadata.plan", "email", "password"],
    }


def test_no_value_of_a_change_is_in_the_audit_or_on_the_terminal(house: House) -> None:
    done = house.users(
        "update", ANN, "--name", "Zaphod Beeblebrox", "--user-metadata", '{"ssn": "078-05-1120"}'
    )
    more = house.users("update", ANN, "--password-file", "-", stdin="Secret-Horse-7!")

    assert (done.returncode, more.returncode) == (0, 0)
    said = f"{house.audit()} {done} {more}"
    assert not any(value in said for value in ("Zaphod", "078-05", "Secret-Horse"))


def test_a_change_merges_metadata_and_leaves_the_rest(house: House) -> None:
    house.users("sync", ANN)

    done = house.users("update", ANN, "--app-metadata", '{"seats": 3}', "--nickname", "annie")

    assert done.returncode == 0
    assert house.profile()["app_metadata"] == {"plan": "pro", "seats": 3}
    assert house.there()["app_metadata"] == {"plan": "pro", "seats": 3}
    assert (house.there()["nickname"], house.there()["user_metadata"]) == ("annie", {"company": "Globex"})


def test_metadata_is_erased_only_by_its_name(house: House) -> None:
    refused = house.users("update", ANN, "--app-metadata", "{}")
    cleared = house.users("update", ANN, "--clear-app-metadata", "--unset", "nickname")

    assert refused.returncode == 2
    assert "Auth0 would erase all app_metadata" in refused.stderr
    assert cleared.returncode == 0
    assert "app_metadata" not in house.profile()
    assert house.there()["app_metadata"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--email", "a@b.example", "--email-verified", "--username", "x"], "username and email in one"),
        (["--phone-number", "0049"], "phone_number"),
        (["--app-metadata", "[1]"], "--app-metadata: expected a JSON object"),
        (["--app-metadata", '{"a.b": 1}'], "without a dot"),
        (["--unset", "app_metadata"], "--clear-app-metadata"),
        (["--unset", "shoe_size"], "no such field"),
        ([], "at least one field"),
        (["--clear-app-metadata", "--app-metadata", '{"a": 1}'], "not both"),
    ],
)
def test_what_auth0_would_refuse_is_said_before_anything_is_asked(
    house: House, arguments: list[str], said: str
) -> None:
    done = house.users("update", ANN, *arguments)

    assert done.returncode == 2
    assert said in done.stderr
    assert house.audit() == []


def test_a_block_closes_the_row_at_once_and_is_lifted_at_once(house: House) -> None:
    blocked = house.users("block", ANN)
    between = house.there()["blocked"]
    unblocked = house.users("unblock", ANN)

    assert (blocked.returncode, unblocked.returncode) == (0, 0)
    assert (between, house.there()["blocked"]) == (True, False)
    assert house.profile().get("blocked") is False
    assert "No block after wrong passwords is left" in unblocked.stdout


def test_a_block_after_wrong_passwords_is_another_and_is_lifted_by_name(house: House) -> None:
    house.auth0.store.user_blocks[ANN] = [{"identifier": "ann@example.com", "ip": "203.0.113.7"}]

    first = house.users("unblock", ANN)
    second = house.users("unblock", ANN, "--brute-force", "--json")

    assert "still blocks 1 addresses" in first.stdout
    assert second.json()["detail"] == {"brute_force_blocks": 0}


def test_somebody_gets_exactly_the_roles_that_are_named_and_keeps_grants_of_people(house: House) -> None:
    house.users("sync", ANN)
    house.rows.execute("INSERT INTO roles (tenant, name) VALUES (%s, 'beta')", (house.tenant,))
    house.rows.execute(
        "INSERT INTO user_roles (tenant, user_id, role, source) VALUES (%s, %s, 'beta', 'hasura')",
        (house.tenant, ANN),
    )

    first = house.users("set-roles", ANN, "Viewer", "--json")
    again = house.users("set-roles", ANN, "Viewer", "--json")
    unknown = house.users("set-roles", ANN, "Nobody")
    none = house.users("set-roles", ANN, "--none")

    assert first.json()["detail"] == {"added": ["Viewer"], "removed": ["Editor"]}
    assert again.json()["outcome"] == "unchanged"
    assert unknown.returncode == 1
    assert "Auth0 has no role 'Nobody'; it has: Editor, Viewer" in unknown.stderr
    assert none.returncode == 0
    assert house.grants() == [("beta", "hasura")]
    assert [line["outcome"] for line in house.audit()] == ["done", "done", "unchanged", "refused", "done"]


def test_groups_are_those_of_app_metadata_and_organizations_are_shown_beside(house: House) -> None:
    house.users("groups", ANN, "--set", "users", "--set", "admin")
    shown = house.users("groups", ANN, "--json").json()
    gone = house.users("groups", ANN, "--none")

    assert shown["groups"] == ["users", "admin"]
    assert [each["name"] for each in shown["organizations"]] == ["globex"]
    assert gone.returncode == 0
    assert house.profile()["app_metadata"] == {"plan": "pro"}
    assert house.there()["app_metadata"] == {"plan": "pro"}


def test_a_deleted_user_has_a_tombstone_at_once_and_twice_is_no_error(house: House) -> None:
    house.users("sync", ANN)

    asked = house.users("delete", ANN)
    first = house.users("delete", ANN, "--yes")
    again = house.users("delete", ANN, "--yes", "--json")
    nobody = house.users("delete", "auth0|nobody", "--yes")

    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    assert first.returncode == 0
    assert ANN not in house.auth0.store.users
    assert house.there()["deleted_at"] is not None
    assert again.json()["outcome"] == "unchanged"
    assert nobody.returncode == 1
    assert "no user 'auth0|nobody'" in nobody.stderr
    assert house.row("auth0|nobody") is None


def test_a_deletion_that_only_auth0_has_done_is_finished(house: House) -> None:
    house.users("sync", ANN)
    del house.auth0.store.users[ANN]

    assert house.users("delete", ANN, "--yes").returncode == 0
    assert house.there()["deleted_at"] is not None


def test_an_odd_id_is_one_id_everywhere(house: House) -> None:
    done = house.users("block", ODD)

    assert done.returncode == 0
    assert house.profile(ODD)["blocked"] is True
    assert house.there(ODD)["blocked"] is True


@pytest.mark.parametrize("user_id", [".", "..", ""])
def test_an_id_that_would_be_another_place_is_nobody(house: House, user_id: str) -> None:
    done = house.users("block", user_id)

    assert done.returncode == 1
    assert "there is no user" in done.stderr
    assert len(house.auth0.store.users) == 2


def test_somebody_who_exists_is_not_created_twice(house: House) -> None:
    done = house.users("create", "--connection", CONNECTION, "--email", "ann@example.com", "--password-file", "-",
                       stdin="Secret-Horse-7!")  # fmt: skip

    assert done.returncode == 1
    assert "already exists" in done.stderr
    assert [line["outcome"] for line in house.audit()] == ["refused"]


@pytest.mark.parametrize(
    ("arguments", "scope"),
    [
        (["block", ANN], "update:users"),
        (["delete", ANN, "--yes"], "delete:users"),
        (["create", "--connection", CONNECTION, "--email", "x@example.com"], "create:users"),
        (["set-roles", ANN, "Viewer"], "create:role_members"),
    ],
)
def test_a_missing_scope_is_named_with_what_gives_it(house: House, arguments: list[str], scope: str) -> None:
    house.machine = READER

    done = house.users(*arguments)

    assert done.returncode == 1
    assert scope in done.stderr
    assert "frontdesk auth0 setup" in done.stderr
    assert [line["outcome"] for line in house.audit()] == ["refused"]


def test_without_a_database_nothing_is_changed(house: House) -> None:
    house.changes["DATABASE_URL"] = ""

    done = house.users("block", ANN)

    assert done.returncode == 1
    assert "FRONTDESK_DATABASE_URL" in done.stderr
    assert "blocked" not in house.profile()


def test_the_list_is_auth0s_search_and_says_what_it_does_not_show(house: House) -> None:
    listed = house.users("list", "--q", 'email:"ann@example.com"', "--json").json()
    some = house.users("list", "--limit", "1")

    assert [(each["user_id"], each["connection"]) for each in listed["items"]] == [(ANN, CONNECTION)]
    assert "1 of 2 users" in some.stderr
