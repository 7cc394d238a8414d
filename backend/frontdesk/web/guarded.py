"""The two sides that a login depends on, each behind a breaker of this process: Hasura, and the inbox."""

from __future__ import annotations

from contextlib import ExitStack

import structlog

from frontdesk.settings import Settings, secret
from frontdesk.store.database import Database
from frontdesk.store.inbox import Inbox
from frontdesk.store.inbox_load import QueueBound
from frontdesk.sync import Recorder
from frontdesk.sync.breaker import Breaker
from frontdesk.sync.keeping import InboxKeeper
from frontdesk.sync.writing import BreakingRecorder
from frontdesk.web.metrics import Metrics

# Apart from those of the streams, whose large bodies shall not keep a login waiting.
LOGIN_CONNECTIONS = 4
_log = structlog.stdlib.get_logger(__name__)


def guarded(writer: Recorder, settings: Settings, metrics: Metrics) -> BreakingRecorder:
    """Return the writer of logins, which gives up at once while Hasura gives no answers."""
    return BreakingRecorder(writer, _breaker("hasura", settings, metrics))


def open_keeper(settings: Settings, metrics: Metrics, resources: ExitStack) -> InboxKeeper | None:
    """Return what keeps calls while Hasura gives no answers; None without a database of frontdesk's own."""
    if settings.database.url is None:
        return None
    database = Database(secret(settings.database.url), max_connections=LOGIN_CONNECTIONS)
    bound = QueueBound(settings.queue.max_waiting, settings.queue.max_waiting_mb * 1024 * 1024)
    inbox = Inbox(resources.enter_context(database), bound)
    return InboxKeeper(inbox, _breaker("inbox", settings, metrics))


def _breaker(of: str, settings: Settings, metrics: Metrics) -> Breaker:
    def changed(is_open: bool) -> None:
        metrics.breaker(of, is_open=is_open)
        if is_open:
            _log.error("breaker.opened", of=of, retry_s=settings.login.breaker_retry_s)
        else:
            _log.info("breaker.closed", of=of)

    metrics.breaker(of, is_open=False)
    return Breaker(
        failures=settings.login.breaker_failures,
        retry_s=settings.login.breaker_retry_s,
        changed=changed,
    )
