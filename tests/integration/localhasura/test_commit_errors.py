"""What fails only when the transaction ends: deferred constraints and triggers, apart from a statement's errors."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

AT_COMMIT = ("postgres-error", "$", "postgres tx error")


@pytest.fixture
def ledger(client: Client) -> Client:
    """Entries that refer to each other, checked when the transaction ends."""
    client.sql(
        """CREATE TABLE entry (
             id integer PRIMARY KEY, code text UNIQUE DEFERRABLE INITIALLY DEFERRED, tag text UNIQUE,
             follows integer REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED);
           CREATE TABLE total (id serial PRIMARY KEY, amount integer);
           CREATE FUNCTION balance() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN
             IF (SELECT sum(amount) FROM total) <> 0 THEN
               RAISE EXCEPTION 'out of balance' USING ERRCODE = '23514';
             END IF;
             RETURN NULL;
           END $$;
           CREATE CONSTRAINT TRIGGER balance AFTER INSERT OR UPDATE OR DELETE ON total
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION balance();
           INSERT INTO entry VALUES (1, 'a', 't', NULL);"""
    )
    client.metadata("pg_track_tables", {"tables": [{"table": "entry"}, {"table": "total"}]})
    return client


@pytest.mark.parametrize(
    "mutation",
    [
        'insert_entry_one(object: {id: 2, code: "a"}) {id}',
        "insert_entry(objects: {id: 2, follows: 3}) {affected_rows}",
        "update_entry(where: {}, _set: {follows: 9}) {affected_rows}",
        "insert_total_one(object: {amount: 1}) {id}",
        "insert_total_one(object: {amount: 1}) {id} delete_entry(where: {}) {affected_rows}",
    ],
)
def test_what_a_commit_refuses_has_no_place_in_the_request(ledger: Client, mutation: str) -> None:
    assert ledger.error(f"mutation {{{mutation}}}") == AT_COMMIT
    assert ledger.data("{entry {id follows} total {id}}") == {
        "entry": [{"id": 1, "follows": None}],
        "total": [],
    }


def test_the_administrator_sees_which_constraint_failed(ledger: Client) -> None:
    (error,) = ledger.graphql('mutation {insert_entry_one(object: {id: 2, code: "a"}) {id}}')["errors"]

    told = error["extensions"]["internal"]["error"]
    assert (told["status_code"], told["description"]) == ("23505", "Key (code)=(a) already exists.")


@pytest.mark.parametrize(
    ("mutation", "data"),
    [
        (
            "insert_entry(objects: [{id: 2, follows: 3}, {id: 3}]) {affected_rows}",
            {"insert_entry": {"affected_rows": 2}},
        ),
        (
            """a: insert_total_one(object: {amount: 1}) {amount}
               b: insert_total_one(object: {amount: -1}) {amount}""",
            {"a": {"amount": 1}, "b": {"amount": -1}},
        ),
    ],
)
def test_what_is_right_in_the_end_is_kept(ledger: Client, mutation: str, data: Any) -> None:
    assert ledger.data(f"mutation {{{mutation}}}") == data


def test_constraints_of_the_same_table_that_do_not_wait_are_told_where_they_fail(ledger: Client) -> None:
    error = ledger.error('mutation {insert_entry_one(object: {id: 2, tag: "t"}) {id}}')

    assert error == (
        "constraint-violation",
        "$.selectionSet.insert_entry_one.args.object",
        'Uniqueness violation. duplicate key value violates unique constraint "entry_tag_key"',
    )
