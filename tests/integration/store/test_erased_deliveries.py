"""What streams and logins brought about somebody goes with them, however their id is written in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import pytest

from frontdesk.store.database import Database
from frontdesk.store.erasure import erase_from_store
from frontdesk.store.inbox import Inbox, NewDelivery
from frontdesk.store.inbox_load import QueueBound

ODD = "samlp|Müller/ü's (1)|\U0001f642"
OTHER = "auth0|other"


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    with Database(store_url) as database:
        yield database


@pytest.fixture
def inbox(database: Database) -> Inbox:
    return Inbox(database, QueueBound(1000, 10**9))


def kept(inbox: Inbox, body: bytes, *, tenant: str = "acme") -> int:
    delivery_id = inbox.accept(
        NewDelivery(tenant=tenant, way="log-stream", body=body, records=1, request_id="r")
    )
    inbox.done([delivery_id])
    return delivery_id


def left(store_url: str, table: str = "deliveries") -> list[int]:
    column = "id" if table == "deliveries" else "number"
    with psycopg.connect(store_url) as connection:
        rows = connection.execute(f"SELECT {column} FROM frontdesk.{table} ORDER BY 1").fetchall()
    return [row[0] for row in rows]


BODIES = {
    "as it is": json.dumps({"user_id": ODD}, ensure_ascii=False),
    "JSON-escaped": json.dumps({"user_id": ODD}),
    "JSON-escaped in capitals": re.sub(
        r"\\u....", lambda found: "\\u" + found[0][2:].upper(), json.dumps({"user_id": ODD})
    ),
    "slashes escaped": json.dumps({"user_id": ODD}, ensure_ascii=False).replace("/", "\\/"),
    "percent-encoded": json.dumps({"path": f"/api/v2/users/{quote(ODD, safe='')}/roles"}),
    "percent-encoded in small letters": json.dumps(
        {"path": re.sub("%..", lambda found: found[0].lower(), quote(ODD, safe=""))}
    ),
    "as JavaScript encodes it": json.dumps({"path": quote(ODD, safe="!'()*")}),
    "a path in a query": json.dumps({"url": f"?next={quote('/users/' + quote(ODD, safe=''), safe='')}"}),
}


def test_ended_deliveries_that_name_somebody_go_in_every_spelling(
    database: Database, inbox: Inbox, store_url: str
) -> None:
    for body in BODIES.values():
        kept(inbox, body.encode())
    others = [kept(inbox, json.dumps({"user_id": OTHER}).encode()), kept(inbox, b"\xff\x00nonsense")]
    foreign = kept(inbox, json.dumps({"user_id": ODD}).encode(), tenant="globex")

    found = erase_from_store(database, "acme", [ODD])

    assert (found.counts["deliveries"], found.deliveries_left) == (len(BODIES), 0)
    assert left(store_url) == [*others, foreign]
    assert erase_from_store(database, "acme", [ODD]).counts["deliveries"] == 0


def test_what_is_not_in_hasura_yet_is_left_and_told(database: Database, inbox: Inbox, store_url: str) -> None:
    """It holds records of others, and was acknowledged."""
    ids = [
        inbox.accept(
            NewDelivery(
                tenant="acme", way="log-stream", body=f'["{OTHER}"]'.encode(), records=1, request_id="r"
            )
        )
        for _ in range(3)
    ]
    inbox.set_apart(ids[1], "x")
    inbox.failed(ids[2], "x")

    found = erase_from_store(database, "acme", [OTHER])

    assert (found.counts["deliveries"], found.deliveries_left) == (0, 3)
    assert left(store_url) == ids


def test_rejected_records_of_somebody_go_and_those_of_others_stay(
    database: Database, inbox: Inbox, store_url: str
) -> None:
    delivery_id = kept(inbox, b"[]")
    for number, record in enumerate((json.dumps({"user_id": ODD}), json.dumps({"user_id": OTHER})), 1):
        inbox.reject(delivery_id, number=number, record_id=None, reason="no date", record=record)

    found = erase_from_store(database, "acme", [ODD])

    assert found.counts["stream_rejects"] == 1
    assert left(store_url, "stream_rejects") == [2]
