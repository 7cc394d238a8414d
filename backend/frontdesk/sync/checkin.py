"""The check-in: one login's write and its claims."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

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
from frontdesk.sync.deferred import POST_LOGIN
from frontdesk.sync.keeping import Keeper, written_or_kept
from frontdesk.sync.writing import Writer

_log = structlog.stdlib.get_logger(__name__)
# The Action believes no answer above 100,000 bytes, and Auth0 fails a login whose custom claims exceed 100 kB; other
# Actions of the tenant add theirs.
MAX_CLAIMS_BYTES = 90_000


class WriteOutcome(StrEnum):
    """What became of a login's write."""

    WRITTEN = "written"
    QUEUED = "queued"
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

    @property
    def queued(self) -> bool:
        """Whether the login is durable, and on its way to the database."""
        return self.outcome is WriteOutcome.QUEUED

    def as_json(self) -> JsonObject:
        """Return the body of the answer (docs/architecture.md, "The hook")."""
        return {
            "decision": "deny" if self.denied else "allow",
            "reason": self.denied,
            "synced": self.synced,
            "queued": self.queued,
            "access_token": self.access_token,
            "id_token": self.id_token,
        }


def check_in(
    call: SignedCall, rules: CheckInRules, writer: Writer, keeper: Keeper | None = None
) -> CheckedIn:
    """Write the user of a verified post-login call and return the claims of this login.

    A write that does not come through is left to `keeper`, and the answer then has the least claims.
    Raises PayloadInvalid for a body with wrong fields; HasuraUnavailable or HasuraRejected when the login was neither
    written nor kept and the rules refuse such logins. Done twice it changes nothing: every time in the row comes from
    the signed call.
    """
    payload = parse_post_login(call.body)
    compare_tenant(payload.tenant, rules)
    user = user_from_post_login(payload, tenant=rules.tenant, at=call.at)
    structlog.contextvars.bind_contextvars(user_id=user.user_id)
    stored, outcome = _write(user, call, rules, writer, keeper)
    decision = decide(user, login_context_from_post_login(payload), stored, rules.policy)
    if isinstance(decision, Denied):
        _log.info("checkin.denied", reason=decision.reason)
        return CheckedIn(outcome=outcome, access_token={}, id_token={}, denied=decision.reason)
    return _answer(decision, user, rules, outcome)


def compare_tenant(named: str | None, rules: CheckInRules) -> None:
    """Warn of a call that names another tenant of Auth0; nothing else depends on it."""
    if rules.auth0_name is not None and named is not None and named != rules.auth0_name:
        _log.warning("checkin.other_tenant", named=named[:63], configured=rules.auth0_name)


def _write(
    user: User, call: SignedCall, rules: CheckInRules, writer: Writer, keeper: Keeper | None
) -> tuple[StoredUser | None, WriteOutcome]:
    """Write the user, or have the call kept; a login with which neither was done is decided on here."""
    if left_out := rules.filter.why_left_out(user):
        # The operator's wish and no failure: such a login is not refused, whatever happens to one that fails.
        _log.info("checkin.filtered", reason=left_out)
        return None, WriteOutcome.FILTERED
    try:
        stored = written_or_kept(
            lambda budget_s: writer.write(user, budget_s=budget_s),
            call,
            way=POST_LOGIN,
            tenant=rules.tenant,
            budget_s=rules.budget_s,
            keeper=keeper,
        )
    except (HasuraUnavailable, HasuraRejected) as error:
        if rules.refuse_when_not_written:
            raise
        return None, _not_written(error)
    return stored, WriteOutcome.QUEUED if stored is None else WriteOutcome.WRITTEN


def _not_written(error: HasuraUnavailable | HasuraRejected) -> WriteOutcome:
    if isinstance(error, HasuraUnavailable):
        _log.warning("checkin.not_written", outcome=WriteOutcome.UNAVAILABLE.value, reason=error.detail)
        return WriteOutcome.UNAVAILABLE
    # A permission or a row that Hasura refuses is a fault of ours, not of the person who logs in.
    _log.error(
        "checkin.not_written",
        outcome=WriteOutcome.REJECTED.value,
        reason=error.detail,
        code=error.code,
        path=error.path,
    )
    return WriteOutcome.REJECTED


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
