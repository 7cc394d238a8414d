"""A table `users` that was there before: told first, then taken over by a migration that people review."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors
from tests.integration.hasura.deploys import (
    APPS_OWN,
    FIRST,
    TUTORIAL,
    call,
    check_in,
    copy_of_project,
    exported,
    sql,
    track,
)
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.hasura.migrations import PROJECT

from frontdesk.errors import HasuraBlocked, HasuraRejected, UsageError
from frontdesk.hasura.deploy import DEFAULTS, adopt, apply, mark, status
from frontdesk.hasura.metadata_merge import tables_of
from frontdesk.hasura.migration_record import MigrationState
from frontdesk.hasura.plan import StepKind
from frontdesk.hasura.rollback import HowFar, roll_back
from localhasura.server import LocalHasura

USERS = {"schema": "public", "name": "users"}
SHAPE = """
select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
       col_description(a.attrelid, a.attnum)
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attrelid = 'public.users'::regclass and a.attnum > 0 and not a.attisdropped order by 1
"""
RULES = """
select conname, pg_get_constraintdef(oid) from pg_constraint
 where conrelid = 'public.users'::regclass and contype in ('p', 'c') order by 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, into which a migration may be written."""
    return copy_of_project(tmp_path)


def the_tutorials(url: str) -> None:
    """Make the tutorial's table, with another table on it, relationships both ways and permissions of other roles."""
    sql(url, TUTORIAL)
    track(url, "users", "posts")
    key = {"column": "author", "table": {"schema": "public", "name": "posts"}}
    on_users = {"table": USERS, "name": "posts", "using": {"foreign_key_constraint_on": key}}
    on_posts = {
        "table": {"schema": "public", "name": "posts"},
        "name": "writer",
        "using": {"foreign_key_constraint_on": "author"},
    }
    call(url, "pg_create_array_relationship", on_users)
    call(url, "pg_create_object_relationship", on_posts)
    reader = {"columns": ["userId", "userName"], "filter": {"userId": {"_eq": "X-Hasura-User-Id"}}}
    call(url, "pg_create_select_permission", {"table": USERS, "role": "reader", "permission": reader})
    posts = {"columns": ["title"], "filter": {"writer": {"userId": {"_eq": "X-Hasura-User-Id"}}}}
    table = {"schema": "public", "name": "posts"}
    call(url, "pg_create_select_permission", {"table": table, "role": "reader", "permission": posts})


def the_apps_own(url: str) -> None:
    """Make an application's table: another key, columns of its own, foreign keys from outside and from itself."""
    sql(url, APPS_OWN)
    track(url, "users", "orders", "orgs")
    staff = {"columns": ["id", "auth0_id", "plan"], "filter": {"plan": {"_eq": "gold"}}}
    call(url, "pg_create_select_permission", {"table": USERS, "role": "staff", "permission": staff})


def as_role(url: str, role: str, query: str, **session: str) -> Any:
    engine = Engine(url)
    headers = {f"x-hasura-{name.replace('_', '-')}": value for name, value in session.items()}
    answer = engine.ask(query, {"x-hasura-admin-secret": ADMIN_SECRET, "x-hasura-role": role, **headers})
    engine.close()
    assert "errors" not in answer, answer
    return answer["data"]


@pytest.mark.parametrize(
    ("seed", "told"),
    [(TUTORIAL, "the table of Hasura's tutorial"), (APPS_OWN, "a table of somebody else's")],
    ids=["the tutorial's", "the app's own"],
)
def test_a_table_of_that_name_is_told_with_both_ways_out_before_anything_changes(
    empty_engine: str, seed: str, told: str
) -> None:
    sql(empty_engine, seed)
    before = (exported(empty_engine), sql(empty_engine, SHAPE))

    with pytest.raises(HasuraBlocked, match=rf"public\.users.*{told}.*\[hasura\] schema.*--adopt") as stopped:
        apply(empty_engine, ADMIN_SECRET, PROJECT)

    assert "Nothing was changed" in str(stopped.value)
    assert (exported(empty_engine), sql(empty_engine, SHAPE)) == before
    assert "cli_state" not in str(
        call(empty_engine, "get_catalog_state").get("cli_state", {}).get("migrations")
    )


def test_another_of_our_names_that_is_taken_is_told_too(empty_engine: str) -> None:
    sql(empty_engine, "create table roles (id int primary key)")

    with pytest.raises(HasuraBlocked, match=r"public\.roles: is there already"):
        apply(empty_engine, ADMIN_SECRET, PROJECT)


def test_adopt_writes_a_migration_and_applies_nothing(empty_engine: str, project: Path) -> None:
    the_tutorials(empty_engine)
    before = (exported(empty_engine), sql(empty_engine, SHAPE))

    written = adopt(empty_engine, ADMIN_SECRET, project)

    assert {file.name for file in written.directory.iterdir()} == {"up.sql", "down.sql"}
    assert any('"userId" becomes user_id' in remark for remark in written.remarks)
    assert (exported(empty_engine), sql(empty_engine, SHAPE)) == before
    with pytest.raises(UsageError, match="is there already"):
        adopt(empty_engine, ADMIN_SECRET, project)


@pytest.mark.parametrize("prepare", [the_tutorials, the_apps_own])
def test_an_adopted_table_is_the_one_that_our_migrations_make(
    prepare: Any, empty_engine: str, project: Path, migrated_url: str
) -> None:
    prepare(empty_engine)
    adopt(empty_engine, ADMIN_SECRET, project)

    applied = apply(empty_engine, ADMIN_SECRET, project)

    with psycopg.connect(migrated_url) as connection:
        ours = [[_text(value) for value in row] for row in connection.execute(SHAPE).fetchall()]
        rules = [list(row) for row in connection.execute(RULES).fetchall()]
    assert [row for row in sql(empty_engine, SHAPE) if row in ours] == ours
    assert sql(empty_engine, RULES) == rules
    assert FIRST not in applied.migrations
    assert not apply(empty_engine, ADMIN_SECRET, project).anything
    assert status(empty_engine, ADMIN_SECRET, project).is_current


def _text(value: object) -> str:
    """Return a value as Hasura shows it."""
    return "NULL" if value is None else str(value)[0].lower() if isinstance(value, bool) else str(value)


def test_the_tutorials_rows_keys_and_permissions_go_on_working(
    empty_engine: str, project: Path, database_url: str
) -> None:
    the_tutorials(empty_engine)
    adopt(empty_engine, ADMIN_SECRET, project)
    apply(empty_engine, ADMIN_SECRET, project)

    check_in(empty_engine, "auth0|ann")
    check_in(empty_engine, "auth0|zoe")

    query = "{ users { userId posts { title } } posts { title } }"
    assert as_role(empty_engine, "admin", query) == {
        "users": [
            {"userId": "auth0|bob", "posts": []},
            {"userId": "auth0|ann", "posts": [{"title": "Hello"}]},
            {"userId": "auth0|zoe", "posts": []},
        ],
        "posts": [{"title": "Hello"}],
    }
    assert as_role(empty_engine, "reader", "{ users { userId } posts { title } }", user_id="auth0|ann") == {
        "users": [{"userId": "auth0|ann"}],
        "posts": [{"title": "Hello"}],
    }
    seen = sql(empty_engine, "select last_seen at time zone 'UTC' from users where user_id = 'auth0|bob'")
    assert seen == [["NULL"]]
    with psycopg.connect(database_url, autocommit=True) as rows:
        with pytest.raises(errors.ForeignKeyViolation):
            rows.execute("insert into posts (author) values ('auth0|nobody')")
        rows.execute("delete from users where user_id = 'auth0|ann'")
        assert rows.execute("select count(*) from posts").fetchone() == (0,)


def test_the_tutorials_own_mutation_works_on_the_adopted_table(empty_engine: str, project: Path) -> None:
    the_tutorials(empty_engine)
    adopt(empty_engine, ADMIN_SECRET, project)
    apply(empty_engine, ADMIN_SECRET, project)

    answer = as_role(
        empty_engine,
        "admin",
        'mutation { insert_users_one(object: {userId: "auth0|bob", userName: "Robert"},'
        " on_conflict: {constraint: users_pkey, update_columns: [userName]}) { userName } }",
    )

    assert answer == {"insert_users_one": {"userName": "Robert"}}
    assert sql(empty_engine, "select count(*) from users") == [["2"]]


def test_the_apps_rows_keys_and_permissions_go_on_working(
    empty_engine: str, project: Path, database_url: str
) -> None:
    the_apps_own(empty_engine)
    adopt(empty_engine, ADMIN_SECRET, project, tenant="acme")
    apply(empty_engine, ADMIN_SECRET, project)

    check_in(empty_engine, "auth0|ann", "acme")
    check_in(empty_engine, "auth0|zoe", "acme")

    staff = as_role(empty_engine, "staff", "{ users { userId plan } }")
    assert staff == {"users": [{"userId": "auth0|ann", "plan": "gold"}]}
    rows = sql(empty_engine, "select tenant, user_id, email, plan, org, blocked from users order by email")
    assert rows == [
        ["acme", "auth0|ann", "ana@example.com", "gold", "1", "f"],
        ["acme", "auth0|zoe", "ana@example.com", "NULL", "NULL", "f"],
        ["acme", "unlinked|00000000-0000-0000-0000-000000000002", "bob@example.com", "free", "1", "f"],
    ]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update users set invited_by = null")
        connection.execute("delete from users where user_id = 'auth0|ann'")
        assert connection.execute("select buyer, total from orders").fetchall() == [(None, 7)]


def test_no_name_in_the_database_becomes_a_statement_of_the_migration(
    empty_engine: str, project: Path, database_url: str
) -> None:
    """Whoever may make a table may choose its names; the migration runs with more rights than theirs."""
    table = '"\'; drop table posts; --"'
    column = '"REFERENCES x(a); CREATE TABLE intruder (i int); --"'
    sql(empty_engine, TUTORIAL)
    sql(empty_engine, f"create table {table} ({column} text references users on delete cascade)")

    adopt(empty_engine, ADMIN_SECRET, project, tenant="o'brien")
    apply(empty_engine, ADMIN_SECRET, project)

    assert sql(empty_engine, "select to_regclass('intruder'), to_regclass('posts')") == [["NULL", "posts"]]
    assert sql(empty_engine, "select distinct tenant from users") == [["o'brien"]]
    with psycopg.connect(database_url, autocommit=True) as rows:
        rows.execute(f"insert into {table} values ('auth0|ann')".encode())
        rows.execute("delete from users where user_id = 'auth0|ann'")
        assert rows.execute(f"select count(*) from {table}".encode()).fetchone() == (0,)


def test_an_adoption_that_postgresql_refuses_leaves_everything_as_it_was(
    empty_engine: str, project: Path
) -> None:
    the_tutorials(empty_engine)
    sql(empty_engine, "insert into users values ('', 'Nobody', null)")
    adopt(empty_engine, ADMIN_SECRET, project)
    before = (exported(empty_engine), sql(empty_engine, SHAPE))

    with pytest.raises(HasuraRejected, match=r"adopt_users was rolled back: .*users_user_id_length"):
        apply(empty_engine, ADMIN_SECRET, project)

    assert (exported(empty_engine), sql(empty_engine, SHAPE)) == before


def test_what_was_adopted_is_never_dropped_by_going_back(empty_engine: str, project: Path) -> None:
    the_tutorials(empty_engine)
    adopt(empty_engine, ADMIN_SECRET, project)
    apply(empty_engine, ADMIN_SECRET, project)

    with pytest.raises(HasuraBlocked, match="was adopted"):
        roll_back(empty_engine, ADMIN_SECRET, project, HowFar(version=0))

    assert sql(empty_engine, "select count(*) from users") == [["2"]]


def test_a_project_with_an_adoption_makes_the_table_where_there_is_none(
    empty_engine: str, project: Path, postgres_url: str, migrated_url: str
) -> None:
    the_tutorials(empty_engine)
    written = adopt(empty_engine, ADMIN_SECRET, project)
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        connection.execute("drop schema public cascade; create schema public")

    with LocalHasura(database_url=migrated_url, admin_secret=ADMIN_SECRET) as elsewhere:
        plan = status(elsewhere.url, ADMIN_SECRET, project).plan
        applied = apply(elsewhere.url, ADMIN_SECRET, project)

        assert [step.kind for step in plan.steps if "adopt" in step.what] == [StepKind.KEEP]
        assert FIRST in applied.migrations
        assert written.directory.name not in applied.migrations
        assert status(elsewhere.url, ADMIN_SECRET, project).is_current


@pytest.mark.parametrize(
    ("table", "error", "told"),
    [
        (
            "(id int primary key, name text)",
            UsageError,
            "none of the 1 values of users.name|no column that looks",
        ),
        ("(user_id uuid primary key)", UsageError, "no column that looks like"),
        ("(user_id text primary key, tenant int)", HasuraBlocked, "column tenant is there"),
        (
            "(user_id text primary key, blocked text)",
            HasuraBlocked,
            "blocked is of type text, where ours needs boolean",
        ),
    ],
    ids=["no id of Auth0", "an id of another type", "a tenant of its own", "a type that does not fit"],
)
def test_a_table_that_cannot_be_adopted_is_told_with_the_reason(
    empty_engine: str, project: Path, table: str, error: type[Exception], told: str
) -> None:
    sql(empty_engine, f"create table users {table}")

    with pytest.raises(error, match=told):
        adopt(empty_engine, ADMIN_SECRET, project)

    assert copy_names(project) == copy_names(PROJECT)


def copy_names(project: Path) -> set[str]:
    return {path.name for path in (project / "migrations" / "default").iterdir()}


def test_a_key_that_holds_no_ids_of_auth0_must_be_named(empty_engine: str, project: Path) -> None:
    sql(empty_engine, "create table users (id text primary key, subject text unique)")
    sql(empty_engine, "insert into users values ('7', 'auth0|ann')")

    with pytest.raises(UsageError, match=r"users\.id looks like an Auth0 user id.*--adopt-key"):
        adopt(empty_engine, ADMIN_SECRET, project)
    adopt(empty_engine, ADMIN_SECRET, project, key="subject")
    apply(empty_engine, ADMIN_SECRET, project)
    check_in(empty_engine, "auth0|ann")

    assert sql(empty_engine, "select id, user_id from users") == [["7", "auth0|ann"]]


def test_nothing_is_adopted_where_nothing_is(empty_engine: str, project: Path) -> None:
    with pytest.raises(UsageError, match="nothing to adopt"):
        adopt(empty_engine, ADMIN_SECRET, project)


def test_our_own_tables_without_a_record_are_recognised(empty_engine: str) -> None:
    apply(empty_engine, ADMIN_SECRET, PROJECT)
    first = int(FIRST.partition("_")[0])
    mark(empty_engine, ADMIN_SECRET, PROJECT, DEFAULTS, version=first, state=MigrationState.PENDING)

    with pytest.raises(HasuraBlocked, match=f"looks like ours.*--mark-applied {first}"):
        apply(empty_engine, ADMIN_SECRET, PROJECT)
    mark(empty_engine, ADMIN_SECRET, PROJECT, DEFAULTS, version=first, state=MigrationState.APPLIED)

    assert not apply(empty_engine, ADMIN_SECRET, PROJECT).anything


def test_the_metadata_of_other_roles_names_the_new_columns(empty_engine: str, project: Path) -> None:
    the_tutorials(empty_engine)
    adopt(empty_engine, ADMIN_SECRET, project)
    apply(empty_engine, ADMIN_SECRET, project)

    users = tables_of(exported(empty_engine), "default")[("public", "users")]
    (reader,) = [entry["permission"] for entry in users["select_permissions"] if entry["role"] == "reader"]
    assert reader == {
        "columns": ["user_id", "user_name"],
        "filter": {"user_id": {"_eq": "X-Hasura-User-Id"}},
    }
