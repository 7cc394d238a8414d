"""The import of one tenant, phase by phase; a killed one goes on where it was."""

from __future__ import annotations

import resource
import sys
import time

from frontdesk.auth0.everyone import Choice, Reading, Way, choose_way, count, read_everybody, read_file
from frontdesk.errors import TenantBusy
from frontdesk.store.passes import Passes, PassKind, PassStatus, RunningPass, lock_name
from frontdesk.sync.importing.batch import BatchWriter
from frontdesk.sync.importing.desk import ImportDesk, ImportOrder
from frontdesk.sync.importing.directory import MEMBERS, ORGANIZATIONS, ROLES, DirectoryPhases
from frontdesk.sync.importing.listener import Listener
from frontdesk.sync.importing.patience import Patience
from frontdesk.sync.importing.pipeline import write_everybody
from frontdesk.sync.importing.proof import Counts, Totals, judge_counts
from frontdesk.sync.importing.records import Judge
from frontdesk.sync.importing.rejects_file import default_place, write_rejects
from frontdesk.sync.importing.report import ImportReport
from frontdesk.sync.importing.unfinished import unfinished_import

USERS, VANISHED, PROOF = "users", "vanished", "proof"
PHASES = (ROLES, ORGANIZATIONS, USERS, MEMBERS, VANISHED, PROOF)


def import_tenant(desk: ImportDesk, order: ImportOrder, listener: Listener) -> ImportReport:
    """Write everybody of a tenant, or of a file, to Hasura, and return the count proof.

    Done again it changes nothing. After a kill or an error the same order goes on from the last batch that is kept.
    Raises TenantBusy, UsageError when another import is unfinished, Auth0Error, FileUnreadable, HasuraError,
    StoreError.
    """
    with desk.database.lock(lock_name(desk.tenant)) as is_ours:
        if not is_ours:
            raise TenantBusy(desk.tenant)
        return _Import(desk, order, listener).report()


class _Import:
    def __init__(self, desk: ImportDesk, order: ImportOrder, listener: Listener) -> None:
        self._desk, self._order, self._listener = desk, order, listener
        self._began_at = time.monotonic()
        self._patience = Patience(order.patience_s, listener.note)
        passes = Passes(desk.database)
        found = self._of_this_tenant(unfinished_import(passes, desk.tenant, order, listener))
        self._resumed = found is not None
        self._run = self._begun(passes) if found is None else found
        self._had_records = self._run.counts["records"]
        self._users_s = 0.0
        self._directory = DirectoryPhases(desk, self._run, self._patience, listener)

    def report(self) -> ImportReport:
        """Take all phases, and return what came of them."""
        if self._resumed:
            self._listener.note(
                f"Going on with the import begun at {self._run.facts.started_at:%Y-%m-%d %H:%M}: "
                f"{self._run.counts['records']:,} records are done."
            )
        if self._order.roles and self._desk.api is not None:
            self._directory.read_roles(self._desk.api, is_due=self._enters(ROLES))
        if self._order.organizations and self._desk.api is not None:
            self._directory.read_organizations(self._desk.api, is_due=self._enters(ORGANIZATIONS))
        if self._enters(USERS):
            self._write_users()
        if self._enters(MEMBERS):
            self._directory.write_members()
        if self._enters(VANISHED):
            # A file, or a reading that ended early, does not show who is gone.
            saw_everybody = self._order.file is None and self._run.detail["shortfall"] is None
            self._directory.drop_what_vanished(saw_everybody=saw_everybody)
        self._enters(PROOF)
        return self._ended()

    def _of_this_tenant(self, run: RunningPass | None) -> RunningPass | None:
        """Return the pass to go on with, unless it has read another tenant: its roles are not of these users."""
        if run is None or run.detail.get("auth0") in (None, self._auth0()):
            return run
        run.drop()
        self._listener.note(
            "Dropped the unfinished import: it was of another Auth0 tenant (`management_url`)."
        )
        return None

    def _auth0(self) -> str | None:
        return None if self._desk.api is None else self._desk.api.url

    def _begun(self, passes: Passes) -> RunningPass:
        order, desk = self._order, self._desk
        total = None if desk.api is None else count(desk.api)
        if order.file is not None:
            choice = Choice(Way.FILE, "a file was named")
        else:
            total = count(desk.needed_api()) if total is None else total
            choice = choose_way(total, job_from_users=desk.job_from_users, named=order.way)
        return passes.begin(
            self._desk.tenant,
            PassKind.IMPORT,
            source=order.source,
            way=choice.way,
            phase=ROLES,
            detail={
                "asked": {"roles": order.roles, "organizations": order.organizations},
                "total_before": total,
                "why": choice.why,
                "auth0": self._auth0(),
            },
        )

    def _enters(self, phase: str) -> bool:
        """Whether the phase is to be done; a pass that was killed in a later one has done it."""
        at, wanted = PHASES.index(self._run.phase), PHASES.index(phase)
        if at < wanted:
            self._run.enter(phase)
        return at <= wanted

    def _write_users(self) -> None:
        desk, run = self._desk, self._run
        writer = BatchWriter(
            tenant=desk.tenant,
            run=run,
            writer=desk.writer,
            api=desk.api,
            budget_s=desk.batch_budget_s,
            patience=self._patience,
            clock=desk.clock,
            roles_read_at=self._directory.roles_read_at,
        )
        began_at = time.monotonic()
        with self._reading() as reading:
            self._listener.phase(USERS, f"Reading users by the way `{reading.way}`: {reading.why}.")

            def kept() -> None:
                self._listener.progress(Counts.of(run.counts).accounted, reading.total)

            kept()
            write_everybody(
                run,
                reading,
                Judge(desk.tenant, reading, desk.filter),
                writer,
                rows=desk.batch_rows,
                kept=kept,
            )
            run.enter(
                MEMBERS,
                way=reading.way.value,
                why=reading.why,
                shortfall=None
                if reading.complete
                else reading.shortfall or "the reading did not end as it should",
            )
        self._users_s = time.monotonic() - began_at

    def _reading(self) -> Reading:
        if self._order.file is not None:
            return read_file(self._order.file)
        total: int = self._run.detail["total_before"]
        # A reading may change its way, and its position is of the way that it had then.
        way = Way(self._run.position.get("way") or str(self._run.facts.way))
        choice = Choice(way, self._run.detail["why"])
        return read_everybody(self._desk.needed_api(), choice, total=total, job_wait_s=self._desk.job_wait_s)

    def _ended(self) -> ImportReport:
        desk, run = self._desk, self._run
        rows = self._patience.with_hasura(lambda: desk.rows.count(desk.tenant))
        counts = Counts.of(run.counts)
        totals = Totals(
            before=run.detail["total_before"],
            after=None if desk.api is None else count(desk.api),
            rows=rows.all,
            living_rows=rows.living,
        )
        verdict = judge_counts(
            counts, totals, shortfall=run.detail["shortfall"], of_file=self._order.file is not None
        )
        place = self._order.rejects or default_place(desk.tenant, run.facts.started_at)
        rejects = write_rejects(place, run.rejects())
        # Last: until here a kill costs nothing, because everything before may be done twice.
        run.end(PassStatus.DONE if verdict.proven else PassStatus.FAILED, verdict=verdict.sentence)
        return ImportReport(
            tenant=desk.tenant,
            way=run.detail["way"],
            why=run.detail["why"],
            counts=counts,
            totals=totals,
            verdict=verdict,
            roles=self._directory.roles,
            organizations=self._directory.organizations,
            members=self._directory.members,
            resumed=self._resumed,
            rejects=rejects,
            rejects_file=place if rejects else None,
            calls={} if desk.api is None else dict(desk.api.calls),
            seconds=time.monotonic() - self._began_at,
            records_per_second=(counts.records - self._had_records) / self._users_s if self._users_s else 0.0,
            peak_memory_bytes=_peak_memory_bytes(),
        )


def _peak_memory_bytes() -> int:
    """Return the most memory that this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in kilobytes
