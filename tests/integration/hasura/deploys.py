"""What tests of deploys share: an engine over an empty database, copies of the project, and tables of other people."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import requests
from tests.builders import a_user
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.hasura.migrations import PROJECT

from frontdesk.hasura.writes import UserWriter
from frontdesk.identity.user import StoredUser

FIRST, *_, LAST = sorted(path.name for path in (PROJECT / "migrations" / "default").iterdir())
TUTORIAL = """
create table users ("userId" text primary key, "userName" text, "lastSeen" timestamp default now());
create table posts (id serial primary key, author text not null references users on delete cascade, title text);
insert into users values ('auth0|ann', 'Ann', '2024-05-01 10:00'), ('auth0|bob', 'Bob', null);
insert into posts (author, title) values ('auth0|ann', 'Hello');
"""
APPS_OWN = """
create table orgs (id int primary key);
create table users (
    id uuid primary key default gen_random_uuid(), auth0_id varchar(255) unique, email varchar(320) not null,
    plan text not null, org int references orgs, invited_by uuid references users, created_at timestamp default now(),
    blocked boolean
);
create table orders (id serial primary key, buyer uuid references users (id) on delete set null, total int);
insert into orgs values (1);
insert into users values
    ('00000000-0000-0000-0000-000000000001', 'auth0|ann', 'ann@example.com', 'gold', 1, null, '2024-05-01 10:00'),
    ('00000000-0000-0000-0000-000000000002', null, 'bob@example.com', 'free', 1,
     '00000000-0000-0000-0000-000000000001', '2024-05-02 10:00');
insert into orders (buyer, total) values ('00000000-0000-0000-0000-000000000001', 7);
"""


def call(url: str, command: str, args: Any = None, *, version: int = 1) -> Any:
    """Run a metadata command and return its answer; raises when it is refused."""
    return _post(f"{url}/v1/metadata", {"type": command, "version": version, "args": args or {}})


def sql(url: str, text: str) -> Any:
    """Run SQL through the engine and return its rows without their header."""
    args = {"sql": text, "check_metadata_consistency": False}
    return (_post(f"{url}/v2/query", {"type": "run_sql", "args": args})["result"] or [None])[1:]


def exported(url: str) -> dict[str, Any]:
    """Return the engine's metadata."""
    document: dict[str, Any] = call(url, "export_metadata")
    return document


def copy_of_project(directory: Path) -> Path:
    """Return a copy of the project that a test may change."""
    return Path(shutil.copytree(PROJECT, directory / "hasura"))


def add_migration(
    project: Path, up: str, version: str = "1999999999999_change_something", down: str = ""
) -> int:
    """Add a migration and return its version."""
    directory = project / "migrations" / "default" / version
    directory.mkdir()
    (directory / "up.sql").write_text(up)
    if down:
        (directory / "down.sql").write_text(down)
    return int(version.partition("_")[0])


def track(url: str, *tables: str, **more: Any) -> None:
    """Track tables of `public`; `more` goes to each command."""
    for table in tables:
        call(url, "pg_track_table", {"table": {"schema": "public", "name": table}, **more})


def check_in(url: str, user_id: str, tenant: str = "default") -> StoredUser:
    """Write a login as the product does, and return what the database says of the user."""
    writer = UserWriter(url, ADMIN_SECRET)
    try:
        return writer.write(a_user(tenant=tenant, user_id=user_id), budget_s=20)
    finally:
        writer.close()


def _post(url: str, body: Any) -> Any:
    answer = requests.post(url, json=body, headers={"x-hasura-admin-secret": ADMIN_SECRET}, timeout=30)
    assert answer.status_code == requests.codes.ok, answer.text
    return answer.json()
