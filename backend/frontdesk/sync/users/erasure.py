"""Erasing somebody: from Auth0 when asked, from Hasura, and from what frontdesk keeps; with a receipt.

The order is what makes it safe to be cut off: whoever is erased at Auth0 cannot come back in between, all that is of
linked accounts goes before the row that names them, and the audit forgets last. The same command finishes what is left.

The audit keeps that an erasure happened, when and by whom, under a mark drawn at random: the receipt has it, so whoever
holds the receipt can point to the lines, and nobody can find out from the lines who it was.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from frontdesk.auth0 import user_calls
from frontdesk.hasura.rows import StoredRow
from frontdesk.store.audit import Audit
from frontdesk.store.database import Database
from frontdesk.store.erasure import erase_from_store
from frontdesk.sync.users.audited import audited
from frontdesk.sync.users.desk import UserDesk

ERASE_BUDGET_S = 30.0  # somebody may have a hundred thousand activities
_LOGS = "lines of frontdesk's own log hold user ids; they go with the retention of your log"
_UNDER_WAY = (
    "an import or reconcile of this tenant is under way, or waits to be continued, and may have read this user before; "
    "erase again when it has ended"
)
_DELIVERIES_LEFT = (
    "{} of the deliveries that name this user are not in Hasura yet, or failed (`frontdesk jobs list`); erase again "
    "when they have ended"
)
_REPORTED_LATER = "Auth0's streams report this deletion too, and the profile with it: erase again in an hour"
_IN_OTHERS_ACTIVITIES = (
    "activities of others may name this user in their details (a call of an administrator, a login that failed); they "
    "go with [streams] activities_days"
)
_BACKUPS = "backups of the databases hold what was removed from them, until they expire"


@dataclass(frozen=True, kw_only=True)
class Erased:
    """The receipt: what was removed, by table, and what has to be done by hand.

    `linked` are ids of accounts that were linked to this one, erased with it. `at_auth0` says whether Auth0 deleted the
    user, None when it was not asked to.
    """

    tenant: str
    user_id: str
    at: datetime
    mark: str
    linked: Sequence[str]
    at_auth0: bool | None
    hasura: Mapping[str, int]
    store: Mapping[str, int]
    by_hand: Sequence[str]
    audit: int

    @property
    def removed(self) -> int:
        """How many rows went; lines of the audit stay, and are not counted."""
        return sum(self.hasura.values()) + sum(n for table, n in self.store.items() if table != "audit")

    def as_json(self) -> dict[str, Any]:
        """Return the receipt under its stable names."""
        return {
            "tenant": self.tenant,
            "user_id": self.user_id,
            "erased_at": self.at.isoformat(),
            "mark": self.mark,
            "linked": list(self.linked),
            "at_auth0": self.at_auth0,
            "removed": {"hasura": dict(self.hasura), "frontdesk": dict(self.store)},
            "by_hand": list(self.by_hand),
            "audit": self.audit,
        }


def erase_user(
    desk: UserDesk,
    database: Database,
    *,
    user_id: str,
    actor: str,
    at_auth0: bool = False,
    mark: str | None = None,
) -> Erased:
    """Remove all that there is of a user and return the receipt; done again it finds what is left, or nothing.

    Raises Auth0Error, HasuraError, StoreError: then some of it is done, and the same call does the rest.
    """
    chosen = mark or secrets.token_hex(8)
    audit = Audit(database)
    with audited(
        audit,
        tenant=desk.tenant,
        actor=actor,
        action="erase",
        user_id=user_id,
        detail={"at_auth0": at_auth0},
    ) as change:
        row = desk.rows.one(desk.tenant, user_id)
        deleted = _deleted_at_auth0(desk, user_id) if at_auth0 else None
        change.partly = True
        linked, apart = _linked(desk, row, user_id)
        store = erase_from_store(database, desk.tenant, [*linked, user_id])
        lines = audit.forget(desk.tenant, linked, chosen)
        hasura: Counter[str] = Counter()
        for each in (*linked, user_id):
            hasura.update(desk.eraser.erase_user(desk.tenant, each, budget_s=ERASE_BUDGET_S))
        lines += audit.forget(desk.tenant, [user_id], chosen, completing=change.line)
        by_hand = [
            *(f"the file {path} was imported from and holds this user; delete it" for path in store.files),
            *([_UNDER_WAY] if store.under_way else []),
            *([_DELIVERIES_LEFT.format(store.deliveries_left)] if store.deliveries_left else []),
            *(
                f"{each} was linked to this user and is a user of its own now; erase it too if it should go"
                for each in apart
            ),
            *(_rejects_file(pass_id) for pass_id in store.rejects_of),
            *([_REPORTED_LATER] if deleted else []),
            _IN_OTHERS_ACTIVITIES,
            _LOGS,
            _BACKUPS,
        ]
        return Erased(
            tenant=desk.tenant,
            user_id=user_id,
            at=datetime.now(UTC),
            mark=chosen,
            linked=linked,
            at_auth0=deleted,
            hasura=dict(hasura),
            store={**store.counts, "audit": lines},
            by_hand=by_hand,
            audit=change.line,
        )


def _deleted_at_auth0(desk: UserDesk, user_id: str) -> bool:
    """Delete the user at Auth0; tell whether there was one."""
    if desk.record(user_id) is None:
        return False
    user_calls.delete(desk.api, user_id)
    return True


def _linked(desk: UserDesk, row: StoredRow | None, user_id: str) -> tuple[list[str], list[str]]:
    """Return the ids under which the further identities of a row were users of their own, and those who are so again.

    The row may be out of date: somebody who was unlinked since, and lives, is another person.
    """
    linked: list[str] = []
    apart: list[str] = []
    for each in _further_ids(row, user_id):
        other = desk.rows.one(desk.tenant, each)
        (linked if other is None or other.deleted_at is not None else apart).append(each)
    return linked, apart


def _further_ids(row: StoredRow | None, user_id: str) -> list[str]:
    identities = row.columns.get("identities") if row is not None else None
    if not isinstance(identities, list):
        return []
    named = [
        f"{each['provider']}|{each['user_id']}"
        for each in identities
        if isinstance(each, Mapping) and each.get("provider") and each.get("user_id")
    ]
    return [each for each in dict.fromkeys(named) if each != user_id]


def _rejects_file(pass_id: str) -> str:
    return (
        f"import {pass_id} set a record of this user aside, and wrote it to a rejects file "
        f"(frontdesk-rejects-….ndjson, where the command ran); delete it"
    )
