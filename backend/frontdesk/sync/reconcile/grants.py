"""Grants of source `auth0`: they follow `auth0_roles` by a trigger, unless somebody edits them by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from frontdesk.hasura.tenant_rows import GrantRow
from frontdesk.identity import Source, Stamped, User
from frontdesk.store.passes import RunningPass
from frontdesk.sync.reconcile.place import Place

GRANTS = "grants"  # the phase
_MICROSECOND = timedelta(microseconds=1)


def compare_grants(run: RunningPass, place: Place) -> None:
    """Count the users whose grants are others than their roles. Raises HasuraError."""
    run.note(grants_drift=sum(map(len, _apart(place))))


def repair_grants(place: Place) -> None:
    """Let the grants follow the roles again: the trigger does it when the roles change.

    So the roles become what is granted, and then what they were; each time the clock goes on by a microsecond, which
    wins over what stands there and over nothing newer. Raises HasuraError.
    """
    for rows in _apart(place):
        budget_s = place.batch_budget_s
        place.writer.write_many(
            [_with(row, tuple(sorted(row.granted)), 1, place) for row in rows], budget_s=budget_s
        )
        place.writer.write_many([_with(row, row.roles, 2, place) for row in rows], budget_s=budget_s)


def _apart(place: Place) -> Iterator[list[GrantRow]]:
    for page in place.others.grants(place.tenant):
        place.tell(GRANTS, len(page), None)
        if rows := [row for row in page if row.is_apart]:
            yield rows


def _with(row: GrantRow, roles: tuple[str, ...], steps: int, place: Place) -> User:
    clock = row.clock or {}
    at = datetime.fromisoformat(clock["at"]) if clock.get("at") else place.now()
    born = clock.get("born")
    return User(
        tenant=place.tenant,
        user_id=row.user_id,
        source=Source.PROFILE,
        born=None if born is None else datetime.fromisoformat(born),
        roles=Stamped(roles, at + steps * _MICROSECOND),
    )
