"""Writes down each successful writing call of the Management API, as the `sapi` record of the tenant's log.

Source: Auth0 docs, "Tenant Log Events", `sapi`; recorded answers of `GET /logs`; titles of the Management OpenAPI.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, g, request

from localauth0.logbook import masked
from localauth0.management.http import PREFIX, is_management_path
from localauth0.routes.http import live

_MAX_LOGGED_BYTES = 100_000

# How Auth0 calls the calls that tests and applications look for; the others are called by their path.
_TITLES: Mapping[tuple[str, str], str] = {
    ("POST", "/users"): "Create a User",
    ("PATCH", "/users/<>"): "Update a User",
    ("DELETE", "/users/<>"): "Delete a User",
    ("POST", "/users/<>/identities"): "Link a User Account",
    ("DELETE", "/users/<>/identities/<>/<>"): "Unlink a User Identity",
    ("POST", "/users/<>/roles"): "Assign roles to a user",
    ("DELETE", "/users/<>/roles"): "Removes roles from a user",
    ("DELETE", "/user-blocks"): "Unblock by identifier",
    ("DELETE", "/user-blocks/<>"): "Unblock a user",
    ("POST", "/roles"): "Create a role",
    ("PATCH", "/roles/<>"): "Update a role",
    ("DELETE", "/roles/<>"): "Delete a role",
    ("POST", "/roles/<>/users"): "Assign users to a role",
    ("POST", "/roles/<>/permissions"): "Associate permissions with a role",
    ("DELETE", "/roles/<>/permissions"): "Remove permissions from a role",
    ("POST", "/organizations"): "Create an Organization",
    ("PATCH", "/organizations/<>"): "Modify an Organization",
    ("DELETE", "/organizations/<>"): "Delete organization",
    ("POST", "/organizations/<>/members"): "Add members to an organization",
    ("DELETE", "/organizations/<>/members"): "Delete members from an organization",
    ("POST", "/organizations/<>/members/<>/roles"): "Assign user roles to an Organization member",
    ("DELETE", "/organizations/<>/members/<>/roles"): "Delete user roles from an Organization member",
    ("POST", "/jobs/users-exports"): "Create export users job",
    ("POST", "/jobs/users-imports"): "Create import users job",
    ("POST", "/clients"): "Create a client",
    ("PATCH", "/clients/<>"): "Update a client",
    ("DELETE", "/clients/<>"): "Delete a client",
    ("POST", "/client-grants"): "Create client grant",
    ("POST", "/resource-servers"): "Create a resource server",
    ("POST", "/log-streams"): "Create log stream",
    ("POST", "/event-streams"): "Create an event stream",
    ("POST", "/actions/actions"): "Create an action",
    ("POST", "/actions/actions/<>/deploy"): "Deploy an action",
    ("PATCH", "/actions/triggers/<>/bindings"): "Update trigger bindings",
}


def note_call(response: Response) -> Response:
    """After a request: a record of it, when it has changed something."""
    changes = request.method in ("POST", "PATCH", "PUT", "DELETE") and response.status_code < 300
    if not is_management_path() or not changes or "caller" not in g:
        return response
    store = live().store
    claims: Mapping[str, Any] = g.caller
    is_person = not str(claims.get("sub", "")).endswith("@clients")
    store.log.write(
        "sapi",
        description=_title(),
        ip=request.remote_addr,
        user_agent=request.headers.get("User-Agent"),
        user_id=claims.get("sub") if is_person else None,
        details={
            "request": {
                "method": request.method.lower(),
                "path": str(request.environ.get("REQUEST_URI") or request.path).partition("?")[0],
                "query": request.args.to_dict(),
                "body": _sent(),
                "channel": "api",
                "ip": request.remote_addr,
                "userAgent": request.headers.get("User-Agent", ""),
                "auth": {
                    "strategy": "jwt",
                    "credentials": {"scopes": str(claims.get("scope", "")).split()}
                    if _is_about_users()
                    else {},
                    "user": {"user_id": claims["sub"]} if is_person else {},
                },
            },
            "response": {"statusCode": response.status_code, "body": _answered(response)},
        },
        client_id=claims.get("azp"),
        client_name="",
    )
    return response


def _title() -> str:
    rule = request.url_rule.rule.removeprefix(PREFIX) if request.url_rule is not None else request.path
    parts = ["<>" if part.startswith("<") else part for part in rule.split("/")]
    path = "/".join(parts)
    return _TITLES.get((request.method, path), f"{request.method} {path}")


def _is_about_users() -> bool:
    return request.path.startswith(f"{PREFIX}/users")


def _sent() -> dict[str, Any]:
    body = request.get_json(silent=True) if request.mimetype == "application/json" else None
    return masked(body) if isinstance(body, dict) else {}


def _answered(response: Response) -> Any:
    """The answer, unless it is long. The secret of a new application is not in it."""
    length = response.calculate_content_length() or 0
    answer = response.get_json(silent=True) if response.is_json and length <= _MAX_LOGGED_BYTES else None
    return masked(answer) if answer is not None else {}
