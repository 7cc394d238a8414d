"""One pass, phase by phase; each is gone on with where a killed process was."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from functools import partial

from frontdesk.auth0.export_lines import FileUnreadable
from frontdesk.errors import TenantBusy
from frontdesk.store.drift import DriftMarks, State
from frontdesk.store.passes import TENANT_SOURCE, Passes, PassKind, PassStatus, RunningPass, lock_name
from frontdesk.sync.importing.staging import (
    ORGANIZATIONS,
    ROLES,
    StagedOrganizations,
    StagedRoles,
    stage_organizations,
    stage_roles,
)
from frontdesk.sync.reconcile.brake import Evidence, why_not_repair
from frontdesk.sync.reconcile.compare import COMPARE, FIELD, compare_rows
from frontdesk.sync.reconcile.everybody import READ, people_read, read_into
from frontdesk.sync.reconcile.grants import GRANTS, compare_grants, repair_grants
from frontdesk.sync.reconcile.memberships import (
    MEMBERS,
    compare_memberships,
    repair_memberships,
    repair_roles,
)
from frontdesk.sync.reconcile.order import Order
from frontdesk.sync.reconcile.place import Place
from frontdesk.sync.reconcile.repair import (
    FROM_A_READING,
    LOOK,
    LOOKED_AT,
    MAX_SINGLE_LOOKS,
    READ_AGAIN,
    look_at_each,
    read_again,
)
from frontdesk.sync.reconcile.report import Drift, Report

_JUDGED, _REST = "judged", "rest"
_PHASES = (ROLES, ORGANIZATIONS, READ, COMPARE, GRANTS, MEMBERS, _JUDGED, READ_AGAIN, LOOK, _REST)
MAX_AGE = timedelta(hours=24)  # of a killed pass: what it read is of no use any more
_KINDS = {
    State.READ: "missing",
    State.DIFFERENT: "different",
    State.EXTRA: "extra",
    State.DELETED: "deleted",
}


def reconcile(place: Place, order: Order) -> Report:
    """Compare a tenant with its rows, and repair when asked to; a pass that was killed is gone on with.

    Raises TenantBusy when an import or another reconcile of the tenant is running, Auth0Error, HasuraError,
    StoreUnavailable, FileUnreadable: the same call again goes on from there.
    """
    with place.database.lock(lock_name(place.tenant)) as is_ours:
        if not is_ours:
            raise TenantBusy(place.tenant)
        going_on = _Pass(place, order)
        try:
            return going_on.report()
        except FileUnreadable:
            going_on.run.end(PassStatus.FAILED)  # the file is as it is
            raise


class _Pass:
    """A pass and what it is for; its phases change nothing when they are done twice."""

    def __init__(self, place: Place, order: Order) -> None:
        self._place, self._order = place, order
        self._began_at = time.monotonic()
        self.run = _begun(place, order)

    def report(self) -> Report:
        """Take all phases and return what came of them."""
        roles, organizations = self._staged_roles(), self._staged_organizations()
        self._in(READ, lambda: read_into(self.run, self._place, self._order))
        self._in(COMPARE, lambda: compare_rows(self.run, self._place))
        self._in(GRANTS, lambda: compare_grants(self.run, self._place))
        if organizations is not None:
            self._in(MEMBERS, lambda: compare_memberships(self.run, self._place, organizations))
        self._in(_JUDGED, self._judge)
        refused = self._why_not()
        if self._order.repair and refused is None:
            self._repair(roles, organizations)
        return self._ended(refused)

    def _in(self, phase: str, act: Callable[[], None]) -> None:
        """Do what is done in a phase, unless the pass is past it."""
        if self.run.phase != phase:
            if _PHASES.index(self.run.phase) > _PHASES.index(phase):
                return
            self.run.enter(phase)
        act()

    def _staged_roles(self) -> StagedRoles | None:
        api = self._place.api
        if api is None or not self._order.roles:
            return None
        return stage_roles(self.run, api, clock=self._place.now, tell=partial(self._tell, ROLES))

    def _staged_organizations(self) -> StagedOrganizations | None:
        api = self._place.api
        if api is None or not self._order.organizations:
            return None
        self._in(ORGANIZATIONS, lambda: None)
        return stage_organizations(
            self.run, api, clock=self._place.now, tell=partial(self._tell, ORGANIZATIONS)
        )

    def _tell(self, phase: str, done: int, of: int) -> None:
        self._place.tell(phase, done, of)

    def _judge(self) -> None:
        self.run.note(found=asdict(self._drift()), extra=DriftMarks(self.run).count()[State.EXTRA])

    def _drift(self) -> Drift:
        marked = DriftMarks(self.run).count()
        detail = self.run.detail
        return Drift(
            **{name: marked[state] for state, name in _KINDS.items()},
            grants=detail.get("grants_drift", 0),
            organizations=detail.get("organizations_drift", 0),
            memberships=detail.get("memberships_drift", 0),
        )

    def _why_not(self) -> str | None:
        """Return why nothing is repaired; a repair that has begun was judged when it did."""
        if not self._order.repair or self.run.phase != _JUDGED:
            return None
        detail, counts = self.run.detail, self.run.counts
        totals = (detail.get("total"), detail.get("total_after"))
        evidence = Evidence(
            complete=detail["complete"],
            shortfall=detail["shortfall"],
            read=people_read(self.run) + counts["without_id"],
            totals=tuple(total for total in totals if total is not None),
            rows=counts["rows"],
            living=counts["living"],
            shared=counts["shared"],
            extra=detail["extra"],
        )
        return why_not_repair(evidence, self._place.brake, self._order.accept)

    def _repair(self, roles: StagedRoles | None, organizations: StagedOrganizations | None) -> None:
        run, place, api = self.run, self._place, self._place.api
        if api is None:
            raise ValueError("a repair needs the Management API")
        if not _few_enough(DriftMarks(run)):
            self._in(READ_AGAIN, lambda: read_again(run, place, self._order))
        # Whom the second reading had not is gone meanwhile; those whom Hasura refused may be many.
        states = (*FROM_A_READING, *LOOKED_AT) if _few_enough(DriftMarks(run)) else LOOKED_AT
        self._in(LOOK, lambda: look_at_each(run, place, api, states))
        self._in(_REST, lambda: self._repair_the_rest(roles, organizations))

    def _repair_the_rest(self, roles: StagedRoles | None, organizations: StagedOrganizations | None) -> None:
        if roles is not None:
            repair_roles(self._place, roles)
        if self.run.detail["grants_drift"]:
            repair_grants(self._place)
            compare_grants(self.run, self._place)
        if organizations is None:
            return
        detail = self.run.detail
        # A member whose row was written just now could not be there before it.
        if detail["organizations_drift"] or detail["memberships_drift"]:
            left = repair_memberships(self.run, self._place, organizations)
            self.run.note(organizations_drift=0, memberships_drift=left)

    def _ended(self, refused: str | None) -> Report:
        run, detail, counts = self.run, self.run.detail, self.run.counts
        left = self._drift()
        marks = DriftMarks(run)
        report = Report(
            tenant=self._place.tenant,
            way=detail["way"],
            why=detail["why"],
            complete=detail["complete"],
            read=people_read(run),
            rows=counts["rows"],
            same=counts["same"],
            ahead=counts["ahead"],
            filtered=counts["filtered"],
            rejected=counts["rejected"] + counts["without_id"],
            found=Drift(**detail["found"]),
            left=left,
            repaired=counts["repaired"],
            fields={
                name.removeprefix(FIELD): number
                for name, number in sorted(counts.items())
                if name.startswith(FIELD)
            },
            ids={name: marks.first(state, self._order.shown) for state, name in _KINDS.items()},
            looked_only=not self._order.repair,
            refused=refused,
            seconds=round(time.monotonic() - self._began_at, 3),
            calls=0 if self._place.api is None else sum(self._place.api.calls.values()),
        )
        run.end(PassStatus.DONE, left=asdict(left), refused=refused, repaired=counts["repaired"])
        return report


def _few_enough(marks: DriftMarks) -> bool:
    counted = marks.count()
    return sum(counted[state] for state in FROM_A_READING) <= MAX_SINGLE_LOOKS


def _begun(place: Place, order: Order) -> RunningPass:
    """Return the pass to go on with, or a new one; one that was made in another way cannot be gone on with."""
    passes = Passes(place.database)
    source = TENANT_SOURCE if order.file is None else str(order.file.absolute())
    made = {
        "layout": place.layout.name,
        "filter": repr(place.filter),
        # Whoever another tenant does not know would look gone from this one.
        "tenant": None if place.api is None else place.api.url,
        "way": None if order.way is None else order.way.value,
        "roles": order.roles and place.api is not None,
        "organizations": order.organizations and place.api is not None,
    }
    for run in passes.running(place.tenant, PassKind.RECONCILE):
        if run.facts.source != source:
            continue
        if run.detail.get("made") == made and place.now() - run.facts.started_at < MAX_AGE:
            return run
        run.drop()
    return passes.begin(place.tenant, PassKind.RECONCILE, source=source, phase=ROLES, detail={"made": made})
