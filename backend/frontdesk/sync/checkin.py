"""The check-in: one login's write and its claims."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog

from frontdesk.auth0.post_login import login_context_from_post_login, parse_post_login, user_from_post_login
from frontdesk.auth0.signatures import SignedCall
from frontdesk.errors import HasuraRejected, HasuraUnavailable
from frontdesk.identity import (
    EVERYBODY,
    Claims,
    ClaimsPolicy,
    Denied,
    JsonObject,
    Stamped,
    StoredUser,
    User,
    UserFilter,
    decide,
)

_log = structlog.stdlib.get_logger(__name__)
# The Action believes no answer above 100,000 bytes, and Auth0 fails a login whose custom claims exceed 100 kB; other
# Actions of the tenant add theirs.
MAX_CLAIMS_BYTES = 90_000


class Writer(Protocol):
    """What writes users to Hasura. Raises HasuraUnavailable or HasuraRejected."""

    def write(self, user: User, *, budget_s: float) -> StoredUser:
        """Write `user` and return what the database says of it, within `budget_s`."""


class WriteOutcome(StrEnum):
    """What became of a login's write."""

    WRITTEN = "written"
    UNAVAILABLE = "unavailable"
    REJECTED = "rejected"
    FILTERED = "filtered"


@dataclass(frozen=True, kw_only=True)
class IdTokenRules:
    """What goes on the ID token: metadata below `namespace` (None: none), the Hasura claims only when asked."""

    namespace: str | None = None
    metadata_limit_bytes: int = 16384
    hasura_claims: bool = False


@dataclass(frozen=True, kw_only=True)
class CheckInRules:
    """What a tenant's operator decided about check-ins. `auth0_name` is only compared with what calls say.

    `filter` says who is written; a login of anybody else goes on with the least claims.
    """

    tenant: str
    claims_namespace: str
    policy: ClaimsPolicy
    budget_s: float
    refuse_when_not_written: bool = False
    id_token: IdTokenRules = IdTokenRules()
    auth0_name: str | None = None
    filter: UserFilter = EVERYBODY


@dataclass(frozen=True, kw_only=True)
class CheckedIn:
    """The answer to one login: claims for both tokens, or a reason to deny it.

    `outcome` says what became of the write, `left_out` which claims were too large for their token.
    """

    outcome: WriteOutcome
    access_token: JsonObject
    id_token: JsonObject
    denied: str | None = None
    left_out: tuple[str, ...] = ()

    @property
    def synced(self) -> bool:
        """Whether the login stands in the database."""
        return self.outcome is WriteOutcome.WRITTEN

    def as_json(self) -> JsonObject:
        """Return the body of the answer (docs/architecture.md, "The hook")."""
        return {
            "decision": "deny" if self.denied else "allow",
            "reason": self.denied,
            "synced": self.synced,
            "access_token": self.access_token,
            "id_token": self.id_token,
        }


def check_in(call: SignedCall, rules: CheckInRules, writer: Writer) -> CheckedIn:
    """Write the user of a verified post-login call and return the claims of this login.

    Raises PayloadInvalid for a body with wrong fields; HasuraUnavailable or HasuraRejected when nothing was written and
    the rules refuse such logins. Done twice it changes nothing: every time in the row comes from the signed call.
    """
    payload = parse_post_login(call.body)
    compare_tenant(payload.tenant, rules)
    user = user_from_post_login(payload, tenant=rules.tenant, at=call.at)
    structlog.contextvars.bind_contextvars(user_id=user.user_id)
    stored, outcome = _write(user, rules, writer)
    decision = decide(user, login_context_from_post_login(payload), stored, rules.policy)
    if isinstance(decision, Denied):
        _log.info("checkin.denied", reason=decision.reason)
        return CheckedIn(outcome=outcome, access_token={}, id_token={}, denied=decision.reason)
    return _answer(decision, user, rules, outcome)


def compare_tenant(named: str | None, rules: CheckInRules) -> None:
    """Warn of a call that names another tenant of Auth0; nothing else depends on it."""
    if rules.auth0_name is not None and named is not None and named != rules.auth0_name:
        _log.warning("checkin.other_tenant", named=named[:63], configured=rules.auth0_name)


def _write(user: User, rules: CheckInRules, writer: Writer) -> tuple[StoredUser | None, WriteOutcome]:
    """Write the user; what happens to a write that did not come through is decided here and nowhere else.

    This is the place of a durable queue: a login that is queued counts as acknowledged.
    """
    if left_out := rules.filter.why_left_out(user):
        # The operator's wish and no failure: such a login is not refused, whatever happens to one that fails.
        _log.info("checkin.filtered", reason=left_out)
        return None, WriteOutcome.FILTERED
    try:
        return writer.write(user, budget_s=rules.budget_s), WriteOutcome.WRITTEN
    except HasuraUnavailable as error:
        if rules.refuse_when_not_written:
            raise
        _log.warning("checkin.not_written", outcome=WriteOutcome.UNAVAILABLE.value, reason=error.detail)
        return None, WriteOutcome.UNAVAILABLE
    except HasuraRejected as error:
        # A permission or a row that Hasura refuses is a fault of ours, not of the person who logs in.
        if rules.refuse_when_not_written:
            raise
        _log.error(
            "checkin.not_written",
            outcome=WriteOutcome.REJECTED.value,
            reason=error.detail,
            code=error.code,
            path=error.path,
        )
        return None, WriteOutcome.REJECTED


def _answer(claims: Claims, user: User, rules: CheckInRules, outcome: WriteOutcome) -> CheckedIn:
    hasura_claims: JsonObject = {rules.claims_namespace: claims.as_session_variables()}
    on_id_token = hasura_claims if rules.id_token.hasura_claims else {}
    room_bytes = MAX_CLAIMS_BYTES - _json_bytes(hasura_claims) - _json_bytes(on_id_token)
    metadata, too_large = _metadata_claims(user, rules.id_token, room_bytes)
    left_out = claims.left_out + too_large
    if left_out:
        _log.warning("checkin.claims_left_out", claims=left_out)
    return CheckedIn(
        outcome=outcome,
        access_token=hasura_claims,
        id_token={**metadata, **on_id_token},
        left_out=left_out,
    )


def _metadata_claims(
    user: User, rules: IdTokenRules, room_bytes: int
) -> tuple[dict[str, JsonObject], tuple[str, ...]]:
    """Return the metadata claims of the ID token, and the names of those that are too large for it."""
    claims: dict[str, JsonObject] = {}
    too_large: list[str] = []
    if rules.namespace is None:
        return claims, ()
    sent: Mapping[str, Stamped[JsonObject | None] | None] = {
        "app_metadata": user.app_metadata,
        "user_metadata": user.user_metadata,
    }
    for name, metadata in sent.items():
        if metadata is None:
            continue  # the Action left it out for size
        value = metadata.value or {}
        size = _json_bytes(value)
        if size > min(rules.metadata_limit_bytes, room_bytes):
            too_large.append(name)
        else:
            room_bytes -= size
            claims[f"{rules.namespace.rstrip('/')}/{name}"] = value
    return claims, tuple(too_large)


def _json_bytes(value: JsonObject) -> int:
    """Return the size of a claim in a token."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
