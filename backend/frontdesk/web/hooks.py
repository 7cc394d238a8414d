"""The hooks that Auth0 calls. Each view reads, verifies, calls one use case and answers."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import structlog
from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from frontdesk.auth0.account_events import (
    PASSWORD_CHANGE,
    REGISTRATION,
    AccountEvent,
    AccountEventKind,
)
from frontdesk.auth0.hook_body import is_probe
from frontdesk.auth0.post_login import PostLogin
from frontdesk.auth0.signatures import SignedCall, verify_call
from frontdesk.errors import BodyTooLarge, HasuraError, HookRefused, PayloadInvalid
from frontdesk.settings import MAX_BODY_BYTES
from frontdesk.sync import CheckInRules, Recorder, check_in, record_account_event
from frontdesk.sync.keeping import Keeper
from frontdesk.web.measured import Outcome, measured
from frontdesk.web.metrics import Metrics

MAX_LOGGED_ID_CHARS = 64
PROBE_VERSION = 1  # of the body that the hooks take
# An unknown tenant is checked against a secret that nobody has, so that it takes the same work and time.
_NOBODYS_SECRET = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True, kw_only=True)
class HookTenant:
    """A tenant as its hooks need it. `hook_secrets` gives those of the moment."""

    hook_secrets: Callable[[], tuple[str, ...]]
    rules: CheckInRules


def hooks_blueprint(
    tenants: Mapping[str, HookTenant], writer: Recorder, keeper: Keeper | None, metrics: Metrics
) -> Blueprint:
    """Return the hooks of these tenants."""
    blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")

    @blueprint.post("/<tenant>/post-login")
    def post_login(tenant: str) -> ResponseReturnValue:
        with measured("post-login", metrics) as outcome:
            known, call = _verified_call(tenants, tenant)
            with _counted(metrics.check_in_failed):
                if is_probe(call.body, PostLogin):
                    return _probed(known, outcome)
                answer = check_in(call, known.rules, writer, keeper)
            outcome.name = answer.outcome.value
        metrics.checked_in(answer)
        return dict(answer.as_json())

    def account_event(tenant: str, kind: AccountEventKind) -> ResponseReturnValue:
        with measured(kind.trigger, metrics) as outcome:
            known, call = _verified_call(tenants, tenant)
            with _counted(partial(metrics.account_event, kind.trigger)):
                if is_probe(call.body, AccountEvent):
                    return _probed(known, outcome)
                recorded = record_account_event(call, kind, known.rules, writer, keeper)
            outcome.name = recorded.outcome.value
        metrics.account_event(kind.trigger, recorded.outcome.value)
        return dict(recorded.as_json())

    for kind in (REGISTRATION, PASSWORD_CHANGE):
        view = partial(account_event, kind=kind)
        blueprint.add_url_rule(f"/<tenant>/{kind.trigger}", kind.trigger, view, methods=["POST"])
    return blueprint


@contextmanager
def _counted(failed: Callable[[str], None]) -> Iterator[None]:
    """Count a call that gets no answer but an error."""
    try:
        yield
    except PayloadInvalid:
        failed("invalid")
        raise
    except HasuraError as error:
        failed("unavailable" if error.retryable else "rejected")
        raise


def _probed(known: HookTenant, outcome: Outcome) -> ResponseReturnValue:
    """Answer a call that only asks whether calls come through. Nothing was written."""
    outcome.name = "probe"
    return {"probe": True, "tenant": known.rules.tenant, "version": PROBE_VERSION}


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
    call = verify_call(body, headers, known.hook_secrets() if known else (_NOBODYS_SECRET,))
    if known is None:
        raise HookRefused("the tenant is not known")
    # The Action's own log line has the id of the call.
    structlog.contextvars.bind_contextvars(tenant=key, call_id=call.id[:MAX_LOGGED_ID_CHARS])
    return known, call
