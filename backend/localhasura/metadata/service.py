"""Keeps document, model and database together: every change is built, judged, stored and then served."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from localhasura.catalog import Catalog, CatalogTable
from localhasura.config import Options
from localhasura.database import Database
from localhasura.engine import GraphQLEngine
from localhasura.errors import EngineError
from localhasura.metadata.builder import build_model
from localhasura.metadata.document import Document, empty_document, source_of
from localhasura.metadata.model import Inconsistency, Model
from localhasura.metadata.rule_values import RuleError
from localhasura.metadata.source import SourceReader, database_url
from localhasura.metadata.store import MetadataStore, Stored, version_conflict
from localhasura.metadata.sync import SchemaSync

OWN_URL_NAMES = ("HASURA_GRAPHQL_DATABASE_URL", "PG_DATABASE_URL")
"""Names that mean the server's own database when the environment does not say otherwise."""
CONNECT_TIMEOUT_S = 10
RUN_SQL_TIMEOUT_S = 600


@dataclass(frozen=True)
class View:
    """What a source's database holds, or why it cannot be looked at."""

    catalog: Catalog
    enum_values: Callable[[CatalogTable], dict[str, str | None]]
    fault: str | None = None


@dataclass
class Draft:
    """Metadata while commands change it; `rebuild` must be called before `model` is looked at again."""

    document: Document
    look: Callable[[Document], View]
    """Gives the view of the document's source, which a command may have changed."""
    catalog: Catalog = field(default_factory=Catalog)
    model: Model = field(default_factory=Model)
    changed: bool = False
    reloaded: bool = False
    """Whether a command asked to serve what the database holds now, changed or not."""
    may_be_inconsistent: bool = False
    about: str | None = None
    """The inconsistency that would be the command's own: what it has made or changed, by its name there."""

    def rebuild(self) -> None:
        """Make the model anew from document and catalog."""
        view = self.look(self.document)
        self.catalog = view.catalog
        if view.fault is None:
            self.model = build_model(self.document, view.catalog, view.enum_values)
        else:
            self.model = _without_database(self.document, view.fault)

    def save_point(self) -> Callable[[], None]:
        """Return a function that takes the draft back to where it is now."""
        document, model, changed = copy.deepcopy(self.document), self.model, self.changed

        def undo() -> None:
            self.document, self.model, self.changed = document, model, changed

        return undo


class MetadataService:
    """The one writer of metadata in this process."""

    def __init__(self, options: Options, store: MetadataStore) -> None:
        self._options, self.store = options, store
        self._environment = {**dict.fromkeys(OWN_URL_NAMES, options.database_url), **options.environment}
        self._lock = threading.RLock()
        self._stored = Stored(empty_document(None), 0)
        self._changes_seen = 0
        self._sync = SchemaSync(store, options.schema_sync_poll_interval_s, self._catch_up)
        self._model = Model()
        self._url: str | None = None
        self._database: Database | None = None
        self._engine: GraphQLEngine | None = None

    @property
    def engine(self) -> GraphQLEngine:
        if self._engine is None:
            raise EngineError("unexpected", "the engine is not started", status=500)
        return self._engine

    @property
    def model(self) -> Model:
        return self._model

    def start(self) -> None:
        """Create the catalog schema where it is missing, and serve what is stored."""
        self.store.initialise(empty_document("default"))
        self._switch_database(self._options.database_url)
        with self.store.connection() as connection:
            self._changes_seen = self.store.change_count(connection)
        self._reload()
        self._sync.start()

    def stop(self) -> None:
        self._sync.stop()
        if self._database is not None:
            self._database.close()

    def stored(self) -> Stored:
        """Return the document that is being served, with its version."""
        return self._stored

    def reload(self) -> Model:
        """Read document and catalog anew, and have other engines do the same."""
        with self._lock:
            self._reload()
            self._tell_others()
            return self._model

    def _reload(self) -> None:
        self._stored = self.store.read()
        with self.draft() as draft:
            self._serve(draft)

    def _catch_up(self, changes: int) -> None:
        """Reload if another engine has changed something."""
        with self._lock:
            if changes != self._changes_seen:
                self._reload()
                self._changes_seen = max(changes, self._changes_seen)

    def _tell_others(self) -> None:
        changes = self.store.notify()
        # A gap means that others were busy too; it stays, so that the next look finds it.
        if changes == self._changes_seen + 1:
            self._changes_seen = changes

    def change(self, act: Callable[[Draft], Any], resource_version: int | None = None) -> Any:
        """Run commands on a draft; store and serve it if they changed it and nothing was raised."""
        with self._lock:
            if resource_version is not None and resource_version != self._stored.resource_version:
                raise version_conflict(resource_version)
            with self.draft() as draft:
                result = act(draft)
                if draft.changed or draft.reloaded:
                    self.adopt(draft)
            return result

    def adopt(self, draft: Draft) -> None:
        """Serve a draft from now on; store its document first if that was changed."""
        if draft.changed:
            version = self.store.write(draft.document, self._stored.resource_version)
            self._stored = Stored(draft.document, version)
        self._serve(draft)
        self._tell_others()

    def restore(self, document: Document) -> None:
        """Serve a former document again, if another one took its place."""
        with self._lock:
            if document != self._stored.document:
                with self.draft() as draft:
                    draft.document, draft.changed = copy.deepcopy(document), True
                    draft.rebuild()
                    self.adopt(draft)

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """Give a draft of the current document over a fresh look at its database."""
        views: dict[str, View] = {}
        with ExitStack() as connections:

            def look(document: Document) -> View:
                url, fault = self._source_url(document)
                if url is None:
                    return View(Catalog(), _no_enums, fault)
                if url not in views:
                    try:
                        views[url] = view_of(connections.enter_context(connect(url)))
                    except EngineError as error:
                        return View(Catalog(), _no_enums, error.message)
                return views[url]

            draft = Draft(copy.deepcopy(self._stored.document), look)
            draft.rebuild()
            yield draft

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other changes out."""
        with self._lock:
            yield

    @contextmanager
    def source_connection(self, name: str) -> Iterator[psycopg.Connection[Any]]:
        """Open a connection of its own to a source, for `run_sql`."""
        source_of(self._stored.document, name)
        url, fault = self._source_url(self._stored.document)
        if url is None:
            raise EngineError("unexpected", f"source is inconsistent: {fault}")
        with connect(url, timeout_s=RUN_SQL_TIMEOUT_S) as connection:
            yield connection

    def _serve(self, draft: Draft) -> None:
        url, _ = self._source_url(draft.document)
        self._switch_database(url or self._options.database_url)
        self._model = draft.model
        self.engine.serve(draft.model)

    def _switch_database(self, url: str) -> None:
        if url == self._url:
            return
        database = Database(
            url,
            max_connections=self._options.threads,
            statement_timeout_s=self._options.statement_timeout_s,
        )
        database.open()
        former, self._database, self._url = self._database, database, url
        if self._engine is None:
            self._engine = GraphQLEngine(database, self._options)
        else:
            self._engine.use(database)
        if former is not None:
            former.close()

    def _source_url(self, document: Document) -> tuple[str | None, str | None]:
        """Return the URL of the document's source, or why it has none."""
        if not document["sources"]:
            return self._options.database_url, None
        try:
            return database_url(document["sources"][0].get("configuration") or {}, self._environment), None
        except RuleError as error:
            return None, str(error)


def view_of(connection: psycopg.Connection[Any]) -> View:
    """Return what is behind a connection."""
    reader = SourceReader(connection)
    return View(reader.catalog(), reader.enum_values)


@contextmanager
def connect(url: str, timeout_s: float = CONNECT_TIMEOUT_S) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection that commits each statement; raises `postgres-error` when there is none."""
    options = f"-c statement_timeout={int(timeout_s * 1000)}"
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, options=options)
    except psycopg.Error as error:
        raise EngineError("postgres-error", "connection error", status=500) from error
    with connection:
        yield connection


def _without_database(document: Document, fault: str) -> Model:
    if not document["sources"]:
        return Model()
    source = document["sources"][0]
    definition = source.get("configuration")
    note = Inconsistency("source", f"source {source['name']}", definition, fault, ("source",))
    return Model(inconsistencies=(note,), source=source["name"])


def _no_enums(table: CatalogTable) -> dict[str, str | None]:
    raise RuleError(f'the table "{table.name}" cannot be read')
