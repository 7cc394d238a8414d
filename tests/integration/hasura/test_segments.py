"""The segments that ship as examples, taken into a project as their README says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.hasura.histories import block, login
from tests.integration.hasura.migrations import PROJECT

from frontdesk.hasura.deploy import apply

Rows = psycopg.Connection[dict[str, Any]]
SEGMENTS = PROJECT / "examples" / "segments"
LISTS = """{ verified_users { userId } social_users { userId } admins { userId }
  admins_aggregate { aggregate { count } } }"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with the segments in it."""
    made = tmp_path / "hasura"
    shutil.copytree(PROJECT, made, ignore=shutil.ignore_patterns("examples"))
    (migration,) = (each for each in SEGMENTS.iterdir() if each.is_dir())
    shutil.copytree(migration, made / "migrations" / "default" / migration.name)
    tables = made / "metadata" / "databases" / "default" / "tables"
    for file in SEGMENTS.glob("public_*.yaml"):
        shutil.copy(file, tables)
    included = re.findall(
        r'^ +(- "!include public_\w+\.yaml")$', (SEGMENTS / "README.md").read_text(), re.MULTILINE
    )
    assert len(included) == len(list(SEGMENTS.glob("public_*.yaml")))
    with (tables / "tables.yaml").open("a") as listed:
        listed.write("\n".join(included) + "\n")
    return made


@pytest.fixture
def people(engine: Engine, rows: Rows, project: Path) -> None:
    """Ann administers, Bob has verified his address, Eve comes by Google; and an Eve of another tenant."""
    apply(engine.url, ADMIN_SECRET, project)
    engine.upsert(
        login(1, roles=["user_admin"]),
        login(1, user_id="auth0|bob", roles=()),
        login(1, user_id="google-oauth2|eve", roles=()),
        login(1, user_id="google-oauth2|eve", tenant="other", roles=["user_admin"]),
    )
    rows.execute("alter table users disable trigger user")  # by hand, beside what has a clock
    rows.execute("update users set email_verified = user_id = 'auth0|bob'")
    rows.execute("update users set identities = '[{\"isSocial\": true}]' where user_id like 'google%'")
    rows.execute("alter table users enable trigger user")


@pytest.mark.usefixtures("people")
def test_an_administrator_reads_the_lists_of_their_tenant(engine: Engine) -> None:
    assert engine.bearer(LISTS, role="user_admin")["data"] == {
        "verified_users": [{"userId": "auth0|bob"}],
        "social_users": [{"userId": "google-oauth2|eve"}],
        "admins": [{"userId": "auth0|ann"}],
        "admins_aggregate": {"aggregate": {"count": 1}},
    }


@pytest.mark.usefixtures("people")
def test_a_blocked_administrator_reads_none_and_is_on_none(engine: Engine, rows: Rows) -> None:
    engine.upsert(block(2))

    answer = engine.bearer(LISTS, role="user_admin")["data"]

    assert [answer[name] for name in ("verified_users", "social_users", "admins")] == [[], [], []]
    assert rows.execute("select user_id from admins where tenant = 'default'").fetchall() == []


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("segment", ["verified_users", "social_users", "admins"])
def test_a_user_does_not_see_that_there_are_lists(engine: Engine, segment: str) -> None:
    answer = engine.bearer(f"{{ {segment} {{ userId }} }}", role="user")

    assert answer["errors"][0]["message"] == f"field '{segment}' not found in type: 'query_root'"


@pytest.mark.usefixtures("people")
def test_a_second_apply_changes_nothing(engine: Engine, project: Path) -> None:
    before = engine.admin("{ __schema { types { name } } }")

    apply(engine.url, ADMIN_SECRET, project)

    assert engine.admin("{ __schema { types { name } } }") == before
