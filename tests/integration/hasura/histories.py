"""Payloads of every kind as `User`s, and two ways to write them: SQL with the upsert's shape, and the engine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from frontdesk.hasura.user_write import UserWrite, write_for
from frontdesk.identity.user import JsonObject, Login, Profile, Seen, Source, Stamped, User

ANN = "auth0|ann"
EPOCH = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
JSON_COLUMNS = frozenset({"identities", "app_metadata", "user_metadata", "auth0_roles", "clocks"})


def at(minutes: float) -> datetime:
    """Return a time so many minutes after the beginning of all histories."""
    return EPOCH + timedelta(minutes=minutes)


def _profile(name: str, born: datetime | None, updated: datetime) -> Profile:
    return Profile(name=name, email=f"{name}@example.com", created_at=born, updated_at=updated)


def login(
    minutes: float,
    *,
    name: str = "ann",
    born: float | None = 0,
    roles: Sequence[str] | None = ("editor",),
    app_metadata: JsonObject | None = None,
    omitted: bool = False,
    count: int | None = None,
    user_id: str = ANN,
    tenant: str = "default",
) -> User:
    """Return an interactive login. `omitted`: its Action left the metadata out."""
    now, created = at(minutes), None if born is None else at(born)
    metadata: JsonObject | None = app_metadata or {"plan": name}
    return User(
        tenant=tenant,
        user_id=user_id,
        source=Source.LOGIN,
        born=created,
        profile=Stamped(_profile(name, created, now), now),
        app_metadata=None if omitted else Stamped(metadata, now),
        user_metadata=None if omitted else Stamped({"colour": name}, now),
        roles=None if roles is None else Stamped(tuple(roles), now),
        seen=Stamped(Seen(), now),
        login=Stamped(Login(last_ip="192.0.2.1"), now),
        logins_count=count,
        alive=now,
    )


def refresh(minutes: float, *, name: str = "ann", born: float | None = 0, user_id: str = ANN) -> User:
    """Return a token refresh or a silent login: it sees the user and proves nothing."""
    now, created = at(minutes), None if born is None else at(born)
    return User(
        tenant="default",
        user_id=user_id,
        source=Source.LOGIN,
        born=created,
        profile=Stamped(_profile(name, created, now), now),
        seen=Stamped(Seen(organization_id="org_1"), now),
    )


def record(minutes: float, *, name: str = "ann") -> User:
    """Return a log record of a login: partial, and without the user's created_at."""
    return User(
        tenant="default",
        user_id=ANN,
        source=Source.RECORD,
        seen=Stamped(Seen(), at(minutes)),
        user_metadata=Stamped({"record": name}, at(minutes)),
    )


def full_profile(
    minutes: float, *, name: str = "ann", born: float | None = 0, blocked: bool = False, count: int | None = 3
) -> User:
    """Return a read of the single user from the Management API."""
    now, created = at(minutes), None if born is None else at(born)
    return User(
        tenant="default",
        user_id=ANN,
        source=Source.PROFILE,
        born=created,
        profile=Stamped(_profile(name, created, now), now),
        app_metadata=Stamped({"full": name}, now),
        user_metadata=Stamped(None, now),
        login=Stamped(Login(last_ip="192.0.2.2"), now),
        logins_count=count,
        blocked=Stamped(blocked, now),
        alive=now,
    )


def block(minutes: float, *, blocked: bool = True, born: float | None = 0) -> User:
    """Return an event that blocks or unblocks."""
    return User(
        tenant="default",
        user_id=ANN,
        source=Source.PROFILE,
        born=None if born is None else at(born),
        blocked=Stamped(blocked, at(minutes)),
    )


def delete(minutes: float, *, born: float | None = None) -> User:
    """Return a deletion; a log record of one does not tell which incarnation."""
    return User(
        tenant="default",
        user_id=ANN,
        source=Source.RECORD,
        born=None if born is None else at(born),
        deleted=at(minutes),
    )


def snake(name: str) -> str:
    """Return the column of a GraphQL field."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def upsert(database: psycopg.Connection[Any], *users: User) -> None:
    """Write payloads one after another with the statement that the engine makes of the mutation."""
    for user in users:
        upsert_write(database, write_for(user, write_id=uuid4()))


def upsert_write(database: psycopg.Connection[Any], write: UserWrite) -> None:
    """Write one payload whose write_id is already chosen, as a redelivery has it."""
    values = {"tenant": write.tenant, **{snake(name): value for name, value in write.object.items()}}
    columns = [snake(name) for name in write.columns]
    statement = sql.SQL(
        "insert into users ({}) values ({}) on conflict on constraint users_pkey do update set {}"
    ).format(
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() for _ in values),
        sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in columns),
    )
    database.execute(statement, _parameters(values))


def _parameters(values: Mapping[str, Any]) -> list[Any]:
    return [
        Jsonb(value) if name in JSON_COLUMNS and value is not None else value
        for name, value in values.items()
    ]
