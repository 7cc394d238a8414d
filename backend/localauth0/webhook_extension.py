"""The older extension "Auth0 Authentication API Webhooks": it reads the log now and then, and posts what it finds.

Unlike a log stream it gives up: a batch that its attempts did not bring is skipped, and its records are lost.

Source: auth0-extensions/auth0-logs-to-provider; auth0-extensions/auth0-log-extension-tools.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from localauth0.log_settings import WebhookExtension
from localauth0.logbook import Logbook, Record
from localauth0.store import Store
from localauth0.webhook_posts import Outcome, WebhookPosts, is_this_machine

USER_AGENT = "auth0-extensions auth webhook"
_STOP_LIMIT_S = 10.0


class WebhookPoller:
    """The extension of the tenant file, at work in a thread of its own; without one, nothing is done."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._log: Logbook | None = None
        self._after: str | None = None
        self._attempts = 0  # at the batch that comes after `_after`
        self._ended = threading.Event()
        self._under_way: set[WebhookPosts] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        extension = self._store.config.webhook_extension
        anywhere = self._store.config.log_delivery.to_other_machines
        if extension is None or not (anywhere or is_this_machine(extension.webhook_url)):
            return
        self._ended.clear()
        self._thread = threading.Thread(
            target=self._work, args=(extension,), name="localauth0-webhook-extension", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a request under way is broken off. Harmless when there is none."""
        self._ended.set()
        with self._lock:
            for posts in self._under_way:
                posts.close()
        if self._thread is not None:
            self._thread.join(_STOP_LIMIT_S)
            self._thread = None

    def _work(self, extension: WebhookExtension) -> None:
        with ThreadPoolExecutor(extension.concurrent_calls, "localauth0-webhook-call") as calls:
            while not self._ended.wait(extension.every_s):
                self._run(extension, calls)

    def _run(self, extension: WebhookExtension, calls: ThreadPoolExecutor) -> None:
        """One run: batch after batch, until nothing is left or its time is over."""
        if self._log is not self._store.log:  # the tenant has been reset
            self._log, self._after, self._attempts = self._store.log, extension.start_from, 0
        end = time.monotonic() + extension.run_s
        while time.monotonic() < end and not self._ended.is_set():
            found = self._log.after(self._after, extension.batch_size)
            if not found:
                return
            wanted = [one for one in found if not extension.log_types or one["type"] in extension.log_types]
            self._attempts += 1
            if self._is_brought(extension, wanted, calls) or self._attempts >= extension.attempts:
                self._after, self._attempts = found[-1]["log_id"], 0

    def _is_brought(
        self, extension: WebhookExtension, records: Sequence[Record], calls: ThreadPoolExecutor
    ) -> bool:
        """Whether all records have been taken, in one request or each in its own."""
        if not records:
            return True
        bodies = [records] if extension.send_as_batch else records
        return all(list(calls.map(lambda body: self._is_taken(extension, body), bodies)))

    def _is_taken(self, extension: WebhookExtension, body: Record | Sequence[Record]) -> bool:
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        if extension.authorization is not None:
            headers["Authorization"] = extension.authorization
        posts = WebhookPosts(extension.timeout_s)
        with self._lock:
            if self._ended.is_set():
                return False
            self._under_way.add(posts)
        try:
            outcome = posts.deliver(
                extension.webhook_url, headers, json.dumps(body).encode(), self._store.delivery_faults.fate()
            )
        finally:
            with self._lock:
                self._under_way.discard(posts)
        return _is_success(outcome)


def _is_success(outcome: Outcome) -> bool:
    """To the extension a redirect is a success, too."""
    return outcome.status is not None and 200 <= outcome.status < 400
