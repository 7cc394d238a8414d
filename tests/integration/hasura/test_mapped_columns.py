"""Columns that [fields] maps: filled by every way in, and kept for their owner."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.conftest import new_database
from tests.integration.hasura.commands import Terminal
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.hasura.mapped import (
    ANN,
    FIELDS,
    Rows,
    a_profile,
    import_record,
    log_in,
    row,
    say,
)
from tests.integration.hasura.migrations import PROJECT

from frontdesk.auth0.management_user import user_from_management
from frontdesk.hasura.bulk import RowOutcome
from frontdesk.hasura.deploy import DEFAULTS, apply
from frontdesk.hasura.fields_plan import plan_fields, write_fields
from frontdesk.hasura.writes import UserWriter
from frontdesk.identity import FieldRule, FieldRules
from frontdesk.settings import load_settings
from localhasura.server import LocalHasura

_numbers = itertools.count()


@pytest.fixture(scope="session")
def mapped_template(
    postgres_url: str, deployed_template: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The name of a database that has what FIELDS needs, by the same steps as the commands."""
    name, directory = f"mapped_{worker_id}_{os.getpid()}", tmp_path_factory.mktemp("mapped") / "hasura"
    rules = FieldRules(FieldRule.parse(column, said) for column, said in FIELDS.items())
    with new_database(postgres_url, name, template=deployed_template) as url:
        with LocalHasura(database_url=url, admin_secret=ADMIN_SECRET) as hasura:
            plan = plan_fields(hasura.url, ADMIN_SECRET, PROJECT, rules, DEFAULTS)
            write_fields(plan, directory, rules, now=datetime.now(UTC))
            apply(hasura.url, ADMIN_SECRET, directory)
        yield name


@pytest.fixture
def mapped_rows(postgres_url: str, mapped_template: str) -> Iterator[Rows]:
    """A connection to a clone of that database."""
    with (
        new_database(postgres_url, f"{mapped_template}_{next(_numbers)}", template=mapped_template) as url,
        psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection,
    ):
        yield connection


@pytest.fixture
def mapped(mapped_rows: Rows, shell: Terminal) -> Iterator[Engine]:
    """An engine on that clone, and settings that say the same."""
    info = mapped_rows.info
    url = f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{info.dbname}"
    with LocalHasura(database_url=url, admin_secret=ADMIN_SECRET) as hasura:
        engine = Engine(hasura.url)
        say(shell, engine.url)
        yield engine
        engine.close()


def test_what_the_settings_say_becomes_columns_that_every_way_in_fills(
    mapped: Engine, mapped_rows: Rows
) -> None:
    log_in(
        a_profile(
            1,
            user_metadata={"company": {"name": "Acme"}},
            app_metadata={"seats": 5, "teams": ["a", 'b "c"'], "trial_until": "2026-05-01T02:00:00+02:00"},
        )
    )
    by_login = row(mapped_rows)
    outcome = import_record(
        a_profile(2, user_metadata={"company": {"name": "Beta"}}, app_metadata={"teams": "of another type"}),
        mapped.url,
    )
    by_import = row(mapped_rows)

    assert {name: by_login[name] for name in FIELDS} == {
        "company_name": "Acme",
        "seats": 5,
        "teams": ["a", 'b "c"'],
        "trial_until": datetime(2026, 5, 1, tzinfo=UTC),
        "display_name": "Ann",
        "note": None,
        "nickname": "annie",
    }
    assert outcome is RowOutcome.WRITTEN
    assert {name: by_import[name] for name in FIELDS} == {
        "company_name": "Beta",
        "seats": 1,
        "teams": None,
        "trial_until": None,
        "display_name": "Ann",
        "note": None,
        "nickname": "annie",
    }


def test_a_record_of_what_a_login_told_changes_nothing(mapped: Engine, mapped_rows: Rows) -> None:
    state = a_profile(
        1,
        identities=[{"connection": "github", "provider": "github", "user_id": 1001, "isSocial": True}],
        user_metadata={"company": {"name": "Acme"}},
        app_metadata={"seats": 5.0, "teams": ["a"], "trial_until": "2026-05-01T02:00:00+02:00"},
    )

    log_in(state)
    by_login = row(mapped_rows)
    outcome = import_record(state, mapped.url)

    bookkeeping = ("clocks", "synced_at")
    assert outcome is RowOutcome.UNCHANGED
    assert {name: value for name, value in row(mapped_rows).items() if name not in bookkeeping} == {
        name: value for name, value in by_login.items() if name not in bookkeeping
    }


def test_a_column_stays_with_its_owner(mapped: Engine, mapped_rows: Rows) -> None:
    log_in(a_profile(2, user_metadata={"company": {"name": "Acme"}}))

    mapped_rows.execute(
        "update users set display_name = 'Dr Ann', nickname = 'A', note = '{\"vip\": true}', company_name = 'by hand'"
    )
    log_in(a_profile(1, name="older", user_metadata={"company": {"name": "older"}}))
    after_an_older_login = row(mapped_rows)
    import_record(
        a_profile(3, name="Anna", nickname="anna", user_metadata={"company": {"name": "Newer"}}), mapped.url
    )
    after_a_newer_record = row(mapped_rows)

    own = ("display_name", "nickname", "note")
    assert {name: after_an_older_login[name] for name in (*own, "company_name", "name")} == {
        "display_name": "Dr Ann",
        "nickname": "A",
        "note": {"vip": True},
        "company_name": "Acme",  # Auth0 owns it: an edit by hand does not stand beside a newer payload
        "name": "Ann",
    }
    assert {name: after_a_newer_record[name] for name in (*own, "company_name", "name")} == {
        "display_name": "Dr Ann",
        "nickname": "A",
        "note": {"vip": True},
        "company_name": "Newer",
        "name": "Anna",
    }


def test_a_record_that_cannot_have_a_field_does_not_clear_its_column(
    mapped: Engine, mapped_rows: Rows
) -> None:
    log_in(a_profile(1, user_metadata={"company": {"name": "Acme"}}))
    user = user_from_management(
        a_profile(2),
        tenant="acme",
        read_at=datetime.now(UTC),
        carried=frozenset({"user_id", "email", "updated_at"}),
    )

    writer = UserWriter(mapped.url, ADMIN_SECRET, rules=load_settings().field_rules())
    writer.write_many([user], budget_s=20)
    writer.close()

    assert row(mapped_rows)["company_name"] == "Acme"


def test_who_reads_a_mapped_column_reads_what_it_comes_from(mapped: Engine) -> None:
    log_in(a_profile(1, user_metadata={"company": {"name": "Acme"}}, app_metadata={"seats": 5}))

    def read(role: str, fields: str) -> Any:
        headers = {"x-hasura-role": role, "x-hasura-tenant": "acme", "x-hasura-user-id": ANN}
        return mapped.ask(f"{{ users {{ {fields} }} }}", {"x-hasura-admin-secret": ADMIN_SECRET, **headers})

    assert read("user", "companyName displayName") == {
        "data": {"users": [{"companyName": "Acme", "displayName": "Ann"}]}
    }
    assert read("user_admin", "companyName seats") == {
        "data": {"users": [{"companyName": "Acme", "seats": 5}]}
    }
    assert "'seats' not found" in read("user", "seats")["errors"][0]["message"]
    assert "'note' not found" in read("user_admin", "note")["errors"][0]["message"]
