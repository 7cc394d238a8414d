"""Our tables in another schema: the same tables, the same GraphQL names, and `public` left alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql as quoting
from tests.integration.hasura.deploys import TUTORIAL, call, check_in, copy_of_project, exported, sql, track
from tests.integration.hasura.engine import ADMIN_SECRET, JWT_SECRET, Engine
from tests.integration.hasura.migrations import CATALOG_QUERIES, PROJECT, catalog

from frontdesk.errors import HasuraBlocked, HasuraRejected
from frontdesk.hasura.deploy import Options, apply, status
from frontdesk.hasura.plan import StepKind
from frontdesk.hasura.rollback import HowFar, roll_back
from localhasura.server import LocalHasura

SCHEMA = "frontdesk_users"
MOVED = Options(schema=SCHEMA)
SERVED = "query { __schema { types { name fields { name type { name } } inputFields { name } enumValues { name } } } }"


def catalog_of(url: str, schema: str) -> str:
    """Return what a schema consists of, told as if it were `public`."""
    with psycopg.connect(url) as connection:
        connection.execute(quoting.SQL("set search_path = {}").format(quoting.Identifier(schema)))
        found = {
            what: connection.execute(query.replace("'public'", f"'{schema}'").encode()).fetchall()
            for what, query in CATALOG_QUERIES.items()
        }
    return re.sub(rf'(?:\\")?\b{schema}\b(?:\\")?\.', "public.", json.dumps(found))


def test_the_tables_are_the_same_and_public_stays_empty(
    empty_engine: str, database_url: str, migrated_url: str
) -> None:
    apply(empty_engine, ADMIN_SECRET, PROJECT, MOVED)

    with psycopg.connect(migrated_url) as connection:
        assert catalog_of(database_url, SCHEMA) == json.dumps(catalog(connection))
    with psycopg.connect(database_url) as connection:
        found = catalog(connection)
    assert not any(found[what] for what in ("columns", "constraints", "functions", "indexes"))


def test_applying_again_changes_nothing_and_status_knows_the_schema(empty_engine: str) -> None:
    before = status(empty_engine, ADMIN_SECRET, PROJECT, MOVED).plan
    apply(empty_engine, ADMIN_SECRET, PROJECT, MOVED)

    assert ("schema frontdesk_users", StepKind.CREATE) in {(step.what, step.kind) for step in before.steps}
    assert not apply(empty_engine, ADMIN_SECRET, PROJECT, MOVED).anything
    assert status(empty_engine, ADMIN_SECRET, PROJECT, MOVED).is_current


def test_graphql_is_the_same_for_every_role(empty_engine: str, deployed_url: str) -> None:
    apply(empty_engine, ADMIN_SECRET, PROJECT, MOVED)
    with LocalHasura(database_url=deployed_url, admin_secret=ADMIN_SECRET) as in_public:
        for role in ("admin", "user", "user_admin", "frontdesk"):
            assert types(empty_engine, role) == types(in_public.url, role)


def types(url: str, role: str) -> dict[str, Any]:
    engine = Engine(url)
    headers = {"x-hasura-admin-secret": ADMIN_SECRET, "x-hasura-role": role}
    answer = engine.ask(SERVED, {**headers, "x-hasura-use-backend-only-permissions": "true"})
    engine.close()
    return {each["name"]: each for each in answer["data"]["__schema"]["types"]}


def test_a_login_is_written_and_read_back_with_a_token(database_url: str) -> None:
    with LocalHasura(database_url=database_url, admin_secret=ADMIN_SECRET, jwt_secret=JWT_SECRET) as hasura:
        apply(hasura.url, ADMIN_SECRET, PROJECT, MOVED)
        check_in(hasura.url, "auth0|ann")
        engine = Engine(hasura.url)
        seen = engine.bearer("{ users { userId email roles { role } activities { id } } }")
        engine.close()

    assert [user["userId"] for user in seen["data"]["users"]] == ["auth0|ann"]


def test_beside_the_tutorials_table_nothing_of_it_changes(empty_engine: str) -> None:
    sql(empty_engine, TUTORIAL)
    track(empty_engine, "users", "posts", configuration={})
    people = {"table": {"schema": "public", "name": "users"}, "configuration": {"custom_name": "people"}}
    call(empty_engine, "pg_set_table_customization", people)

    apply(empty_engine, ADMIN_SECRET, PROJECT, MOVED)
    check_in(empty_engine, "auth0|zoe")

    assert sql(empty_engine, 'select "userId" from public.users order by 1') == [["auth0|ann"], ["auth0|bob"]]
    assert sql(empty_engine, f"select user_id from {SCHEMA}.users") == [["auth0|zoe"]]


def test_another_schema_than_that_of_the_record_is_told(empty_engine: str) -> None:
    apply(empty_engine, ADMIN_SECRET, PROJECT)

    with pytest.raises(HasuraBlocked, match="none of their tables is here"):
        apply(empty_engine, ADMIN_SECRET, PROJECT, MOVED)

    assert sql(empty_engine, f"select to_regnamespace('{SCHEMA}')::text") == [["NULL"]]


def test_migrations_of_another_schema_go_back_too(empty_engine: str) -> None:
    apply(empty_engine, ADMIN_SECRET, PROJECT, MOVED)

    names = roll_back(empty_engine, ADMIN_SECRET, PROJECT, HowFar(version=0), MOVED)

    assert len(names) == len(list((PROJECT / "migrations" / "default").iterdir()))
    assert sql(
        empty_engine, f"select count(*) from pg_class where relnamespace = '{SCHEMA}'::regnamespace"
    ) == [["0"]]
    assert apply(empty_engine, ADMIN_SECRET, PROJECT, MOVED).metadata


@pytest.fixture
def powerless(database_url: str) -> Iterator[str]:
    """The URL of a test's database for a user of its own, who may create tables in `public` and no schemas."""
    user = "of_" + database_url.rsplit("/", 1)[1]
    name = quoting.Identifier(user)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(quoting.SQL("create role {} login password 'powerless'").format(name))
        connection.execute(quoting.SQL("grant all on schema public to {}").format(name))
        yield re.sub(r"//[^@]*@", f"//{user}:powerless@", database_url)
        connection.execute(quoting.SQL("drop owned by {}").format(name))
        connection.execute(quoting.SQL("drop role {}").format(name))


def test_a_user_without_the_right_to_create_schemas_is_told_before_anything_changes(
    database_url: str, powerless: str
) -> None:
    with LocalHasura(
        database_url=powerless, metadata_database_url=database_url, admin_secret=ADMIN_SECRET
    ) as hasura:
        before = exported(hasura.url)
        with pytest.raises(
            HasuraBlocked, match=r"schema frontdesk_users: is not there.*GRANT CREATE ON DATABASE"
        ):
            apply(hasura.url, ADMIN_SECRET, PROJECT, MOVED)

        assert exported(hasura.url) == before
        assert apply(hasura.url, ADMIN_SECRET, PROJECT).metadata


def test_a_name_without_its_schema_cannot_reach_into_public(empty_engine: str, tmp_path: Path) -> None:
    project = copy_of_project(tmp_path)
    sql(empty_engine, "create table public.notes (id int)")
    directory = project / "migrations" / "default" / "1999999999999_forget_schema"
    directory.mkdir()
    (directory / "up.sql").write_text("ALTER TABLE notes ADD COLUMN gone int;")

    with pytest.raises(HasuraRejected, match='relation "notes" does not exist'):
        apply(empty_engine, ADMIN_SECRET, project, MOVED)
