"""A signed call that was kept, read again later: what it says, with the times of when it was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from frontdesk.auth0.account_events import (
    PASSWORD_CHANGE,
    REGISTRATION,
    AccountEventKind,
    activity_from_account_event,
    parse_account_event,
    user_from_account_event,
)
from frontdesk.auth0.post_login import parse_post_login, user_from_post_login
from frontdesk.auth0.signatures import SignedCall
from frontdesk.identity.activity import Incoming

POST_LOGIN = "post-login"


def incoming_from_call(way: str, call: SignedCall, *, tenant: str) -> Incoming:
    """Return what a call to the hook `way` (one of SIGNED_WAYS) says, as the hook itself would have written it.

    Nothing is verified again, and no filter is asked. Raises PayloadInvalid, which the hook would have raised too.
    """
    return _READERS[way](call, tenant)


def _from_login(call: SignedCall, tenant: str) -> Incoming:
    payload = parse_post_login(call.body)
    return Incoming(users=(user_from_post_login(payload, tenant=tenant, at=call.at),))


def _from_account_event(kind: AccountEventKind, call: SignedCall, tenant: str) -> Incoming:
    event = parse_account_event(call.body, kind)
    user = user_from_account_event(event, tenant=tenant)
    return Incoming(
        activity=activity_from_account_event(event, kind, call, tenant=tenant),
        users=() if user is None else (user,),
    )


_READERS: Mapping[str, Callable[[SignedCall, str], Incoming]] = {
    POST_LOGIN: _from_login,
    **{kind.trigger: partial(_from_account_event, kind) for kind in (REGISTRATION, PASSWORD_CHANGE)},
}
SIGNED_WAYS = frozenset(_READERS)
