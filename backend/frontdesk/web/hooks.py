"""The hooks that Auth0 calls. Each view reads, verifies, calls one use case and answers."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from frontdesk.auth0.signatures import SignedCall, verify_call
from frontdesk.errors import BodyTooLarge, HasuraError, HookRefused, PayloadInvalid
from frontdesk.settings import MAX_BODY_BYTES
from frontdesk.sync import CheckInRules, Writer, check_in
from frontdesk.web.metrics import Metrics

# An unknown tenant is checked against a secret that nobody has, so that it takes the same work and time.
_NOBODYS_SECRET = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True, kw_only=True)
class HookTenant:
    """A tenant as its hooks need it."""

    hook_secrets: tuple[str, ...]
    rules: CheckInRules


def hooks_blueprint(tenants: Mapping[str, HookTenant], writer: Writer, metrics: Metrics) -> Blueprint:
    """Return the hooks of these tenants."""
    blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")

    @blueprint.post("/<tenant>/post-login")
    def post_login(tenant: str) -> ResponseReturnValue:
        known, call = _verified_call(tenants, tenant)
        try:
            answer = check_in(call, known.rules, writer)
        except PayloadInvalid:
            metrics.check_in_failed("invalid")
            raise
        except HasuraError as error:
            metrics.check_in_failed("unavailable" if error.retryable else "rejected")
            raise
        metrics.checked_in(answer)
        return dict(answer.as_json())

    return blueprint


def _bounded_body() -> bytes:
    """Return the body. Raises BodyTooLarge, before reading when the length is announced.

    A chunked body announces none, and the framework cuts it at its own limit without a word: that limit is one byte
    above ours.
    """
    body = request.get_data(cache=False)
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge
    return body


def _verified_call(tenants: Mapping[str, HookTenant], key: str) -> tuple[HookTenant, SignedCall]:
    body = _bounded_body()
    known = tenants.get(key)
    headers = {name.lower(): value for name, value in request.headers}
    call = verify_call(body, headers, known.hook_secrets if known else (_NOBODYS_SECRET,))
    if known is None:
        raise HookRefused("the tenant is not known")
    structlog.contextvars.bind_contextvars(tenant=key)
    return known, call
