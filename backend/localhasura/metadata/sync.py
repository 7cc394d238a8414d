"""Several engines on one metadata database: each looks now and then whether another one changed something."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg

from localhasura.errors import EngineError
from localhasura.metadata.store import MetadataStore

JOIN_LIMIT_S = 15


class SchemaSync:
    """Polls the count of changes in a thread of its own; one connection, kept open between two looks."""

    def __init__(self, store: MetadataStore, interval_s: float, catch_up: Callable[[int], None]) -> None:
        self._store, self._interval_s, self._catch_up = store, interval_s, catch_up
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="localhasura-sync", daemon=True)

    def start(self) -> None:
        """Begin to look; an interval of 0 means never, as in Hasura."""
        if self._interval_s > 0:
            self._thread.start()

    def stop(self) -> None:
        """End the thread and close its connection."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_LIMIT_S)

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            try:
                self._watch()
            except (EngineError, psycopg.Error):
                # The database is away for the moment; requests that need it say so. The next look connects anew.
                continue

    def _watch(self) -> None:
        with self._store.connection() as connection:
            connection.autocommit = True
            while True:
                self._catch_up(self._store.change_count(connection))
                if self._stopping.wait(self._interval_s):
                    return
