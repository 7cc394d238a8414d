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
    """What a token grants: roles, and the other claims by lower-case name, as they came."""

    allowed_roles: tuple[str, ...]
    default_role: str
    others: Mapping[str, Any]

    def role(self, requested: str | None) -> str:
        """Return the role to use; raises `access-denied` when it is not allowed."""
        role = requested or self.default_role
        if role not in self.allowed_roles:
            raise EngineError("access-denied", "Your requested role is not in allowed roles")
        return role

    def variables(self) -> dict[str, str]:
        """Return the session variables; raises `jwt-invalid-claims` when one is not a string."""
        return {name: _session_value(value) for name, value in self.others.items()}


def hasura_claims(claims: Mapping[str, Any], secret: JwtSecret) -> HasuraClaims:
    """Return the Hasura claims of a token; raises `jwt-invalid-claims` or `jwt-missing-role-claims`."""
    found: Mapping[str, Any]
    if secret.claims_map is not None:
        found, hint = _mapped(claims, secret.claims_map), "should be a role"
    else:
        found, hint = _in_namespace(claims, secret), "should be a single role name"
    lowered = {name.lower(): value for name, value in found.items() if name.lower().startswith("x-hasura-")}
    allowed, default = _allowed_roles(lowered), _default_role(lowered, hint)
    others = {name: value for name, value in lowered.items() if name not in (ALLOWED_ROLES, DEFAULT_ROLE)}
    if NOT_THERE in others.values():
        name = next(name for name, value in others.items() if value is NOT_THERE)
        raise _bad(f'JWT claim from claims_map, "{name}" not found')
    return HasuraClaims(allowed, default, others)


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
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise _bad(f"expecting stringified json at: '{where}', but found: {found}")
    return parsed


def _mapped(claims: Mapping[str, Any], claims_map: Mapping[str, MappedClaim]) -> dict[str, Any]:
    """Return what the map leads to; NOT_THERE for a claim that is missing, but not for a missing role."""
    found: dict[str, Any] = {}
    for name, mapped in claims_map.items():
        value = mapped.literal if mapped.path is None else follow(claims, mapped.steps)
        value = mapped.default if value is NOT_THERE else value
        if value is not NOT_THERE or name not in (ALLOWED_ROLES, DEFAULT_ROLE):
            found[name] = value
    return found


def _allowed_roles(claims: Mapping[str, Any]) -> tuple[str, ...]:
    if ALLOWED_ROLES not in claims:
        raise EngineError("jwt-missing-role-claims", f'JWT claim does not contain "{ALLOWED_ROLES}"')
    value, say = claims[ALLOWED_ROLES], f'invalid "{ALLOWED_ROLES}"; should be a list of roles: '
    if not isinstance(value, list):
        raise _bad(f"{say}parsing [] failed, expected Array, but encountered {kind_of(value)}")
    return tuple(_role(role, say) for role in value)


def _default_role(claims: Mapping[str, Any], hint: str) -> str:
    if DEFAULT_ROLE not in claims:
        raise EngineError("jwt-missing-role-claims", f'JWT claim does not contain "{DEFAULT_ROLE}"')
    return _role(claims[DEFAULT_ROLE], f'invalid "{DEFAULT_ROLE}"; {hint}: ')


def _role(value: Any, say: str) -> str:
    if not isinstance(value, str):
        raise _bad(f"{say}parsing String failed, expected String, but encountered {kind_of(value)}")
    if not value:
        raise _bad(f"{say}empty string not allowed")
    return value


def _session_value(value: Any) -> str:
    if not isinstance(value, str):
        raise _bad(
            f"x-hasura-* claims: parsing Text failed, expected String, but encountered {kind_of(value)}"
        )
    return value


def _bad(message: str) -> EngineError:
    return EngineError("jwt-invalid-claims", message)


def kind_of(value: Any) -> str:
    """Return the name that Hasura has for the kind of a JSON value."""
    if value is None:
        return "Null"
    for kind, name in ((bool, "Boolean"), (str, "String"), (list, "Array"), (dict, "Object")):
        if isinstance(value, kind):
            return name
    return "Number"
