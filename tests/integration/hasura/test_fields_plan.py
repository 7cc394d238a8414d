"""`frontdesk fields plan`: what it says, what it writes, and what it will not do."""

from __future__ import annotations

import json
import time
from pathlib import Path

import yaml
from tests.integration.hasura.commands import Done, Terminal
from tests.integration.hasura.deploys import call, sql
from tests.integration.hasura.engine import Engine
from tests.integration.hasura.mapped import (
    FIELDS,
    Rows,
    a_profile,
    bring_in,
    log_in,
    row,
    say,
)
from tests.integration.hasura.migrations import PROJECT

from frontdesk.settings import load_settings
from frontdesk.sync.doctor.checks import Finding, Verdict
from frontdesk.sync.doctor.hasura_questions import FIELDS as FIELDS_QUESTION
from frontdesk.sync.doctor.hasura_questions import METADATA, WRITE, hasura_questions

RULES = "select public.users_field_rules()::text"


def steps(done: Done) -> dict[str, str]:
    return {step["what"]: step["kind"] for step in json.loads(done.stdout)["steps"]}


def test_a_plan_alone_changes_nothing_and_afterwards_there_is_nothing_to_do(
    shell: Terminal, engine: Engine, rows: Rows, tmp_path: Path
) -> None:
    say(shell, engine.url)

    told = shell.run("fields", "plan")
    assert (told.returncode, list(tmp_path.iterdir())) == (0, [])
    assert 'ALTER TABLE public.users ADD COLUMN "company_name" text;' in told.stdout
    assert set(steps(shell.run("fields", "plan", "--json")).values()) == {"create", "update"}
    assert rows.execute(RULES).fetchone() == {"users_field_rules": "{}"}

    bring_in(shell)
    again = shell.run("fields", "plan", "--out", "hasura", "--json")
    assert set(steps(again).values()) == {"keep"}
    assert json.loads(again.stdout)["written"] == []
    assert (
        shell.run("fields", "plan").stdout.splitlines()[-1]
        == "Nothing to do: Hasura has what [fields] needs."
    )
    assert shell.run("hasura", "status", "--project", "hasura").returncode == 0


def test_what_was_written_once_is_not_written_again(shell: Terminal, engine: Engine, tmp_path: Path) -> None:
    say(shell, engine.url)

    first = json.loads(shell.run("fields", "plan", "--out", "hasura", "--json").stdout)["written"]
    second = json.loads(shell.run("fields", "plan", "--out", "hasura", "--json").stdout)["written"]

    assert [Path(path).name.partition("_")[2] for path in first] == ["map_fields", "users.yaml"]
    assert second == []


def test_without_rules_there_is_nothing_to_do(shell: Terminal, engine: Engine) -> None:
    say(shell, engine.url, {})

    done = shell.run("fields", "plan")

    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "Nothing to do: Hasura has what [fields] needs.",
    )


def test_a_rule_that_is_gone_leaves_the_column_and_takes_the_right_to_write_it(
    shell: Terminal, engine: Engine, rows: Rows
) -> None:
    say(shell, engine.url)
    bring_in(shell)
    log_in(a_profile(1, user_metadata={"company": {"name": "Acme"}}))
    say(shell, engine.url, {"nickname": {"owner": "app"}})

    bring_in(shell)
    log_in(a_profile(2, nickname="newer", user_metadata={"company": {"name": "Beta"}}))

    found = row(rows)
    assert (found["company_name"], found["nickname"]) == ("Acme", "annie")
    assert json.loads(rows.execute(RULES).fetchone()["users_field_rules"]) == {  # type: ignore[index]
        "nickname": {"owner": "app", "group": "profile"}
    }
    users = yaml.safe_load(
        Path("hasura/metadata/databases/default/tables/public_users.yaml").read_text(encoding="utf-8")
    )
    (written,) = (each for each in users["insert_permissions"] if each["role"] == "frontdesk")
    assert "company_name" not in written["permission"]["columns"]
    assert "nickname" in written["permission"]["columns"]


def test_an_owner_and_a_default_may_change(shell: Terminal, engine: Engine, rows: Rows) -> None:
    field = {"path": "user_metadata.tier", "default": "free"}
    say(shell, engine.url, {"tier": field})
    bring_in(shell)
    log_in(a_profile(1))
    before = row(rows)["tier"]

    say(shell, engine.url, {"tier": {**field, "owner": "first_write", "default": "it's $1 in public.users"}})
    bring_in(shell)
    rows.execute("delete from users")
    log_in(a_profile(1))
    made = row(rows)["tier"]
    log_in(a_profile(2, user_metadata={"tier": "pro"}))

    assert (before, made, row(rows)["tier"]) == ("free", "it's $1 in public.users", "it's $1 in public.users")
    (default,) = rows.execute(
        "select column_default from information_schema.columns where table_name = 'users' and column_name = 'tier'"
    ).fetchall()
    assert default["column_default"] == "'it''s $1 in public.users'::text"


def test_the_migration_can_be_taken_back(shell: Terminal, engine: Engine, rows: Rows) -> None:
    say(shell, engine.url)
    bring_in(shell)

    done = shell.run("hasura", "apply", "--project", "hasura", "--down", "1", "--yes")

    assert done.returncode == 0, done
    assert call(engine.url, "get_inconsistent_metadata")["is_consistent"]
    assert rows.execute(RULES).fetchone() == {"users_field_rules": "{}"}
    columns = rows.execute(
        "select column_name from information_schema.columns where table_name = 'users'"
    ).fetchall()
    assert not {column["column_name"] for column in columns} & (FIELDS.keys() - {"nickname"})


def test_a_column_that_a_permission_of_others_needs_is_not_taken_back(
    shell: Terminal, engine: Engine
) -> None:
    say(shell, engine.url)
    bring_in(shell)
    args = {
        "table": {"schema": "public", "name": "users"},
        "role": "sales",
        "permission": {"columns": ["user_id"], "filter": {"_and": [{"seats": {"_gt": 5}}]}},
    }
    call(engine.url, "pg_create_select_permission", args)

    done = shell.run("hasura", "apply", "--project", "hasura", "--down", "1", "--yes")

    assert done.returncode == 1
    assert "select_permissions of the role sales on public.users has the column seats" in done.stderr
    assert sql(engine.url, "select count(seats) from users") == [["0"]]


def test_the_shipped_project_leaves_mapped_columns_where_they_are(
    shell: Terminal, engine: Engine, rows: Rows
) -> None:
    say(shell, engine.url)
    bring_in(shell)

    applied = shell.run("hasura", "apply", "--project", str(PROJECT))
    log_in(a_profile(1, user_metadata={"company": {"name": "Acme"}}))

    assert "Nothing changed" in applied.stdout
    assert row(rows)["company_name"] == "Acme"


def test_what_is_in_the_way_is_told_and_nothing_written(
    shell: Terminal, engine: Engine, tmp_path: Path
) -> None:
    sql(engine.url, "alter table users add seats integer, add plan text not null default 'x'")
    say(
        shell,
        engine.url,
        {
            "seats": {"path": "app_metadata.seats", "type": "integer"},
            "plan": {"path": "app_metadata.plan"},
            "activities": {"path": "app_metadata.a"},
        },
    )

    done = shell.run("fields", "plan", "--out", "hasura")

    told = [line for line in done.stdout.splitlines() if line.startswith("cannot")]
    assert done.returncode == 1
    assert not (tmp_path / "hasura").exists()
    for expected in (
        "cannot column seats: is there as integer, and [fields] says integer, which is bigint",
        "cannot column plan: may not be empty",
        "cannot column activities: its name in GraphQL, activities, is that of a relationship",
    ):
        assert any(line.startswith(expected) for line in told), told


def test_a_column_of_the_application_that_is_there_is_taken_as_it_is(
    shell: Terminal, engine: Engine, rows: Rows
) -> None:
    sql(engine.url, "alter table users add company_name text")
    say(shell, engine.url, {"company_name": FIELDS["company_name"]})

    assert steps(shell.run("fields", "plan", "--json"))["column company_name"] == "keep"
    bring_in(shell)
    log_in(a_profile(1, user_metadata={"company": {"name": "Acme"}}))

    assert row(rows)["company_name"] == "Acme"


def test_the_doctor_says_what_fields_lack(shell: Terminal, engine: Engine) -> None:
    say(shell, engine.url)

    def asked(name: str) -> Finding:
        questions = hasura_questions(load_settings(), PROJECT, time.monotonic)
        return next(question for question in questions if question.name == name).ask()

    before = {name: asked(name) for name in (FIELDS_QUESTION, WRITE)}
    bring_in(shell)
    after = {name: asked(name) for name in (FIELDS_QUESTION, WRITE, METADATA)}

    assert {finding.verdict for finding in before.values()} == {Verdict.FAILED}
    assert "column company_name: text" in before[FIELDS_QUESTION].sentence
    assert {finding.verdict for finding in after.values()} == {Verdict.OK}, after


def test_our_tables_come_first(shell: Terminal, empty_engine: str) -> None:
    say(shell, empty_engine)

    done = shell.run("fields", "plan")

    assert done.returncode == 1
    assert "run `frontdesk hasura apply` first" in done.stdout


def test_fields_work_in_another_schema(shell: Terminal, empty_engine: str) -> None:
    say(
        shell,
        empty_engine,
        {"tier": {"path": "user_metadata.tier", "default": "public.tier"}},
        HASURA_SCHEMA="people",
    )
    assert shell.run("hasura", "apply").returncode == 0

    bring_in(shell)
    log_in(a_profile(1))
    log_in(a_profile(2, user_metadata={"tier": "pro"}))

    assert sql(empty_engine, "select tier from people.users") == [["pro"]]
    assert sql(empty_engine, "select people.users_field_rules() -> 'tier' ->> 'default'") == [["public.tier"]]
    assert sql(
        empty_engine,
        "select column_default from information_schema.columns where table_name = 'users' and column_name = 'tier'",
    ) == [["'public.tier'::text"]]
