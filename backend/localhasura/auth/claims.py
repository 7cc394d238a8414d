"""From a verified token's claims to the Hasura claims: namespace, path, stringified or mapped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localhasura.auth.json_path import NOT_THERE, follow
from localhasura.auth.jwt_secret import ALLOWED_ROLES, DEFAULT_ROLE, JwtSecret, MappedClaim
from localhasura.errors import EngineError


@dataclass(frozen=True)
class HasuraClaims:
    """What a token grants: roles, and session variables by lower-case name."""

    allowed_roles: tuple[str, ...]
    default_role: str
    variables: Mapping[str, str]

    def role(self, requested: str | None) -> str:
        """Return the role to use; raises `access-denied` when it is not allowed."""
        role = self.default_role if requested is None else requested
        if role not in self.allowed_roles:
            raise EngineError("access-denied", "Your requested role is not in allowed roles")
        return role


def hasura_claims(claims: Mapping[str, Any], secret: JwtSecret) -> HasuraClaims:
    """Return the Hasura claims of a token; raises `jwt-invalid-claims` or `jwt-missing-role-claims`."""
    if secret.claims_map is not None:
        found: Mapping[str, Any] = _mapped(claims, secret.claims_map)
    else:
        found = _in_namespace(claims, secret)
    lowered = {name.lower(): value for name, value in found.items() if name.lower().startswith("x-hasura-")}
    allowed = _allowed_roles(lowered)
    default = _default_role(lowered)
    variables: dict[str, str] = {}
    for name, value in lowered.items():
        if name not in (ALLOWED_ROLES, DEFAULT_ROLE):
            variables[name] = _session_value(value)
    return HasuraClaims(allowed, default, variables)


def _in_namespace(claims: Mapping[str, Any], secret: JwtSecret) -> Mapping[str, Any]:
    if secret.namespace_path is not None:
        where = f"claims_namespace_path {secret.namespace_path}"
        found = follow(claims, secret.namespace_steps)
        if found is NOT_THERE:
            raise _bad(f"claims not found at claims_namespace_path: '{secret.namespace_path}'")
    else:
        where = f"claims_namespace {secret.namespace}"
        if secret.namespace not in claims:
            raise _bad(f"claims key: '{secret.namespace}' not found")
        found = claims[secret.namespace]
    if secret.stringified:
        found = _parsed(found, where)
    elif not isinstance(found, dict):
        raise _bad("expecting a json object when claims_format is json")
    return found  # type: ignore[no-any-return]


def _parsed(found: Any, where: str) -> Any:
    if not isinstance(found, str):
        raise _bad("expecting a string when claims_format is stringified_json")
    try:
        parsed = json.loads(found)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise _bad(f"expecting stringified json at: '{where}', but found: {found}")
    return parsed


def _mapped(claims: Mapping[str, Any], claims_map: Mapping[str, MappedClaim]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, mapped in claims_map.items():
        value = mapped.literal if mapped.path is None else follow(claims, mapped.steps)
        if value is NOT_THERE or value is None:
            value = mapped.default if mapped.path is not None else value
        if value is not None:
            found[name] = value
        elif name not in (ALLOWED_ROLES, DEFAULT_ROLE):
            raise _bad(f'JWT claim from claims_map, "{name}" not found')
    return found


def _allowed_roles(claims: Mapping[str, Any]) -> tuple[str, ...]:
    if ALLOWED_ROLES not in claims:
        raise EngineError("jwt-missing-role-claims", f'JWT claim does not contain "{ALLOWED_ROLES}"')
    value, say = claims[ALLOWED_ROLES], f'invalid "{ALLOWED_ROLES}"; should be a list of roles: '
    if not isinstance(value, list):
        raise _bad(f"{say}parsing [] failed, expected Array, but encountered {_kind(value)}")
    for role in value:
        if not isinstance(role, str):
            raise _bad(f"{say}parsing Text failed, expected String, but encountered {_kind(role)}")
    return tuple(value)


def _default_role(claims: Mapping[str, Any]) -> str:
    if DEFAULT_ROLE not in claims:
        raise EngineError("jwt-missing-role-claims", f'JWT claim does not contain "{DEFAULT_ROLE}"')
    value = claims[DEFAULT_ROLE]
    if not isinstance(value, str):
        say = f'invalid "{DEFAULT_ROLE}"; should be a single role name: '
        raise _bad(f"{say}parsing Text failed, expected String, but encountered {_kind(value)}")
    return value


def _session_value(value: Any) -> str:
    if not isinstance(value, str):
        raise _bad(f"x-hasura-* claims: parsing Text failed, expected String, but encountered {_kind(value)}")
    return value


def _bad(message: str) -> EngineError:
    return EngineError("jwt-invalid-claims", message)


def _kind(value: Any) -> str:
    if value is None:
        return "Null"
    for kind, name in ((bool, "Boolean"), (str, "String"), (list, "Array"), (dict, "Object")):
        if isinstance(value, kind):
            return name
    return "Number"
