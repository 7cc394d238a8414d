"""What frontdesk's own schema holds of one person, taken out of it.

Passes of imports and reconciles keep ids of those whom they read, rejects keep whole records, jobs name their user, and
what streams and logins brought is kept for a while as it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from frontdesk.store.database import Connection, Database
from frontdesk.store.named import written_forms

_OF_PASSES = ("pass_users", "pass_roles", "pass_members")


@dataclass(frozen=True, kw_only=True)
class StoreErasure:
    """How many rows of each table went or, in `passes`, were changed.

    `rejects_of` are passes that set a record of the person aside, and may have written it to a file; `files` are what
    passes that read the person were made from. `under_way` tells whether a pass may write what it read before, and
    `deliveries_left` how many deliveries that name the person are not in Hasura yet: they hold records of others too.
    """

    counts: Mapping[str, int]
    rejects_of: Sequence[str] = ()
    files: Sequence[str] = ()
    under_way: bool = False
    deliveries_left: int = 0


def erase_from_store(database: Database, tenant: str, user_ids: Sequence[str]) -> StoreErasure:
    """Remove these ids of a tenant, in one transaction; done twice the second time finds nothing.

    The audit is apart: it keeps that something was done (`Audit.forget`). Raises StoreUnavailable.
    """
    ids = list(user_ids)
    with database.transaction() as connection:
        rejects_of, files = _written(connection, tenant, ids)
        ((under_way,),) = connection.execute(
            "SELECT EXISTS (SELECT FROM frontdesk.passes WHERE tenant = %s AND status = 'running')", (tenant,)
        ).fetchall()
        counts = {"rejects": _rejects(connection, tenant, ids)}
        for table in _OF_PASSES:
            counts[table] = connection.execute(
                f"DELETE FROM frontdesk.{table} USING frontdesk.passes"  # noqa: S608 - names of ours
                f" WHERE passes.id = {table}.pass_id AND passes.tenant = %s AND {table}.user_id = ANY(%s)",
                (tenant, ids),
            ).rowcount
        counts["passes"] = _passes(connection, tenant, ids)
        counts["procrastinate_jobs"] = _jobs(connection, tenant, ids)
        counts["stream_rejects"] = _stream_rejects(connection, tenant, ids)
        counts["deliveries"], left = _deliveries(connection, tenant, ids)
    return StoreErasure(
        counts=counts, rejects_of=rejects_of, files=files, under_way=under_way, deliveries_left=left
    )


def _written(connection: Connection, tenant: str, ids: list[str]) -> tuple[list[str], list[str]]:
    rejects = connection.execute(
        "SELECT DISTINCT pass_id::text FROM frontdesk.rejects WHERE tenant = %s AND user_id = ANY(%s) ORDER BY 1",
        (tenant, ids),
    ).fetchall()
    files = connection.execute(
        "SELECT DISTINCT source FROM frontdesk.passes WHERE tenant = %s AND way = 'file' AND ("
        " EXISTS (SELECT FROM frontdesk.pass_users WHERE pass_id = passes.id AND user_id = ANY(%s))"
        " OR EXISTS (SELECT FROM frontdesk.rejects WHERE pass_id = passes.id AND user_id = ANY(%s))) ORDER BY 1",
        (tenant, ids, ids),
    ).fetchall()
    return [row[0] for row in rejects], [row[0] for row in files]


def _rejects(connection: Connection, tenant: str, ids: list[str]) -> int:
    """Delete the person's rejects, also those of lines so broken that their id stands in the text alone."""
    return connection.execute(
        "DELETE FROM frontdesk.rejects WHERE tenant = %(tenant)s AND (user_id = ANY(%(ids)s) OR (user_id IS NULL"
        " AND EXISTS (SELECT FROM unnest(%(ids)s::text[]) AS erased"
        " WHERE strpos(record, to_jsonb(erased)::text) > 0)))",
        {"tenant": tenant, "ids": ids},
    ).rowcount


def _passes(connection: Connection, tenant: str, ids: list[str]) -> int:
    """Take the ids out of what passes that have ended say of themselves; a running one still needs it."""
    rows = connection.execute(
        "SELECT id, position, counts, detail FROM frontdesk.passes WHERE tenant = %(tenant)s"
        " AND status <> 'running' AND EXISTS (SELECT FROM unnest(%(ids)s::text[]) AS erased"
        " WHERE strpos(concat(position, counts, detail), trim(both '\"' from to_jsonb(erased)::text)) > 0)"
        " FOR UPDATE",
        {"tenant": tenant, "ids": ids},
    ).fetchall()
    changed = 0
    for pass_id, *documents in rows:
        cleaned = [_without(document, frozenset(ids)) for document in documents]
        if cleaned != documents:
            connection.execute(
                "UPDATE frontdesk.passes SET position = %s, counts = %s, detail = %s WHERE id = %s",
                (*map(Jsonb, cleaned), pass_id),
            )
            changed += 1
    return changed


def _without(value: Any, ids: frozenset[str]) -> Any:
    """Return a JSON document without these texts: gone from lists and from keys, null elsewhere."""
    match value:
        case dict():
            return {key: _without(inner, ids) for key, inner in value.items() if key not in ids}
        case list():
            return [_without(inner, ids) for inner in value if not (isinstance(inner, str) and inner in ids)]
        case str():
            return None if value in ids else value
        case _:
            return value


def _jobs(connection: Connection, tenant: str, ids: list[str]) -> int:
    """Delete jobs that name the person anywhere in their arguments, unless they are of another tenant."""
    return connection.execute(
        "DELETE FROM frontdesk.procrastinate_jobs WHERE coalesce(args ->> 'tenant', %(tenant)s) = %(tenant)s"
        " AND status <> 'doing' AND EXISTS (SELECT FROM unnest(%(ids)s::text[]) AS erased"
        " WHERE jsonb_path_exists(args, '$.** ? (@ == $id)', jsonb_build_object('id', erased)))",
        {"tenant": tenant, "ids": ids},
    ).rowcount


def _stream_rejects(connection: Connection, tenant: str, ids: list[str]) -> int:
    forms = [form for each in ids for form in written_forms(each)]
    return connection.execute(
        "DELETE FROM frontdesk.stream_rejects WHERE tenant = %s AND EXISTS (SELECT FROM unnest(%s::text[]) AS form"
        " WHERE strpos(record, form) > 0 OR strpos(record_id, form) > 0)",
        (tenant, forms),
    ).rowcount


def _deliveries(connection: Connection, tenant: str, ids: list[str]) -> tuple[int, int]:
    """Delete ended deliveries that name the person, whole; return how many, and how many are left that did not end."""
    named = " WHERE tenant = %s AND EXISTS (SELECT FROM unnest(%s::bytea[]) AS form WHERE position(form IN body) > 0)"
    values = (tenant, [form.encode() for each in ids for form in written_forms(each)])
    gone = connection.execute(
        f"DELETE FROM frontdesk.deliveries {named} AND state IN ('done', 'dropped')",  # noqa: S608 - texts of ours
        values,
    ).rowcount
    ((left,),) = connection.execute(
        f"SELECT count(*) FROM frontdesk.deliveries {named}",  # noqa: S608 - texts of ours
        values,
    ).fetchall()
    return gone, int(left)
