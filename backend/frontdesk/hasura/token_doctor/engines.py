"""What there is to know of a Hasura: from its JWT secret, or from a running engine, which shows only a part.

Source: Hasura docs, "Config API reference": a running engine shows where the claims are, and neither keys nor audience,
issuer, skew and header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import requests

from frontdesk.answers import json_object
from frontdesk.errors import HasuraRejected, HasuraUnavailable, JwtConfigInvalid, KeysUnavailable
from frontdesk.hasura.jwt_config import JwtConfig
from frontdesk.hasura.jwt_keys import KeyUnusable
from frontdesk.hasura.jwt_secret import ANYWHERE, fetch
from frontdesk.hasura.token_doctor.diagnosis import Finding, shown, warning
from frontdesk.hasura.token_doctor.examination import Engine, Unseen
from frontdesk.hasura.token_doctor.keys import KeySet, keys_of_secret, keys_of_set
from frontdesk.hasura.transport import Deadline, new_session

CONFIG_BUDGET_S = 10.0
_NOT_SHOWN = frozenset(Unseen)
# A configuration needs a key; nothing is ever verified with this one, because the engine's are not seen.
_UNSEEN_KEY = {"jwk_url": "https://unseen.invalid/"}


def engine_with(config: JwtConfig, origin: str) -> Engine:
    """Return the Hasura that this configuration makes, its key set fetched; a set that cannot be had is said so."""
    remarks = tuple(
        warning(
            "configuration", f"Hasura passes over {shown(name)} in HASURA_GRAPHQL_JWT_SECRET", "leave it out"
        )
        for name in config.unknown_keys
    )
    try:
        return Engine(config=config, keys=_keys(config), origin=origin, remarks=remarks)
    except (KeyUnusable, KeysUnavailable) as error:
        why = f"the keys cannot be had ({error}), so the signature was not checked; a Hasura that starts so stops"
        return Engine(config=config, keys=None, origin=origin, why_no_keys=why, remarks=remarks)


def running_engine(url: str, admin_secret: str, *, otherwise: Engine | None = None) -> Engine:
    """Return what the running Hasura at `url` shows of itself; what it does not show is taken from `otherwise`.

    Raises HasuraUnavailable, HasuraRejected.
    """
    base = url.rstrip("/")
    shown_config = _shown_config(base, admin_secret)
    known = JwtConfig.from_json(_UNSEEN_KEY) if otherwise is None else otherwise.config
    try:
        seen = JwtConfig.from_json({**_UNSEEN_KEY, **_claims_part(shown_config)})
    except JwtConfigInvalid as error:
        raise HasuraUnavailable(
            f"{base} shows a JWT configuration that cannot be read: {error.detail}"
        ) from None
    config = replace(
        known,
        claims_namespace=seen.claims_namespace,
        claims_namespace_path=seen.claims_namespace_path,
        claims_format=seen.claims_format,
        claims_map=seen.claims_map,
    )
    if otherwise is None:
        return Engine(config=config, keys=None, origin=base, unseen=_NOT_SHOWN)
    remarks = (*otherwise.remarks, *_differences(otherwise.config, config))
    origin = f"{base}, and what it does not show from {otherwise.origin}"
    return replace(otherwise, config=config, origin=origin, remarks=remarks)


def _keys(config: JwtConfig) -> KeySet:
    if config.key is not None:
        return keys_of_secret(config.type, config.key)
    url = config.jwk_url or ""
    return keys_of_set(fetch(url, ANYWHERE).body, f"the key set {_public(url)}")


def _public(url: str) -> str:
    """Return the URL without what may be secret of it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _shown_config(base: str, admin_secret: str) -> Mapping[str, Any]:
    headers = {"x-hasura-admin-secret": admin_secret}
    try:
        with new_session(headers=headers) as session:
            answer = session.get(
                f"{base}/v1alpha1/config",
                timeout=Deadline.after(CONFIG_BUDGET_S),  # type: ignore[arg-type]
                allow_redirects=False,
            )
    except (requests.RequestException, OSError) as error:
        raise HasuraUnavailable(f"no answer of Hasura at {base}: {type(error).__name__}") from None
    facts = json_object(answer.content)
    if answer.status_code == 401 or facts.get("code") == "access-denied":
        raise HasuraRejected(f"Hasura at {base} does not take the admin secret", code="access-denied")
    if answer.status_code != 200 or "is_jwt_set" not in facts:
        raise HasuraUnavailable(f"{base}/v1alpha1/config was answered with HTTP status {answer.status_code}")
    return facts


def _claims_part(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the engine shows of the first JWT secret, as keys of one."""
    listed = facts.get("jwt")
    jwt = listed[0] if isinstance(listed, list) and listed else listed
    if not facts.get("is_jwt_set") or not isinstance(jwt, dict):
        raise HasuraRejected("Hasura runs without HASURA_GRAPHQL_JWT_SECRET, so it reads no token; set it")
    found = {name: jwt[name] for name in ("claims_format", "claims_map") if jwt.get(name) is not None}
    namespace = jwt.get("claims_namespace")
    if isinstance(namespace, str):
        # The engine shows a path and a name in one field.
        key = "claims_namespace_path" if namespace.startswith("$") else "claims_namespace"
        found[key] = namespace
    return found


def _differences(expected: JwtConfig, running: JwtConfig) -> list[Finding]:
    names = ("claims_namespace", "claims_namespace_path", "claims_format", "claims_map")
    return [
        warning(
            "configuration",
            f"the running Hasura has another {name} than expected",
            "restart it with the value of `frontdesk jwt-secret`",
        )
        for name in names
        if getattr(expected, name) != getattr(running, name)
    ]
