"""The import that somebody started over the API: the same as the command's, by a worker.

Arguments: `tenant`, its key; `audit`, the line that says who started it. One that is killed or stopped goes on where it
was, and done twice it changes nothing. While another import or reconcile of the tenant runs it is tried again later.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from procrastinate import App
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext

from frontdesk.jobs.retrying import AGAIN, Attempts
from frontdesk.settings import Settings
from frontdesk.store.audit import Audit, AuditOutcome
from frontdesk.store.database import Database
from frontdesk.sync.importing.desk import ImportOrder, import_desk
from frontdesk.sync.importing.report import ImportReport
from frontdesk.sync.importing.run import import_tenant
from frontdesk.sync.job_desk import IMPORT_TASK

_log = structlog.stdlib.get_logger(__name__)


def register(app: App, settings: Settings, database: Database) -> None:
    """Add the task to `app`."""

    @app.task(
        name=IMPORT_TASK,
        pass_context=True,
        retry=AGAIN,
        task_middleware=[Attempts(database, settings.queue.give_up_after_h, long=True)],
    )
    def import_one(context: JobContext, tenant: str, audit: int) -> None:
        if tenant not in settings.tenants:
            _log.warning("import.skipped", tenant=tenant, reason="no such tenant in the settings")
            return
        # What is set aside stays in the database; a file in the folder of a worker would be in nobody's hands.
        with TemporaryDirectory(prefix="frontdesk-import-") as folder:
            order = ImportOrder(rejects=Path(folder) / "rejects.ndjson")
            with import_desk(settings, tenant, database, with_auth0=True) as desk:
                report = import_tenant(desk, order, _StopsWhenAsked(context, tenant))
        _tell(report, audit, database)


class _StopsWhenAsked:
    """Hears of the import, and ends it at a batch when the worker is asked to stop."""

    def __init__(self, context: JobContext, tenant: str) -> None:
        self._context, self._log = context, _log.bind(tenant=tenant)

    def phase(self, name: str, sentence: str) -> None:
        self._log.info("import.phase", phase=name, what=sentence)
        self._stop_when_asked()

    def progress(self, done: int, total: int | None) -> None:
        self._stop_when_asked()

    def note(self, sentence: str) -> None:
        self._log.info("import.note", what=sentence)

    def _stop_when_asked(self) -> None:
        if self._context.should_abort():
            raise JobAborted


def _tell(report: ImportReport, audit: int, database: Database) -> None:
    facts = {"records": report.counts.records, "rejects": report.rejects, "proven": report.verdict.proven}
    told = _log.info if report.verdict.proven else _log.warning
    told("import.done", tenant=report.tenant, verdict=report.verdict.sentence, **facts)
    Audit(database).complete(audit, AuditOutcome.DONE, detail=facts)
