"""Rows read back page by page of their key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.hasura.histories import at, delete, full_profile, login

from frontdesk.hasura.rows import RowCount, UserRows
from frontdesk.hasura.writes import UserWriter
from frontdesk.identity.fields import FieldRule, FieldRules
from frontdesk.identity.user import JsonObject, Stamped, User

Rows = psycopg.Connection[dict[str, Any]]
BUDGET_S = 30.0
IDS = ["auth0|a", "auth0|B", "auth0|ä", "google-oauth2|1", "samlp|corp|x y", "z'\"\\;--"]


@pytest.fixture
def user_rows(engine: Engine) -> Iterator[UserRows]:
    """The reader that the product uses, on the running engine."""
    found = UserRows(engine.url, ADMIN_SECRET)
    yield found
    found.close()


def people(*user_ids: str) -> list[User]:
    return [replace(full_profile(1), user_id=user_id) for user_id in user_ids]


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7])
def test_every_row_comes_once_whatever_the_size_of_a_page(
    writer: UserWriter, user_rows: UserRows, size: int
) -> None:
    writer.write_many([*people(*IDS), login(1, tenant="other")], budget_s=BUDGET_S)

    pages = list(user_rows.pages("default", size=size))

    found = [row.user_id for page in pages for row in page]
    assert sorted(found) == sorted(IDS)
    assert max(map(len, pages)) <= size


def test_a_pass_goes_on_after_a_key(writer: UserWriter, user_rows: UserRows) -> None:
    writer.write_many(people(*IDS), budget_s=BUDGET_S)
    first, *_ = user_rows.pages("default", size=2)

    rest = [row.user_id for page in user_rows.pages("default", after=first[-1].user_id) for row in page]

    assert sorted([*(row.user_id for row in first), *rest]) == sorted(IDS)


def test_a_row_has_its_columns_its_clocks_and_its_tombstone(
    engine: Engine, writer: UserWriter, user_rows: UserRows
) -> None:
    writer.write(full_profile(1, name="ann"), budget_s=BUDGET_S)
    engine.upsert(delete(7))

    row = user_rows.one("default", "auth0|ann")

    assert row is not None
    assert (row.columns["name"], row.columns["appMetadata"], row.columns["blocked"]) == (
        "ann",
        {"full": "ann"},
        False,
    )
    assert (row.deleted_at, row.clocks["tombstone"]["at"]) == (at(7), "2026-03-01T12:07:00.000000Z")
    assert not row.columns.keys() & {"userId", "clocks", "deletedAt", "tenant"}


def test_a_user_of_another_tenant_is_not_there(writer: UserWriter, user_rows: UserRows) -> None:
    writer.write(login(1, tenant="other"), budget_s=BUDGET_S)

    assert user_rows.one("default", "auth0|ann") is None
    assert list(user_rows.pages("default")) == []


def test_rows_are_counted_with_and_without_tombstones(
    engine: Engine, writer: UserWriter, user_rows: UserRows
) -> None:
    writer.write_many([*people(*IDS), login(1, tenant="other")], budget_s=BUDGET_S)
    engine.upsert(replace(delete(3), user_id=IDS[0]))

    assert user_rows.count("default") == RowCount(all=6, living=5)
    assert user_rows.count("nobody's") == RowCount(all=0, living=0)


def test_large_rows_come_in_smaller_pages(writer: UserWriter, user_rows: UserRows) -> None:
    large: Stamped[JsonObject | None] = Stamped({"text": "x" * 900_000}, at(1))
    users = [replace(user, app_metadata=large) for user in people(*(f"auth0|{n}" for n in range(10)))]
    writer.write_many(users, budget_s=BUDGET_S)

    pages = list(user_rows.pages("default", size=100))

    assert sum(map(len, pages)) == 10
    assert len(pages) > 1


def test_columns_of_the_settings_are_read_too(engine: Engine, rows: Rows, writer: UserWriter) -> None:
    """Asked for by the document; what the role may read is in the metadata that comes with the column."""
    rules = FieldRules(
        [
            FieldRule.parse("company", {"path": "app_metadata.company"}),
            FieldRule.parse("points", {"owner": "app", "type": "integer"}),
        ]
    )
    mapped = UserRows(engine.url, ADMIN_SECRET, rules=rules)

    assert "company" in mapped.document.text
    assert "points" not in mapped.document.text
    mapped.close()
