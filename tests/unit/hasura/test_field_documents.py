"""What `frontdesk fields plan` writes: SQL that no text of the settings can leave, and metadata with a small diff."""

from __future__ import annotations

import copy
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.integration.hasura.migrations import PROJECT

from frontdesk.errors import HasuraBlocked
from frontdesk.hasura.field_metadata import clashes, with_fields
from frontdesk.hasura.field_migration import FieldMigration, migration_for
from frontdesk.hasura.fields_plan import FieldsPlan, write_fields
from frontdesk.hasura.metadata_merge import same
from frontdesk.hasura.plan import Step, StepKind
from frontdesk.hasura.schema_move import moved_sql
from frontdesk.identity import FieldRule, FieldRules

USERS = Path("metadata/databases/default/tables/public_users.yaml")
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def rules(**said: Any) -> FieldRules:
    return FieldRules(FieldRule.parse(column, each) for column, each in said.items())


def migration(of: FieldRules, **stored: Any) -> FieldMigration:
    missing = [rule for rule in of.columns if rule.column not in stored]
    return migration_for(of, missing=missing, stored=stored)


def entry() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((PROJECT / USERS).read_text())
    return read


def columns_of(table: dict[str, Any], kind: str, role: str) -> set[str]:
    (permission,) = (each["permission"] for each in table[kind] if each["role"] == role)
    return set(permission["columns"])


def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "hasura"))


def test_a_database_that_has_everything_needs_no_migration() -> None:
    of = rules(plan={"path": "app_metadata.plan"}, nickname={"owner": "app"})

    assert migration(of, **of.for_database()) == FieldMigration()


@pytest.mark.parametrize(
    ("kind", "default", "literal"),
    [
        ("text", "it's", "'it''s'::text"),
        ("text", "a\\b", "'a\\b'::text"),
        ("text", "public.users \\ it's", "E'\\x70ublic.users \\\\ it''s'::text"),
        ("text[]", ["a", "b'c"], "ARRAY['a', 'b''c']::text[]"),
        ("text[]", [], "ARRAY[]::text[]"),
        ("integer", 5, "'5'::bigint"),
        ("number", 0.5, "'0.5'::double precision"),
        ("boolean", False, "'false'::boolean"),
        ("json", {"a": "b"}, '\'{"a": "b"}\'::jsonb'),
        ("json", "text", "'\"text\"'::jsonb"),
        ("timestamp", "2026-01-01T00:00:00Z", "'2026-01-01T00:00:00+00:00'::timestamp with time zone"),
    ],
)
def test_a_default_is_a_literal_of_its_type(kind: str, default: Any, literal: str) -> None:
    up = migration(rules(plan={"path": "app_metadata.plan", "type": kind, "default": default})).up

    assert f" DEFAULT {literal};" in up


@pytest.mark.parametrize("default", ["$$; drop table users; $$", "public.users", "'; drop table users; --"])
def test_no_text_of_the_settings_leaves_its_quotes(default: str) -> None:
    up = migration(rules(plan={"path": "app_metadata.plan", "default": default})).up

    body = up.partition("AS $$ ")[2].removesuffix(" $$;\n")
    literal = body.removeprefix("SELECT '").removesuffix("'::jsonb")
    assert "$" not in body
    assert "'" not in literal.replace("''", "")
    assert moved_sql(body, "people") == body
    assert json.loads(literal.replace("''", "'"))["plan"]["default"] == default


def test_what_is_in_the_way_keeps_the_project_as_it_is(tmp_path: Path) -> None:
    plan = FieldsPlan(steps=(Step("column plan", StepKind.CANNOT, "is there as integer"),))

    with pytest.raises(HasuraBlocked, match=r"column plan: is there as integer\nNothing was written\."):
        write_fields(plan, tmp_path / "hasura", rules(), now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_rewritten_file_differs_in_the_new_columns_alone(tmp_path: Path) -> None:
    of = rules(company_name={"path": "user_metadata.company"})
    directory = project(tmp_path)
    before = (directory / USERS).read_text().splitlines()

    written = write_fields(FieldsPlan(steps=(), migration=migration(of)), directory, of, now=NOW)

    assert written.metadata == directory / USERS
    after = (directory / USERS).read_text().splitlines()
    added = [line for line in after if "company" in line]
    assert [line for line in after if line not in added] == before
    assert len(added) == 3 + 5  # both notations of its name, and five permissions


def test_a_migration_comes_after_all_others_whatever_the_clock_says(tmp_path: Path) -> None:
    of = rules(plan={"path": "app_metadata.plan"})
    directory = project(tmp_path)
    newest = max(path.name for path in (directory / "migrations" / "default").iterdir())

    written = write_fields(
        FieldsPlan(steps=(), migration=migration(of)), directory, of, now=datetime(2001, 1, 1, tzinfo=UTC)
    )

    assert written.migration is not None
    assert written.migration.name == f"{int(newest.partition('_')[0]) + 1}_map_fields"


def test_without_rules_the_metadata_is_as_it_was() -> None:
    assert with_fields(entry(), rules(nickname={"owner": "app"})) == entry()


def test_a_role_gets_what_it_may_have_of_a_column() -> None:
    made = with_fields(
        entry(),
        rules(
            public={"path": "user_metadata.a"},
            secret={"path": "app_metadata.a"},
            once={"path": "user_metadata.b", "owner": "first_write"},
            own={"owner": "app"},
        ),
    )

    names = {"public", "secret", "once", "own"}
    granted = {
        (kind, role): columns_of(made, kind, role) & names
        for kind, role in [
            ("insert_permissions", "frontdesk"),
            ("update_permissions", "frontdesk"),
            ("select_permissions", "frontdesk"),
            ("select_permissions", "user"),
            ("select_permissions", "user_admin"),
        ]
    }
    assert granted == {
        ("insert_permissions", "frontdesk"): {"public", "secret", "once"},
        ("update_permissions", "frontdesk"): {"public", "secret"},
        ("select_permissions", "frontdesk"): {"public", "secret", "once"},
        ("select_permissions", "user"): {"public", "once"},
        ("select_permissions", "user_admin"): {"public", "secret", "once"},
    }


def test_an_owner_that_changes_takes_the_right_back() -> None:
    path = {"path": "user_metadata.a"}
    by_auth0 = with_fields(entry(), rules(plan=path))

    once = with_fields(by_auth0, rules(plan={**path, "owner": "first_write"}))
    never = with_fields(by_auth0, rules(plan={**path, "owner": "app"}))

    assert "plan" in columns_of(once, "insert_permissions", "frontdesk")
    assert "plan" not in columns_of(once, "update_permissions", "frontdesk")
    assert "plan" not in columns_of(never, "insert_permissions", "frontdesk")


def test_names_and_permissions_of_others_stay() -> None:
    theirs = entry()
    theirs["configuration"]["column_config"]["plan_of_sales"] = {
        "custom_name": "salesPlan",
        "comment": "theirs",
    }
    theirs["select_permissions"].append({"role": "sales", "permission": {"columns": ["email"], "filter": {}}})
    before = copy.deepcopy(theirs)

    made = with_fields(theirs, rules(plan={"path": "app_metadata.plan"}))

    assert theirs == before
    assert columns_of(made, "select_permissions", "sales") == {"email"}
    assert same(made["configuration"], before["configuration"])


@pytest.mark.parametrize(
    ("column", "other"), [("roles", "a relationship"), ("sales_plan", "the column plan_of_sales")]
)
def test_a_name_that_is_taken_in_graphql_is_told(column: str, other: str) -> None:
    theirs = entry()
    theirs["configuration"]["column_config"]["plan_of_sales"] = {"custom_name": "salesPlan"}

    ((rule, told),) = clashes(theirs, rules(**{column: {"path": "app_metadata.plan"}}))

    assert (rule.column, told) == (column, other)
