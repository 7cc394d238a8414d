"""Roles and session variables: what Hasura makes of the Hasura claims, and what permissions will make of them.

Source: Hasura docs, "Authentication using JWT"; Server/Auth/JWT.hs, whose words are repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from frontdesk.hasura.claim_path import NOT_THERE
from frontdesk.hasura.jwt_config import ALLOWED_ROLES, DEFAULT_ROLE
from frontdesk.hasura.token_doctor.diagnosis import (
    Finding,
    Refusal,
    fault,
    lenient,
    listed,
    ok,
    shown,
    warning,
)
from frontdesk.hasura.token_doctor.hasura_claims import FoundClaims, bad_claims, json_kind

ROLE = "x-hasura-role"
_NEVER_IN_A_TOKEN = ("admin", "frontdesk")
_STRING = "parsing String failed, expected String, but encountered"


def check_session(found: FoundClaims, asked_role: str | None) -> Iterator[Finding]:
    """Give what is to be said of roles and session variables, in the engine's order."""
    claims = found.values or {}
    allowed, default = _allowed_fault(claims), _default_fault(claims, found)
    yield from (each for each in (allowed, default) if each is not None)
    yield from _missing(claims)
    if allowed is None and default is None:
        yield from _role(claims[ALLOWED_ROLES], claims[DEFAULT_ROLE], asked_role)
    for name, value in claims.items():
        if name not in (ALLOWED_ROLES, DEFAULT_ROLE) and value is not NOT_THERE:
            yield from _variable(name, value)


def role_of(claims: Mapping[str, Any], asked_role: str | None) -> str | None:
    """Return the role that a request runs as, where the claims say it."""
    default = claims.get(DEFAULT_ROLE)
    return asked_role or (default if isinstance(default, str) else None)


def _allowed_fault(claims: Mapping[str, Any]) -> Finding | None:
    if ALLOWED_ROLES not in claims:
        return _role_missing(ALLOWED_ROLES, 'a list of role names, such as ["user"]')
    value, say = claims[ALLOWED_ROLES], f'invalid "{ALLOWED_ROLES}"; should be a list of roles: '
    fix = f"change {ALLOWED_ROLES} to a list of role names"
    if not isinstance(value, list):
        refusal = bad_claims(f"{say}parsing [] failed, expected Array, but encountered {json_kind(value)}")
        says = f"{ALLOWED_ROLES} is {shown(value)}, and Hasura expects a list"
        example = shown([value]) if isinstance(value, str) else '["user"]'
        return fault("allowed roles", refusal, says, f"change it to {example}")
    for each in value:
        problem = _role_problem(each)
        if problem is not None:
            says = f"{ALLOWED_ROLES} holds {shown(each)}, which is no role name"
            return fault("allowed roles", bad_claims(say + problem), says, fix)
    return None


def _default_fault(claims: Mapping[str, Any], found: FoundClaims) -> Finding | None:
    if DEFAULT_ROLE not in claims:
        return _role_missing(DEFAULT_ROLE, 'one of the allowed roles, such as "user"')
    problem = _role_problem(claims[DEFAULT_ROLE])
    if problem is None:
        return None
    hint = "should be a role" if found.is_mapped else "should be a single role name"
    says = f"{DEFAULT_ROLE} is {shown(claims[DEFAULT_ROLE])}, which is no role name"
    refusal = bad_claims(f'invalid "{DEFAULT_ROLE}"; {hint}: {problem}')
    return fault("default role", refusal, says, 'change it to one role name, such as "user"')


def _role_problem(value: object) -> str | None:
    if not isinstance(value, str):
        return f"{_STRING} {json_kind(value)}"
    return None if value else "empty string not allowed"


def _role_missing(name: str, what: str) -> Finding:
    refusal = Refusal("jwt-missing-role-claims", f'JWT claim does not contain "{name}"')
    check = "allowed roles" if name == ALLOWED_ROLES else "default role"
    return fault(check, refusal, f"the Hasura claims lack {name}", f"change the Action to set it: {what}")


def _missing(claims: Mapping[str, Any]) -> Iterator[Finding]:
    for name, value in claims.items():
        if value is NOT_THERE:
            refusal = bad_claims(f'JWT claim from claims_map, "{name}" not found')
            says = f"the token has nothing at the path that claims_map gives for {name}"
            yield fault(name, refusal, says, "change the path in claims_map, or give it a default")


def _role(allowed: list[str], default: str, asked: str | None) -> Iterator[Finding]:
    role = asked or default
    if role in allowed:
        yield ok("role", f"{shown(role)}, of the allowed {listed(allowed)}")
    else:
        refusal = Refusal("access-denied", "Your requested role is not in allowed roles")
        if asked:
            says = f"the role asked for, {shown(asked)}, is not among the allowed roles ({listed(allowed)})"
            fix = "ask for one of these, or change the user's roles and log in again"
        else:
            says = f"the default role {shown(default)} is not among the allowed roles ({listed(allowed)})"
            fix = f"change {ALLOWED_ROLES} to hold it too"
        yield fault("role", refusal, says, fix)
    for name in _NEVER_IN_A_TOKEN:
        if name in allowed:
            says = f"the token allows the role {shown(name)}, with which everything can be read and written"
            yield lenient("role", says, f"change the issuer: {name} is never put in a token")


def _variable(name: str, value: object) -> Iterator[Finding]:
    if not isinstance(value, str):
        kind = json_kind(value)
        refusal = bad_claims(
            f"x-hasura-* claims: parsing Text failed, expected String, but encountered {kind}"
        )
        says = f"{name} is {shown(value)} ({kind.lower()}), and Hasura expects text"
        yield fault(name, refusal, says, f"change it to {_as_text(value)}")
    elif name == ROLE:
        says = f"the claim {ROLE} chooses nothing: the role is {DEFAULT_ROLE}, or what the request's header asks for"
        yield warning(name, says, "leave it out")
    elif _is_json_list(value):
        says = f"{name} is a JSON list as text; a permission with _in takes PostgreSQL's form"
        yield warning(name, says, f"change it to {shown(_array_literal(json.loads(value)))}")
    else:
        yield ok(name, shown(value))


def _is_json_list(text: str) -> bool:
    if not text.startswith("["):
        return False
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return f"PostgreSQL's array as text: {shown(_array_literal(value))}"
    if value is None:
        return "text, or leave it out"
    if isinstance(value, dict):
        return "text: one claim for each value"
    return f"text: {shown(json.dumps(value))}"


def _array_literal(values: list[Any]) -> str:
    """Return a PostgreSQL array literal of scalars."""
    return "{" + ",".join(_element(value) for value in values) + "}"


def _element(value: object) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        is_plain = value.replace("_", "").replace("-", "").isalnum() and value.lower() != "null"
        return value if is_plain else f'"{escaped}"'
    return json.dumps(value)
