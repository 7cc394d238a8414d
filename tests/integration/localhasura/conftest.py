"""An engine over an empty database, and one that serves a small library of authors and articles."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import new_database
from tests.integration.localhasura.client import ADMIN_SECRET, Client

from localhasura import LocalHasura

_LIBRARY = Path(__file__).parent / "library"
_WORKSHOP = Path(__file__).parent / "workshop"
_GALLERY = Path(__file__).parent / "gallery"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def library_template(postgres_url: str, worker_id: str) -> Iterator[str]:
    """The name of a database in which an engine has set up the library: cloning it is a third of the work."""
    name = f"library_{worker_id}_{os.getpid()}"
    with new_database(postgres_url, name) as url:
        with LocalHasura(database_url=url, admin_secret=ADMIN_SECRET) as running:
            made = Client(running)
            _furnished(made)
            made.close()
        yield name


@pytest.fixture
def database_url(request: pytest.FixtureRequest, postgres_url: str, worker_id: str) -> Iterator[str]:
    """The URL of a database of this test's own: empty, or with the library for a test that names it."""
    wanted = "library" in request.fixturenames
    template = str(request.getfixturevalue("library_template")) if wanted else "template1"
    name = f"engine_{worker_id}_{os.getpid()}_{next(_numbers)}"
    with new_database(postgres_url, name, template=template) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[LocalHasura]:
    """A running engine over a database of its own."""
    with LocalHasura(database_url=database_url, admin_secret=ADMIN_SECRET) as running:
        yield running


@pytest.fixture
def client(engine: LocalHasura) -> Iterator[Client]:
    """A client of the engine, as the administrator unless a call says otherwise."""
    made = Client(engine)
    yield made
    made.close()


@pytest.fixture
def library(client: Client) -> Client:
    """The same client, with the library's tables, rows, relationships and permissions in place."""
    return client


@pytest.fixture(scope="module")
def reading_room(postgres_url: str, worker_id: str) -> Iterator[Client]:
    """One library for all tests of a module that change nothing in it."""
    with (
        new_database(postgres_url, f"reading_{worker_id}_{os.getpid()}_{next(_numbers)}") as url,
        LocalHasura(database_url=url, admin_secret=ADMIN_SECRET) as running,
    ):
        made = Client(running)
        yield _furnished(made)
        made.close()


@pytest.fixture(scope="module")
def gallery_url(postgres_url: str, worker_id: str) -> Iterator[str]:
    """The URL of the gallery's database, for a second engine with other options."""
    with new_database(postgres_url, f"gallery_{worker_id}_{os.getpid()}_{next(_numbers)}") as url:
        yield url


@pytest.fixture(scope="module")
def gallery(gallery_url: str) -> Iterator[Client]:
    """Painters, paintings and a column of every type, for tests of a module that change nothing in it."""
    with LocalHasura(database_url=gallery_url, admin_secret=ADMIN_SECRET) as running:
        made = Client(running)
        made.sql((_GALLERY / "schema.sql").read_text())
        metadata = yaml.safe_load((_GALLERY / "metadata.yaml").read_text())
        made.metadata("replace_metadata", {"metadata": metadata}, version=2)
        yield made
        made.close()


@pytest.fixture(scope="module")
def workshop(postgres_url: str, worker_id: str) -> Iterator[Client]:
    """Tables of every kind, for tests of mutations that do not mind each other's rows."""
    with (
        new_database(postgres_url, f"workshop_{worker_id}_{os.getpid()}_{next(_numbers)}") as url,
        LocalHasura(database_url=url, admin_secret=ADMIN_SECRET) as running,
    ):
        made = Client(running)
        made.sql((_WORKSHOP / "schema.sql").read_text())
        metadata = yaml.safe_load((_WORKSHOP / "metadata.yaml").read_text())
        made.metadata("replace_metadata", {"metadata": metadata}, version=2)
        yield made
        made.close()


@pytest.fixture
def rows_of_the_workshop(workshop: Client) -> None:
    """The same few rows at the beginning of every test."""
    workshop.sql((_WORKSHOP / "rows.sql").read_text())


def _furnished(client: Client) -> Client:
    client.sql(library_schema())
    client.metadata("replace_metadata", {"metadata": library_metadata()}, version=2)
    return client


def library_schema() -> str:
    """Return the SQL of the library's tables and rows."""
    return (_LIBRARY / "schema.sql").read_text()


def library_metadata() -> Any:
    """Return the library's metadata document."""
    return yaml.safe_load((_LIBRARY / "metadata.yaml").read_text())
