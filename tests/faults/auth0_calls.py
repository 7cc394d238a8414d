"""What Auth0 says: signed logins, batches of a log stream, events of an event stream."""

from __future__ import annotations

import json
import random
from datetime import datetime
from typing import Any

from tests.builders import a_signed_call
from tests.faults.house import STREAM_TOKEN
from tests.faults.ledger import SentLogin, SentRecord

CREATED_AT = "2026-01-05T09:00:00.000Z"
_CODES = ("s", "ssa", "slo", "fp", "seacft", "sertft")
_STREAM_HEADERS = {"content-type": "application/json", "authorization": f"Bearer {STREAM_TOKEN}"}


def login_call(login: SentLogin) -> tuple[bytes, dict[str, str]]:
    """Return a signed post-login call."""
    body = {
        "version": 1,
        "trigger": "post-login",
        "tenant": "acme",
        "user": _profile(login.user_id, login.number, login.updated_at),
        "authorization": {"roles": ["Editor"]},
        "authentication": {"methods": [{"name": "pwd", "timestamp": _ms(login.updated_at)}]},
        "connection": {"id": "con_1", "name": "Username-Password-Authentication", "strategy": "auth0"},
        "request": {"ip": "203.0.113.9", "user_agent": "faults"},
        "stats": {"logins_count": login.number},
        "transaction": {"protocol": "oidc-basic-profile", "prompt": []},
    }
    return a_signed_call(body, at=login.at.timestamp(), id_=login.call_id)


def new_log_record(rng: random.Random, number: int, user_id: str, at: datetime) -> SentRecord:
    """Return a record of a log stream; its id has the form of Auth0's."""
    stamp = at.strftime("%Y%m%d%H%M%S") + f"{at.microsecond // 1000:03}"
    return SentRecord(
        id=f"900{stamp}{number:036d}",
        source="log-stream",
        type=rng.choice(_CODES),
        user_id=user_id,
        occurred_at=at,
        ip=f"198.51.{number // 250 % 250}.{number % 250}",
        user_agent=f"faults/{number}",
    )


def log_batch(records: list[SentRecord], rng: random.Random) -> tuple[bytes, dict[str, str]]:
    """Return a delivery of a log stream, as an array or as lines."""
    documents = [_log_record(record) for record in records]
    if rng.random() < 0.5:
        return json.dumps(documents).encode(), _STREAM_HEADERS
    return "\n".join(map(json.dumps, documents)).encode(), _STREAM_HEADERS


def user_event(record: SentRecord) -> tuple[bytes, dict[str, str]]:
    """Return a CloudEvent of a user with the whole profile."""
    assert record.profile_number is not None
    document = {
        "specversion": "1.0",
        "type": record.type,
        "source": "urn:auth0:acme.eu.auth0.com",
        "id": record.id,
        "time": _ms(record.occurred_at),
        "a0tenant": "acme",
        "a0stream": "est_0000000000000000000001",
        "data": {"object": _profile(record.user_id, record.profile_number, record.occurred_at)},
    }
    return json.dumps(document).encode(), _STREAM_HEADERS


def profile_number(name: str | None) -> int:
    """Return the number in a stored profile."""
    return int((name or "Number 0").removeprefix("Number "))


def _profile(user_id: str, number: int, updated_at: datetime) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "email": f"{user_id.rpartition('|')[2]}@example.com",
        "email_verified": True,
        "name": f"Number {number}",
        "created_at": CREATED_AT,
        "updated_at": _ms(updated_at),
        "app_metadata": {"number": number},
        "user_metadata": {},
        "identities": [
            {
                "connection": "Username-Password-Authentication",
                "provider": "auth0",
                "user_id": user_id.rpartition("|")[2],
                "isSocial": False,
            }
        ],
    }


def _log_record(record: SentRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "date": _ms(record.occurred_at),
        "type": record.type,
        "description": "",
        "connection": "Username-Password-Authentication",
        "connection_id": "con_1",
        "client_id": "k2VnQ0f3JXw9sT7p",
        "client_name": "Shop",
        "ip": record.ip,
        "user_agent": record.user_agent,
        "user_id": record.user_id,
        "user_name": "faults@example.com",
        "details": {},
        "log_id": record.id,
        "tenant_name": "acme",
        "environment_name": "prod",
    }
    return {"log_id": record.id, "data": fields}


def _ms(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
