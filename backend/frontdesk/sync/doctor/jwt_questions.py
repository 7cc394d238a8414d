"""Questions about the JWT configuration in force: what a running Hasura shows of it, and what it does with forgeries.

A running engine shows where the claims are, and neither keys nor audience, issuer, skew and header.
Source: Hasura docs, "Config API reference".
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from frontdesk.hasura.bearer import query_as_bearer
from frontdesk.settings import Settings, secret
from frontdesk.sync.doctor.checks import Finding, Question, failed, ok, warning
from frontdesk.sync.doctor.wire import exchange

JWT, FORGED = "JWT configuration", "forged tokens"
QUERY = "{ __typename }"
QUERY_BUDGET_S = 3.0
_GENERATE = "give Hasura the output of `frontdesk jwt-secret --format env`, and start it again"


def jwt_questions(settings: Settings, grounds: tuple[str, ...]) -> Iterator[Question]:
    """Give the questions about tokens at the Hasura of the settings."""
    yield Question(name=JWT, ask=lambda: _configuration(settings), fix=_GENERATE, grounds=grounds)
    yield Question(name=FORGED, ask=lambda: _forged(settings), fix=_GENERATE, grounds=(*grounds, JWT))


def _configuration(settings: Settings) -> Finding:
    answer = exchange(
        "GET",
        f"{settings.hasura.url.rstrip('/')}/v1alpha1/config",
        headers={"x-hasura-admin-secret": secret(settings.hasura.admin_secret)},
    )
    facts = answer.json()
    if answer.status != 200 or "is_jwt_set" not in facts:
        return warning(
            f"Hasura does not show its JWT configuration (HTTP status {answer.status})",
            "to have it checked, let HASURA_GRAPHQL_ENABLED_APIS have `config`",
        )
    if facts.get("is_auth_hook_set"):
        return _hooked(settings)
    if not facts["is_jwt_set"]:
        return failed("Hasura runs without HASURA_GRAPHQL_JWT_SECRET, so it reads no token")
    return _namespaces(settings, facts)


def _hooked(settings: Settings) -> Finding:
    """Judge an engine that asks an auth hook; it does not show which one."""
    asks = "Hasura asks an auth hook (HASURA_GRAPHQL_AUTH_HOOK) who each request comes from"
    if len(settings.tenants) > 1:
        return ok(
            f"{asks}, as several tenants need it; that it is /hasura/auth-hook of frontdesk, it shows to nobody"
        )
    return warning(f"{asks}; one tenant needs none, and every query depends on it", _GENERATE)


def _namespaces(settings: Settings, facts: Mapping[str, Any]) -> Finding:
    listed = facts.get("jwt")
    shown = [each for each in (listed if isinstance(listed, list) else [listed]) if isinstance(each, dict)]
    wanted = {tenant.claims_namespace for tenant in settings.tenants.values()}
    there = {str(each.get("claims_namespace")) for each in shown if not each.get("claims_map")}
    mapped = any(each.get("claims_map") for each in shown)
    if not mapped and (missing := sorted(wanted - there)):
        return failed(
            f"Hasura looks for claims under {', '.join(sorted(there)) or 'no name'}, and logins put them under "
            f"{', '.join(missing)}"
        )
    if any(each.get("claims_format") == "stringified_json" for each in shown):
        return failed(
            "Hasura expects the claims as text (claims_format stringified_json), and logins give an object"
        )
    where = "where its claims_map says" if mapped else f"under {', '.join(sorted(wanted))}"
    return ok(
        f"Hasura reads the claims {where}. Its keys, audience and issuer it shows to nobody: `frontdesk token get` "
        f"and `frontdesk token inspect` try them with a real token"
    )


def _forged(settings: Settings) -> Finding:
    for kind, header, signature in (
        ("unsigned", {"alg": "none"}, b""),
        ("forged", {"alg": "RS256"}, secrets.token_bytes(256)),
    ):
        answer = query_as_bearer(
            settings.hasura.url, _token(settings, header, signature), QUERY, budget_s=QUERY_BUDGET_S
        )
        if not answer.errors:
            return failed(
                f"Hasura took an {kind} token" if kind == "unsigned" else "Hasura took a forged token"
            )
        if answer.code == "invalid-headers":
            return warning(
                "Hasura does not read tokens from the Authorization header, so it could not be tried with one",
                "see `header` in its JWT configuration",
            )
        if "NoUsableKeys" in answer.message:
            return failed(
                "Hasura has no key that verifies a token: its key set is empty or could not be fetched",
                "check jwk_url with `frontdesk jwt-secret --check`",
            )
        if answer.code == "unexpected":
            return failed(
                f"Hasura refuses a {kind} token, because its auth hook does not answer: {answer.message}",
                "set HASURA_GRAPHQL_AUTH_HOOK to /hasura/auth-hook of frontdesk, as Hasura reaches it",
            )
        if answer.code not in ("invalid-jwt", "access-denied"):  # the second one of an auth hook
            return failed(f"Hasura refuses a {kind} token with {answer.code}: {answer.message}")
    return ok("Hasura refuses an unsigned token and a forged one")


def _token(settings: Settings, header: Mapping[str, str], signature: bytes) -> str:
    """Return a token as nobody may make one, with the claims of a role user who is not there."""
    tenant = next(iter(settings.tenants.values()))
    claims = {
        "x-hasura-default-role": settings.claims.default_role,
        "x-hasura-allowed-roles": [settings.claims.default_role],
        "x-hasura-user-id": "frontdesk|doctor",
        "x-hasura-tenant": "frontdesk-doctor",
    }
    payload = {
        "iss": tenant.issuer,
        "aud": tenant.audience,
        "sub": "frontdesk|doctor",
        tenant.claims_namespace: claims,
    }
    parts = [json.dumps({**header, "typ": "JWT"}).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
