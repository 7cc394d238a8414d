"""Where the Hasura claims are: under the namespace, at a path, as text, or mapped from other claims.

Source: Hasura docs, "Authentication using JWT"; Server/Auth/JWT.hs, whose words are repeated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from frontdesk.hasura.claim_path import NOT_THERE, path_steps, value_at
from frontdesk.hasura.jwt_config import ALLOWED_ROLES, DEFAULT_ROLE, ClaimSource, JwtConfig
from frontdesk.hasura.token_doctor.diagnosis import Finding, Refusal, fault, listed, ok, shown, warning
from frontdesk.hasura.token_doctor.kinds import Kind

PREFIX = "x-hasura-"
MAX_LOOK = 5  # levels that misplaced claims are looked for; tokens are hostile, too
_SECRET = "HASURA_GRAPHQL_JWT_SECRET"  # noqa: S105 - the name of a variable


@dataclass(frozen=True)
class FoundClaims:
    """The Hasura claims by lower-case name (NOT_THERE: mapped, and missing); None where Hasura finds none."""

    values: Mapping[str, Any] | None = field(repr=False)
    findings: tuple[Finding, ...]
    is_mapped: bool = False


def find_claims(claims: Mapping[str, Any], config: JwtConfig, kind: Kind) -> FoundClaims:
    """Return the Hasura claims of a token's claims."""
    if config.claims_map is not None:
        mapped = _mapped(claims, config.claims_map)
        says = f"{len(config.claims_map)} claims are mapped from the token by claims_map"
        return FoundClaims(mapped, (ok("namespace", says),), is_mapped=True)
    found, where = _in_namespace(claims, config)
    if found is NOT_THERE:
        return FoundClaims(None, (_not_found(claims, config, kind),))
    value = found
    if config.claims_format == "stringified_json":
        value = _parsed(found)
        if value is None:
            return FoundClaims(None, (_not_stringified(found, where),))
    elif not isinstance(found, dict):
        return FoundClaims(None, (_no_object(found),))
    values = {name.lower(): each for name, each in value.items() if name.lower().startswith(PREFIX)}
    return FoundClaims(
        values, (ok("namespace", f"{len(values)} Hasura claims at {where}"), *_left_out(value))
    )


def json_kind(value: object) -> str:
    """Return the name that Hasura has for the kind of a JSON value."""
    if value is None:
        return "Null"
    for kind, name in ((bool, "Boolean"), (str, "String"), (list, "Array"), (dict, "Object")):
        if isinstance(value, kind):
            return name
    return "Number"


def bad_claims(message: str) -> Refusal:
    """Return Hasura's refusal of claims that are not as it wants them."""
    return Refusal("jwt-invalid-claims", message)


def _in_namespace(claims: Mapping[str, Any], config: JwtConfig) -> tuple[Any, str]:
    if config.claims_namespace_path is not None:
        steps = path_steps(config.claims_namespace_path)
        return value_at(claims, steps), f"claims_namespace_path {_written(steps)}"
    namespace = config.claims_namespace or ""
    return claims.get(namespace, NOT_THERE), f"claims_namespace {namespace}"


def _written(steps: tuple[str | int, ...]) -> str:
    """Return a path as Hasura writes it."""
    return reduce(_with_step, steps, "$")


def _with_step(path: str, step: str | int) -> str:
    if isinstance(step, int):
        return f"{path}[{step}]"
    plain = step.replace("-", "_").isidentifier() and step.isascii() and not step.startswith("-")
    return f"{path}.{step}" if plain else f"{path}[{json.dumps(step, ensure_ascii=False)}]"


def _mapped(claims: Mapping[str, Any], claims_map: Mapping[str, ClaimSource]) -> dict[str, Any]:
    found = {name: _value(claims, source) for name, source in claims_map.items()}
    # A missing role is a missing claim to Hasura; any other missing one has a message of its own.
    return {
        name: value
        for name, value in found.items()
        if value is not NOT_THERE or name not in (ALLOWED_ROLES, DEFAULT_ROLE)
    }


def _value(claims: Mapping[str, Any], source: ClaimSource) -> Any:
    if source.path is None:
        return _plain(source.literal)
    value = value_at(claims, path_steps(source.path))
    if value is NOT_THERE and source.default is not None:
        return _plain(source.default)
    return value


def _plain(value: str | tuple[str, ...] | None) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _parsed(found: object) -> dict[str, Any] | None:
    try:
        value = json.loads(found) if isinstance(found, str) else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _not_found(claims: Mapping[str, Any], config: JwtConfig, kind: Kind) -> Finding:
    if config.claims_namespace_path is not None:
        path = _written(path_steps(config.claims_namespace_path))
        refusal = bad_claims(f"claims not found at claims_namespace_path: '{path}'")
        says = f"the path {config.claims_namespace_path} (claims_namespace_path) leads nowhere in the token"
        key = "claims_namespace_path"
    else:
        refusal = bad_claims(f"claims key: '{config.claims_namespace}' not found")
        says = f"the token has no claim {shown(config.claims_namespace)}, where Hasura looks for its claims"
        key = "claims_namespace"
    elsewhere = _elsewhere(claims)
    if elsewhere is not None:
        return fault(
            "namespace", refusal, f"{says}; they are {elsewhere}", f"change {key} in {_SECRET}, or the Action"
        )
    return fault("namespace", refusal, says, _how_to_get_claims(kind))


def _elsewhere(claims: Mapping[str, Any], depth: int = MAX_LOOK) -> str | None:
    """Return where in a token Hasura claims are that Hasura does not find."""
    if any(name.lower().startswith(PREFIX) for name in claims):
        return "at the top level of the token"
    for name, value in claims.items():
        inside = _parsed(value) if isinstance(value, str) else value
        if isinstance(inside, dict):
            if any(key.lower().startswith(PREFIX) for key in inside):
                return f"under {shown(name)}"
            objects = {key: each for key, each in inside.items() if isinstance(each, dict)}
            deeper = _elsewhere(objects, depth - 1) if depth else None
            if deeper is not None:
                return f"inside {shown(name)}, {deeper}"
    return None


def _how_to_get_claims(kind: Kind) -> str:
    if kind is Kind.MACHINE_TOKEN:
        return (
            "deploy the Action credentials-exchange (post-login does not run for client credentials): add it to "
            "action.names, name the application in machine_roles, and run `frontdesk actions deploy`"
        )
    if kind is Kind.ID_TOKEN:
        return "send the access token, this is an ID token"
    return "deploy and bind the post-login Action (`frontdesk actions deploy`), and log in again"


def _not_stringified(found: object, where: str) -> Finding:
    fix = f'change claims_format in {_SECRET} to "json"'
    if not isinstance(found, str):
        refusal = bad_claims("expecting a string when claims_format is stringified_json")
        says = f"the Hasura claims are {_article(found)}, and Hasura expects them as text (stringified_json)"
        return fault("namespace", refusal, says, fix)
    refusal = bad_claims(f"expecting stringified json at: '{where}', but found: {found}")
    says = "the Hasura claims are text, as expected, but the text is no JSON object"
    return fault("namespace", refusal, says, "change the issuer to write JSON.stringify({…}) there")


def _no_object(found: object) -> Finding:
    refusal = bad_claims("expecting a json object when claims_format is json")
    says = f"the Hasura claims are {_article(found)}, and Hasura expects an object"
    if _parsed(found) is not None:
        fix = (
            f'change the Action to set the object itself, or claims_format in {_SECRET} to "stringified_json"'
        )
    else:
        fix = "change the Action to set an object with the x-hasura-… claims"
    return fault("namespace", refusal, says, fix)


def _left_out(value: Mapping[str, Any]) -> tuple[Finding, ...]:
    names = [name for name in value if not name.lower().startswith(PREFIX)]
    if not names:
        return ()
    return (warning("namespace", f"Hasura passes over what does not begin with {PREFIX}: {listed(names)}"),)


def _article(value: object) -> str:
    kind = json_kind(value).lower()
    return "null" if kind == "null" else f"{'an' if kind[0] in 'ao' else 'a'} {kind}"
