"""What a successful call of the Management API changed, as a `sapi` record tells of it: by method and path.

The description of such a record drifts, and its `user_id` is the administrator; the path and the bodies say whom the
call was about. Source: Auth0 Management API, operations; auth0/auth0-log-schemas, `sapi`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard
from urllib.parse import unquote

from frontdesk.auth0.hook_body import MAX_ID_BYTES
from frontdesk.identity import Refresh, RefreshKind

_ROOT = "/api/v2/"
_WRITES = frozenset({"post", "put", "patch", "delete"})
_REFUSED = 400  # the first HTTP status that says so


@dataclass(frozen=True, kw_only=True)
class ApiOperation:
    """What a call changed. `counts` is false where Auth0 logs a record of its own kind beside it."""

    users: tuple[str, ...] = ()
    deleted: str | None = None
    refreshes: frozenset[Refresh] = frozenset()
    organization_id: str | None = None
    counts: bool = True

    @property
    def about(self) -> str | None:
        """The user that the call was about, when it was about one."""
        return self.users[0] if len(self.users) == 1 else None


def operation_of(details: Any) -> ApiOperation:
    """Return what the call in the details of a `sapi` record changed; of one that is not known, nothing."""
    request, response = (_object(_object(details).get(name)) for name in ("request", "response"))
    method, path, status = request.get("method"), request.get("path"), response.get("statusCode")
    if not isinstance(method, str) or not isinstance(path, str) or method.lower() not in _WRITES:
        return ApiOperation()
    if status is not None and not (isinstance(status, int) and status < _REFUSED):
        return ApiOperation()  # somebody would be deleted for a call that nobody says has succeeded
    call = _Call(method.lower(), _segments(path), request.get("body"), response.get("body"))
    match call.path:
        case ("users", *_):
            return _on_users(call)
        case ("roles", _, "users"):
            return _hints(call.listed("users"), RefreshKind.USER)
        case ("organizations", *_):
            return _on_organizations(call)
        case _:
            return ApiOperation()


@dataclass(frozen=True)
class _Call:
    method: str
    path: tuple[str, ...]
    body: Any
    answer: Any

    def listed(self, name: str) -> tuple[str, ...]:
        """Return the ids in a list of the body; some calls send objects with the id in them."""
        found = _list(_object(self.body).get(name))
        ids = (each.get("user_id") if isinstance(each, dict) else each for each in found)
        return tuple(dict.fromkeys(id for id in ids if is_id(id)))


def is_id(value: Any) -> TypeGuard[str]:
    """Tell whether this can be the id of a user or of an organization."""
    if not isinstance(value, str) or "\x00" in value:
        return False
    try:
        return 0 < len(value.encode()) <= MAX_ID_BYTES
    except UnicodeEncodeError:
        return False


def _on_users(call: _Call) -> ApiOperation:
    match (call.method, *call.path):
        case ("post", "users"):
            created = _object(call.answer).get("user_id")
            return _hints((created,) if is_id(created) else (), RefreshKind.USER, counts=False)
        case ("delete", "users", user_id) if is_id(user_id):
            return ApiOperation(users=(user_id,), deleted=user_id, counts=False)
        case ("post", "users", user_id, "identities") if is_id(user_id):
            return _linked(user_id, _secondaries(call))
        case ("delete", "users", user_id, "identities", provider, *rest) if is_id(user_id):
            return _linked(user_id, (f"{provider}|{'/'.join(rest)}",))
        case (_, "users", user_id, *_) if is_id(user_id):
            return _hints((user_id,), RefreshKind.USER)
        case _:
            return ApiOperation()


def _on_organizations(call: _Call) -> ApiOperation:
    match (call.method, *call.path):
        case ("post", "organizations"):
            return _on_organization(_object(call.answer).get("id"))
        case ("patch" | "put" | "delete", "organizations", organization_id):
            return _on_organization(organization_id)
        case (_, "organizations", organization_id, *_) if not is_id(organization_id):
            return ApiOperation()
        case ("post" | "delete", "organizations", organization_id, "members"):
            return _hints(call.listed("members"), RefreshKind.MEMBERSHIPS, organization_id)
        case (_, "organizations", organization_id, "members", user_id, *_) if is_id(user_id):
            return _hints((user_id,), RefreshKind.MEMBERSHIPS, organization_id)
        case (_, "organizations", organization_id, *_):
            return ApiOperation(organization_id=organization_id)
        case _:
            return ApiOperation()


def _on_organization(organization_id: Any) -> ApiOperation:
    if not is_id(organization_id):
        return ApiOperation()
    hint = Refresh(RefreshKind.ORGANIZATION, organization_id)
    return ApiOperation(refreshes=frozenset({hint}), organization_id=organization_id)


def _hints(
    ids: tuple[str, ...], kind: RefreshKind, organization_id: str | None = None, *, counts: bool = True
) -> ApiOperation:
    return ApiOperation(
        users=ids,
        refreshes=frozenset(Refresh(kind, each) for each in ids),
        organization_id=organization_id,
        counts=counts,
    )


def _linked(primary: str, others: tuple[str, ...]) -> ApiOperation:
    """Return a call about the primary account, after which the others are read again as well."""
    ids = {primary, *(each for each in others if is_id(each))}
    return ApiOperation(
        users=(primary,), refreshes=frozenset(Refresh(RefreshKind.USER, each) for each in ids)
    )


def _secondaries(call: _Call) -> tuple[str, ...]:
    """Return whom a link took in: the body names them with or without their provider, or by their ID token.

    The answer lists all identities of the primary account, so those of before come with them.
    """
    body = _object(call.body)
    named = [body, *(each for each in _list(call.answer) if isinstance(each, dict))]
    found = [_identity_id(each) for each in named] + [_subject(body.get("link_with"))]
    return tuple(each for each in found if each)


def _identity_id(identity: Mapping[str, Any]) -> str | None:
    provider, user_id = identity.get("provider"), identity.get("user_id")
    if not isinstance(provider, str) or not isinstance(user_id, str | int) or isinstance(user_id, bool):
        return None
    return (
        user_id
        if str(user_id).startswith(f"{provider}|") and isinstance(user_id, str)
        else f"{provider}|{user_id}"
    )


def _subject(token: Any) -> str | None:
    """Return whom an ID token is about. Nothing hangs on its truth: at worst somebody is read in vain."""
    if not isinstance(token, str) or token.count(".") != 2:
        return None
    payload = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else None


def _segments(path: str) -> tuple[str, ...]:
    """Return the parts of a path below the API's root, decoded: an id may hold an encoded slash."""
    _, root, below = path.partition("?")[0].partition(_ROOT)
    return tuple(unquote(part) for part in below.strip("/").split("/")) if root else ()


def _object(value: Any) -> Mapping[str, Any]:
    """Return an object; what is none counts as empty."""
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Iterator[Any]:
    return iter(value if isinstance(value, list) else ())
