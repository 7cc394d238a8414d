"""A change with its line in the audit: written before anything is asked of Auth0, completed when it is known what came.

A process that is killed in between leaves a line that says `started`: nobody knows then what Auth0 did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from frontdesk.errors import Auth0Unavailable, FrontdeskError, StoreError
from frontdesk.store.audit import Audit, AuditOutcome

_LOOK = "`frontdesk users show` tells, and the same command may be given again"


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What a change came to. `audit` is the id of its line; `why` says why it is not in Hasura."""

    action: str
    tenant: str
    user_id: str
    outcome: AuditOutcome
    synced: bool
    audit: int
    why: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the facts under their stable names."""
        return {
            "action": self.action,
            "tenant": self.tenant,
            "user_id": self.user_id,
            "outcome": self.outcome.value,
            "synced": self.synced,
            "why": self.why,
            "detail": dict(self.detail),
            "audit": self.audit,
        }


@dataclass
class AuditedChange:
    """One change under way. `partly` is set when Auth0 has done some of it."""

    audit: Audit
    tenant: str
    action: str
    line: int
    user_id: str | None
    partly: bool = False

    def ended(
        self,
        user_id: str,
        why: str | None,
        detail: Mapping[str, Any] | None = None,
        *,
        done: AuditOutcome = AuditOutcome.DONE,
    ) -> Changed:
        """Complete the line of a change that Auth0 has made; `why` says why it is not in Hasura."""
        outcome = done if why is None else AuditOutcome.NOT_SYNCED
        completed = self.complete(outcome, user_id=user_id, detail=detail)
        return Changed(
            action=self.action,
            tenant=self.tenant,
            user_id=user_id,
            outcome=outcome,
            synced=why is None,
            why=why,
            detail={**(detail or {}), **({} if completed else {"audit_incomplete": True})},
            audit=self.line,
        )

    def complete(
        self,
        outcome: AuditOutcome,
        *,
        user_id: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> bool:
        """Say what came of it; tell whether the audit took it. What was done is not undone for it."""
        try:
            self.audit.complete(self.line, outcome, user_id=user_id, detail=detail)
        except StoreError:
            return False  # the line says `started`, and whoever asked is told
        return True


@contextmanager
def audited(
    audit: Audit, *, tenant: str, actor: str, action: str, user_id: str | None, detail: Mapping[str, Any]
) -> Iterator[AuditedChange]:
    """Give the change of a `with` block whose line is there before the block begins.

    An error of ours inside completes the line: refused, or unknown when an answer is missing or some of it is done.
    Raises StoreError before the block when there is no audit.
    """
    line = audit.start(tenant=tenant, actor=actor, action=action, user_id=user_id, detail=detail)
    change = AuditedChange(audit, tenant, action, line, user_id)
    try:
        yield change
    except Auth0Unavailable as error:
        change.complete(AuditOutcome.UNKNOWN)
        raise Auth0Unavailable(f"{error.detail}; whether it was done is not known. {_LOOK}") from error
    except FrontdeskError:
        change.complete(AuditOutcome.UNKNOWN if change.partly else AuditOutcome.REFUSED)
        raise
