"""What a role may write: presets, checks, backend-only permissions, and what the session tells PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

pytestmark = pytest.mark.usefixtures("rows_of_the_workshop")
USER = {"X_Hasura_Role": "user", "X_Hasura_User_Id": "u1"}


def test_presets_may_be_values_of_any_type(workshop: Client) -> None:
    data = workshop.data('mutation {insert_memo_one(object: {body: "b"}) {author meta weight done}}', **USER)

    assert data == {"insert_memo_one": {"author": "u1", "meta": {"a": [1]}, "weight": 1.5, "done": True}}


@pytest.mark.parametrize(
    ("role", "user", "row", "code"),
    [
        ("user", "u1", 'body: "b"', None),
        ("user", "u2", 'body: "b"', "permission-error"),
        ("pair", "u1", 'author: "x", body: "x"', None),
        ("pair", "u1", 'author: "x", body: "y"', "permission-error"),
        ("pair", "u1", 'author: "x"', None),
    ],
    ids=["exists", "does not exist", "equal columns", "different columns", "a check that is null"],
)
def test_checks_of_inserts(workshop: Client, role: str, user: str, row: str, code: str | None) -> None:
    answer = workshop.graphql(
        f"mutation {{insert_memo(objects: {{{row}}}) {{affected_rows}}}}",
        X_Hasura_Role=role,
        X_Hasura_User_Id=user,
    )

    if code is None:
        assert answer == {"data": {"insert_memo": {"affected_rows": 1}}}
    else:
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


BACK = "mutation {insert_memo(objects: {}) {affected_rows}}"
PERMISSION = "X_Hasura_Use_Backend_Only_Permissions"


@pytest.mark.parametrize("word", ["true", "TRUE", "t", "yes", "Y"])
def test_backend_only_permissions_count_with_the_header(workshop: Client, word: str) -> None:
    headers = {"X_Hasura_Role": "back", PERMISSION: word}

    assert workshop.data(BACK, **headers) == {"insert_memo": {"affected_rows": 1}}
    assert workshop.data(
        "mutation {update_memo(where: {}) {affected_rows} delete_memo(where: {}) {affected_rows}}", **headers
    ) == {"update_memo": {"affected_rows": 0}, "delete_memo": {"affected_rows": 1}}


@pytest.mark.parametrize("word", [None, "false", "F", "no", "n"])
def test_without_the_header_a_backend_role_has_no_mutations(workshop: Client, word: str | None) -> None:
    headers = {"X_Hasura_Role": "back"} | ({} if word is None else {PERMISSION: word})

    assert workshop.error(BACK, **headers) == ("validation-failed", "$", "no mutations exist")


@pytest.mark.parametrize("word", ["1", "on", "maybe"])
def test_the_header_takes_boolean_words_only(workshop: Client, word: str) -> None:
    code, path, message = workshop.error(BACK, **{"X_Hasura_Role": "back", PERMISSION: word})

    assert (code, path) == ("bad-request", "$")
    assert "Not a valid boolean text" in message


def test_a_role_without_updatable_columns_may_update_nothing(workshop: Client) -> None:
    role = {"X_Hasura_Role": "reader"}

    assert workshop.data("mutation {update_memo(where: {}) {affected_rows}}", **role) == {
        "update_memo": {"affected_rows": 0}
    }
    assert workshop.error("mutation {update_memo(where: {}, _set: {}) {affected_rows}}", **role) == (
        "validation-failed",
        "$.selectionSet.update_memo",
        "'update_memo' has no argument named '_set'",
    )


@pytest.mark.parametrize("kind", ["insert", "update", "delete"])
def test_validation_by_a_web_hook_is_not_supported(workshop: Client, kind: str) -> None:
    permission: dict[str, Any] = {"check": {}, "filter": {}, "columns": "*"}
    permission["validate_input"] = {"type": "http", "definition": {"url": "http://127.0.0.1:9"}}

    refused = workshop.refused(
        f"pg_create_{kind}_permission", {"table": "toy", "role": "validated", "permission": permission}
    )

    assert refused == (
        400,
        "not-supported",
        "$.args.permission.validate_input",
        '"validate_input" of a permission is not supported by this engine',
    )


def test_metadata_with_fractions_is_kept(workshop: Client) -> None:
    exported = workshop.metadata("export_metadata", {}, version=2)

    tables = exported["metadata"]["sources"][0]["tables"]
    (memo,) = [table for table in tables if table["table"]["name"] == "memo"]
    presets = [each["permission"].get("set") for each in memo["insert_permissions"]]
    assert {"author": "X-Hasura-User-Id", "meta": {"a": [1]}, "weight": 1.5, "done": True} in presets


WHO = "current_setting('hasura.user', true)::json ->> 'x-hasura-user-id'"


@pytest.mark.parametrize(
    "mutation",
    [
        "insert_seen(objects: {}) {affected_rows}",
        "insert_seen(objects: [{}, {}]) {affected_rows returning {id}}",
        "update_seen(where: {}, _set: {n: 1}) {affected_rows}",
        "delete_seen(where: {}) {affected_rows}",
        "delete_seen_by_pk(id: 1) {id}",
        "a: insert_seen(objects: {}) {affected_rows} b: delete_seen(where: {}) {affected_rows}",
    ],
)
def test_defaults_and_triggers_of_every_kind_see_the_session(client: Client, mutation: str) -> None:
    client.sql(
        f"""CREATE TABLE seen (id serial PRIMARY KEY, n integer, who text DEFAULT ({WHO}));
            INSERT INTO seen (who) VALUES ('me');
            CREATE TABLE trail (at text, who text);
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              INSERT INTO trail VALUES (TG_WHEN || TG_LEVEL, {WHO});
              RETURN coalesce(NEW, OLD);
            END $$;
            CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON seen EXECUTE FUNCTION note();
            CREATE TRIGGER b BEFORE INSERT OR UPDATE OR DELETE ON seen FOR EACH ROW EXECUTE FUNCTION note();
            CREATE TRIGGER c AFTER INSERT OR UPDATE OR DELETE ON seen FOR EACH ROW EXECUTE FUNCTION note();
            CREATE CONSTRAINT TRIGGER d AFTER INSERT OR UPDATE OR DELETE ON seen DEFERRABLE INITIALLY DEFERRED
              FOR EACH ROW EXECUTE FUNCTION note();"""
    )
    client.metadata("pg_track_tables", {"tables": [{"table": "seen"}, {"table": "trail"}]})

    client.data(f"mutation {{{mutation}}}", X_Hasura_User_Id="me")

    trail = client.data("{trail(distinct_on: [at, who], order_by: [{at: asc}, {who: asc}]) {at who}}")[
        "trail"
    ]
    assert [(each["at"], each["who"]) for each in trail] == [
        ("AFTERROW", "me"),
        ("BEFOREROW", "me"),
        ("BEFORESTATEMENT", "me"),
    ]
    assert client.data('{seen(where: {_not: {who: {_eq: "me"}}}) {id}}') == {"seen": []}
