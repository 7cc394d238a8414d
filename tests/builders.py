"""Builders with good defaults: a test names only what matters to it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from frontdesk.identity import (
    ClaimsPolicy,
    JsonObject,
    LoginContext,
    Profile,
    Source,
    Stamped,
    StoredUser,
    User,
)

EVENTS = Path(__file__).parent / "data" / "events"
EVENT_NAMES = sorted(path.stem for path in EVENTS.glob("*.json"))
HOOK_SECRET = "whsec_" + base64.b64encode(b"the secret of the tests, 32 byte").decode()
OTHER_HOOK_SECRET = "whsec_" + base64.b64encode(b"another secret of the tests, too").decode()
ADMIN_SECRET = "the-admin-secret-of-the-tests"
OPERATOR_TOKEN = "the-operator-token-of-the-tests-0123456789"
AT = datetime(2026, 3, 2, 10, 0, 1, tzinfo=UTC)
ABSENT: Any = object()

_USER_FIELDS = [
    "user_id",
    "email",
    "email_verified",
    "username",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "picture",
    "phone_number",
    "phone_verified",
    "created_at",
    "updated_at",
    "app_metadata",
    "user_metadata",
]
_IDENTITY_FIELDS = ["connection", "provider", "user_id", "isSocial", "profileData"]


def an_event(name: str = "database") -> dict[str, Any]:
    """Return a documented post-login event (tests/data/events/SOURCES.md)."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def a_hook_body(event: str = "database", changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what the Action sends for a documented event: the fixed list of docs/architecture.md, "The hook".

    `changes` go from dotted names to values; ABSENT takes a field out.
    """
    given = an_event(event)
    user = _only(given["user"], _USER_FIELDS)
    user["identities"] = [_only(identity, _IDENTITY_FIELDS) for identity in given["user"]["identities"]]
    body = {
        "version": 1,
        "trigger": "post-login",
        "tenant": given["tenant"]["id"],
        "user": user,
        "authorization": given.get("authorization", ABSENT),
        "authentication": _only(given["authentication"], ["methods"]),
        "connection": _only(given["connection"], ["id", "name", "strategy"]),
        "organization": given.get("organization", ABSENT),
        "client": _only(given["client"], ["client_id", "name"]),
        "resource_server": given["resource_server"],
        "request": _only(given["request"], ["ip", "user_agent"]),
        "session": given.get("session", ABSENT),
        "stats": given["stats"],
        "transaction": _only(given["transaction"], ["protocol", "prompt"]),
    }
    for path, value in (changes or {}).items():
        _set(body, path.split("."), value)
    return {name: value for name, value in body.items() if value is not ABSENT}


def a_signed_call(
    body: bytes | Mapping[str, Any],
    *,
    secret: str = HOOK_SECRET,
    at: float | None = None,
    id_: str = "msg_1",
) -> tuple[bytes, dict[str, str]]:
    """Return a body and the headers that sign it, by an implementation of its own of Standard Webhooks."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    timestamp = str(int(time.time() if at is None else at))
    return raw, {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": a_signature(raw, secret=secret, timestamp=timestamp, id_=id_),
    }


def a_signature(body: bytes, *, secret: str, timestamp: str, id_: str = "msg_1") -> str:
    """Return one signature, `v1,<base64>`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def a_user(
    *,
    user_id: str = "auth0|64b0f1e2d3c4b5a697887766",
    tenant: str = "default",
    app_metadata: JsonObject | None = None,
    profile: Profile | None = None,
) -> User:
    """Return a user as a login tells of one."""
    return User(
        tenant=tenant,
        user_id=user_id,
        source=Source.LOGIN,
        profile=Stamped(profile or Profile(email="ana@example.com"), AT),
        app_metadata=Stamped(app_metadata, AT),
    )


def a_login(*auth0_roles: str, **more: Any) -> LoginContext:
    """Return what one login tells for its own token."""
    return LoginContext(auth0_roles=auth0_roles, **more)


def a_stored_user(*granted_roles: str, blocked: bool = False, deleted: bool = False) -> StoredUser:
    """Return what the database says of a user after a write."""
    return StoredUser(blocked=blocked, deleted_at=AT if deleted else None, granted_roles=granted_roles)


def a_policy(**changes: Any) -> ClaimsPolicy:
    """Return a claims policy that lets names stand for themselves."""
    return ClaimsPolicy(**{"pass_unmapped": True, **changes})


def an_environment(**changes: str) -> dict[str, str]:
    """Return the least variables that make valid settings of one tenant, `default`; `changes` leave out FRONTDESK_."""
    variables = {
        "HASURA_URL": "http://127.0.0.1:8080",
        "HASURA_ADMIN_SECRET": ADMIN_SECRET,
        "TENANTS_DEFAULT_DOMAIN": "acme.eu.auth0.com",
        "TENANTS_DEFAULT_AUDIENCE": "https://api.example.com",
        "TENANTS_DEFAULT_HOOK_SECRETS": HOOK_SECRET,
        **changes,
    }
    return {f"FRONTDESK_{name}": value for name, value in variables.items()}


def _only(given: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}


def _set(tree: Any, path: list[str], value: Any) -> None:
    *parents, name = path
    for parent in parents:
        tree = tree[int(parent)] if isinstance(tree, list) else tree.setdefault(parent, {})
    if value is ABSENT:
        tree.pop(name, None)
    elif isinstance(tree, list):
        tree[int(name)] = value
    else:
        tree[name] = value
