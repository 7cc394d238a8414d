"""What people do with jobs, each decision with its line in the audit; and the jobs that people start."""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk.store.audit import Audit, AuditOutcome
from frontdesk.store.database import Database
from frontdesk.store.job_changes import Dropped, JobChanges, Retried
from frontdesk.store.jobs import Job
from frontdesk.store.queue import Queue

NO_TENANT = "*"  # in the audit, for a job that is of no tenant
IMPORT_TASK, RECONCILE_TASK = "import_tenant", "reconcile_tenant"


@dataclass(frozen=True, kw_only=True)
class RetriedAll:
    """What came of trying all failed jobs again."""

    jobs: int
    deliveries: int


@dataclass(frozen=True, kw_only=True)
class Started:
    """A job that somebody started; `job` is None when one waits already, and `audit` is the line's id."""

    job: int | None
    audit: int


@dataclass(frozen=True, kw_only=True)
class JobDesk:
    """The queue, and who decides. Every method raises StoreUnavailable."""

    database: Database
    actor: str

    def retry(self, job: Job) -> Retried:
        """Have one job done now, with all its tries before it."""
        line = self._line(job.tenant, "retry-job", {"job": job.id, "task": job.task})
        outcome = JobChanges(self.database).retry(job.id)
        done = outcome in (Retried.AGAIN, Retried.COVERED)
        Audit(self.database).complete(line, AuditOutcome.DONE if done else AuditOutcome.REFUSED)
        return outcome

    def retry_all(self, *, tenant: str | None = None, task: str | None = None) -> RetriedAll:
        """Have all failed jobs done again; without `task` also the failed deliveries that no job is about."""
        line = self._line(tenant, "retry-jobs", {"task": task})
        changes = JobChanges(self.database)
        outcomes = [changes.retry(job_id) for job_id in changes.failed(tenant=tenant, task=task)]
        deliveries = 0 if task is not None else changes.retry_deliveries(tenant=tenant)
        again = sum(outcome in (Retried.AGAIN, Retried.COVERED) for outcome in outcomes)
        counts = {"jobs": again, "deliveries": deliveries}
        Audit(self.database).complete(line, AuditOutcome.DONE, detail=counts)
        return RetriedAll(jobs=again, deliveries=deliveries)

    def drop(self, job: Job) -> Dropped:
        """Let a job go for good, with the delivery that it is about."""
        delivery = (
            {} if job.delivery is None else {"delivery": job.delivery.id, "records": job.delivery.records}
        )
        line = self._line(job.tenant, "drop-job", {"job": job.id, "task": job.task, **delivery})
        outcome = JobChanges(self.database).drop(job.id)
        done = outcome is Dropped.DROPPED
        Audit(self.database).complete(line, AuditOutcome.DONE if done else AuditOutcome.REFUSED)
        return outcome

    def start_import(self, tenant: str) -> Started:
        """Have a worker import the tenant; one that waits already is enough."""
        line = self._line(tenant, "import", {})
        job = Queue(self.database).defer(
            IMPORT_TASK, {"tenant": tenant, "audit": line}, queueing_lock=f"import:{tenant}"
        )
        return self._started(line, job)

    def start_reconcile(self, tenant: str, *, now_s: int) -> Started:
        """Have a worker reconcile the tenant as its schedule would; one that waits already is enough."""
        line = self._line(tenant, "reconcile", {})
        lock = f"{RECONCILE_TASK}:{tenant}"
        job = Queue(self.database).defer(
            RECONCILE_TASK, {"tenant": tenant, "timestamp": now_s}, queueing_lock=lock, lock=lock
        )
        return self._started(line, job)

    def _started(self, line: int, job: int | None) -> Started:
        outcome = AuditOutcome.UNCHANGED if job is None else AuditOutcome.DONE
        Audit(self.database).complete(line, outcome, detail={} if job is None else {"job": job})
        return Started(job=job, audit=line)

    def _line(self, tenant: str | None, action: str, detail: dict[str, object]) -> int:
        return Audit(self.database).start(
            tenant=tenant or NO_TENANT, actor=self.actor, action=action, user_id=None, detail=detail
        )
