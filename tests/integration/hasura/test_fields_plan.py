"""`frontdesk fields plan`: from [fields] in the settings to columns that logins and imports fill."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.rows import DictRow
from tests.builders import HOOK_SECRET, a_signed_call
from tests.integration.hasura.commands import Done, Terminal
from tests.integration.hasura.deploys import call, sql
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.hasura.migrations import PROJECT

from frontdesk.auth0.management_user import user_from_management
from frontdesk.hasura.bulk import RowOutcome
from frontdesk.hasura.writes import UserWriter
from frontdesk.settings import load_settings
from frontdesk.sync.doctor.checks import Finding, Verdict
from frontdesk.sync.doctor.hasura_questions import FIELDS as FIELDS_QUESTION
from frontdesk.sync.doctor.hasura_questions import METADATA, WRITE, hasura_questions
from frontdesk.web.app import create_app

ANN = "auth0|ann"
FIELDS: dict[str, Any] = {
    "company_name": {"path": "user_metadata.company.name"},
    "seats": {"path": "app_metadata.seats", "type": "integer", "default": 1},
    "teams": {"path": "app_metadata.teams", "type": "text[]"},
    "trial_until": {"path": "app_metadata.trial_until", "type": "timestamp"},
    "display_name": {"path": "user.name", "owner": "first_write"},
    "note": {"owner": "app", "type": "json"},
    "nickname": {"owner": "first_write"},
}
RULES = "select public.users_field_rules()::text"

Rows = psycopg.Connection[DictRow]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Terminal:
    """A shell in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return Terminal(monkeypatch, capsys)


def say(shell: Terminal, url: str, fields: Mapping[str, Any] = FIELDS, **more: str) -> None:
    """Set the settings of the next commands."""
    variables = {
        "HASURA_URL": url,
        "HASURA_ADMIN_SECRET": ADMIN_SECRET,
        "TENANTS_ACME_DOMAIN": "acme.eu.auth0.com",
        "TENANTS_ACME_AUDIENCE": "https://api.example.com",
        "TENANTS_ACME_HOOK_SECRETS": HOOK_SECRET,
        "LOGIN_BUDGET_S": "4.5",
        "ACTION_DEADLINE_MS": "5000",
        "FIELDS": json.dumps(fields),
        **more,
    }
    for name, value in variables.items():
        shell.monkeypatch.setenv(f"FRONTDESK_{name}", value)


def bring_in(shell: Terminal) -> None:
    """Run what the plan says."""
    for command in (["fields", "plan", "--out", "hasura"], ["hasura", "apply", "--project", "hasura"]):
        done = shell.run(*command)
        assert (done.returncode, done.stderr) == (0, ""), done


def steps(done: Done) -> dict[str, str]:
    return {step["what"]: step["kind"] for step in json.loads(done.stdout)["steps"]}


def a_profile(minute: int, **more: Any) -> dict[str, Any]:
    """A user of Auth0, as hooks and the Management API name the fields alike."""
    return {
        "user_id": ANN,
        "email": "ann@example.com",
        "name": "Ann",
        "nickname": "annie",
        "created_at": "2026-03-01T09:00:00.000Z",
        "updated_at": f"2026-03-02T10:{minute:02}:00.000Z",
        **more,
    }


def log_in(profile: Mapping[str, Any]) -> None:
    """Log somebody in by the hook of a frontdesk with these settings."""
    body, headers = a_signed_call({"version": 1, "trigger": "post-login", "user": profile})
    answer = (
        create_app(load_settings()).test_client().post("/hooks/acme/post-login", data=body, headers=headers)
    )
    assert (answer.status_code, answer.get_json()["synced"]) == (200, True)


def import_record(record: Mapping[str, Any], url: str) -> RowOutcome:
    """Write a record of the Management API as an import does."""
    user = user_from_management(dict(record), tenant="acme", read_at=datetime.now(UTC))
    writer = UserWriter(url, ADMIN_SECRET, rules=load_settings().field_rules())
    try:
        (result,) = writer.write_many([user], budget_s=20)
    finally:
        writer.close()
    return result.outcome


def row(rows: Rows) -> dict[str, Any]:
    found = rows.execute("select * from users where user_id = %s", [ANN]).fetchone()
    assert found is not None
    return found


def test_what_the_settings_say_becomes_columns_that_every_way_in_fills(
    shell: Terminal, engine: Engine, rows: Rows
) -> None:
    say(shell, engine.url)
    bring_in(shell)

    log_in(
        a_profile(
            1,
            user_metadata={"company": {"name": "Acme"}},
            app_metadata={"seats": 5, "teams": ["a", 'b "c"'], "trial_until": "2026-05-01T02:00:00+02:00"},
        )
    )
    by_login = row(rows)
    outcome = import_record(
        a_profile(2, user_metadata={"company": {"name": "Beta"}}, app_metadata={"teams": "of another type"}),
        engine.url,
    )
    by_import = row(rows)

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


def test_a_record_of_what_a_login_told_changes_nothing(shell: Terminal, engine: Engine, rows: Rows) -> None:
    say(shell, engine.url)
    bring_in(shell)
    state = a_profile(
        1,
        identities=[{"connection": "github", "provider": "github", "user_id": 1001, "isSocial": True}],
        user_metadata={"company": {"name": "Acme"}},
        app_metadata={"seats": 5.0, "teams": ["a"], "trial_until": "2026-05-01T02:00:00+02:00"},
    )

    log_in(state)
    by_login = row(rows)
    outcome = import_record(state, engine.url)

    bookkeeping = ("clocks", "synced_at")
    assert outcome is RowOutcome.UNCHANGED
    assert {name: value for name, value in row(rows).items() if name not in bookkeeping} == {
        name: value for name, value in by_login.items() if name not in bookkeeping
    }


def test_a_column_stays_with_its_owner(shell: Terminal, engine: Engine, rows: Rows) -> None:
    say(shell, engine.url)
    bring_in(shell)
    log_in(a_profile(2, user_metadata={"company": {"name": "Acme"}}))

    rows.execute(
        "update users set display_name = 'Dr Ann', nickname = 'A', note = '{\"vip\": true}', company_name = 'by hand'"
    )
    log_in(a_profile(1, name="older", user_metadata={"company": {"name": "older"}}))
    after_an_older_login = row(rows)
    import_record(
        a_profile(3, name="Anna", nickname="anna", user_metadata={"company": {"name": "Newer"}}), engine.url
    )
    after_a_newer_record = row(rows)

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
    shell: Terminal, engine: Engine, rows: Rows
) -> None:
    say(shell, engine.url)
    bring_in(shell)
    log_in(a_profile(1, user_metadata={"company": {"name": "Acme"}}))
    user = user_from_management(
        a_profile(2),
        tenant="acme",
        read_at=datetime.now(UTC),
        carried=frozenset({"user_id", "email", "updated_at"}),
    )

    writer = UserWriter(engine.url, ADMIN_SECRET, rules=load_settings().field_rules())
    writer.write_many([user], budget_s=20)
    writer.close()

    assert row(rows)["company_name"] == "Acme"


def test_who_reads_a_mapped_column_reads_what_it_comes_from(shell: Terminal, engine: Engine) -> None:
    say(shell, engine.url)
    bring_in(shell)
    log_in(a_profile(1, user_metadata={"company": {"name": "Acme"}}, app_metadata={"seats": 5}))

    def read(role: str, fields: str) -> Any:
        headers = {"x-hasura-role": role, "x-hasura-tenant": "acme", "x-hasura-user-id": ANN}
        return engine.ask(f"{{ users {{ {fields} }} }}", {"x-hasura-admin-secret": ADMIN_SECRET, **headers})

    assert read("user", "companyName displayName") == {
        "data": {"users": [{"companyName": "Acme", "displayName": "Ann"}]}
    }
    assert read("user_admin", "companyName seats") == {
        "data": {"users": [{"companyName": "Acme", "seats": 5}]}
    }
    assert "'seats' not found" in read("user", "seats")["errors"][0]["message"]
    assert "'note' not found" in read("user_admin", "note")["errors"][0]["message"]


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


@pytest.mark.parametrize(
    ("prepared", "fields", "told"),
    [
        (
            "alter table users add seats integer",
            {"seats": {"path": "app_metadata.seats", "type": "integer"}},
            "cannot column seats: is there as integer, and [fields] says integer, which is bigint",
        ),
        (
            "alter table users add plan text not null default 'x'",
            {"plan": {"path": "app_metadata.plan"}},
            "cannot column plan: may not be empty",
        ),
        (
            "",
            {"activities": {"path": "app_metadata.a"}},
            "cannot column activities: its name in GraphQL, activities, is",
        ),
    ],
    ids=["another type", "not null", "name of a relationship"],
)
def test_what_is_in_the_way_is_told_and_nothing_written(
    shell: Terminal, engine: Engine, tmp_path: Path, prepared: str, fields: dict[str, Any], told: str
) -> None:
    if prepared:
        sql(engine.url, prepared)
    say(shell, engine.url, fields)

    done = shell.run("fields", "plan", "--out", "hasura")

    assert done.returncode == 1
    assert told in done.stdout
    assert not (tmp_path / "hasura").exists()


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
