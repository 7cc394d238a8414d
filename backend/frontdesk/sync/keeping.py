"""What happens to a signed call whose write did not come through: it is kept in the inbox, inside the same budget.

The only place that decides so, for every hook. Kept means durable, and acknowledged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import structlog

from frontdesk.auth0.signatures import SignedCall
from frontdesk.errors import HasuraError, HasuraRejected, StoreError, StoreUnavailable
from frontdesk.request_ids import current_request_id
from frontdesk.store.inbox import Inbox, NewDelivery
from frontdesk.sync.breaker import Breaker

# Of the budget, for a commit in PostgreSQL: some hundred times what it takes in a quiet hour.
RESERVE_S = 0.3
MAX_RESERVE = 0.25  # of a small budget
MIN_KEEP_S = 0.05
# What Hasura says of the values in a row. Any other refusal is of the request: a permission, a migration, the role,
# which an operator puts right, or of the moment, as a deadlock is.
_OF_THE_VALUES = frozenset({"constraint-violation", "data-exception", "invalid-json", "parse-failed"})

_log = structlog.stdlib.get_logger(__name__)
T = TypeVar("T")


class Keeper(Protocol):
    """What makes a signed call durable."""

    def keep(self, way: str, call: SignedCall, *, tenant: str, budget_s: float) -> None:
        """Keep a call of the hook `way`, within `budget_s`. Raises StoreError: then nothing is acknowledged."""


class InboxKeeper:
    """Keeps calls in the inbox, while the breaker lets it: a dead PostgreSQL costs no login its budget either."""

    def __init__(self, inbox: Inbox, breaker: Breaker) -> None:
        self._inbox, self._breaker = inbox, breaker

    def keep(self, way: str, call: SignedCall, *, tenant: str, budget_s: float) -> None:
        """Keep a call as it came; see Keeper."""
        delivery = NewDelivery(
            tenant=tenant,
            way=way,
            body=call.body,
            records=1,
            request_id=current_request_id() or "",
            called_at=call.at,
            call_id=call.id,
        )
        self._breaker.call(
            lambda: self._inbox.accept(delivery, login=True, budget_s=budget_s), no_answer=StoreUnavailable
        )


def written_or_kept(
    write: Callable[[float], T],
    call: SignedCall,
    *,
    way: str,
    tenant: str,
    budget_s: float,
    keeper: Keeper | None,
) -> T | None:
    """Return what `write` returns within its share of the budget, or None when the call was kept in its place.

    Raises the HasuraError of the write when the call was not kept: without a keeper, for a row that Hasura will never
    take, or when the inbox did not take it.
    """
    ends_at = time.monotonic() + budget_s
    reserve_s = 0.0 if keeper is None else min(RESERVE_S, budget_s * MAX_RESERVE)
    try:
        return write(budget_s - reserve_s)
    except HasuraError as error:
        if keeper is None or is_of_the_values(error):
            raise
        try:
            keeper.keep(way, call, tenant=tenant, budget_s=max(ends_at - time.monotonic(), MIN_KEEP_S))
        except StoreError as why:
            _log.error("call.not_kept", way=way, reason=why.detail)
            raise error from None
        _log.warning("call.kept", way=way, reason=error.detail, code=getattr(error, "code", None))
        return None


def is_of_the_values(error: HasuraError) -> bool:
    """Tell whether Hasura refused a row for what is in it: it will do so for ever."""
    return isinstance(error, HasuraRejected) and error.code in _OF_THE_VALUES
