"""What goes away in the middle of an import: Hasura, the token, the export job; and two imports at once."""

from __future__ import annotations

import gzip
import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.auth0.reading_server import Asked, Reply, as_json, ndjson, refusal
from tests.integration.auth0.scripted_server import TOKEN
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.importing.conftest import NewHouse
from tests.integration.importing.house import Notes
from tests.integration.reconcile.scripted_tenant import ScriptedTenant, a_user

from frontdesk.auth0.everyone import Way
from frontdesk.demo.postgres import free_port
from frontdesk.errors import Auth0Error, FrontdeskError, HasuraUnavailable, TenantBusy, UsageError
from frontdesk.store.passes import lock_name
from localhasura.server import LocalHasura

USERS = [a_user(number) for number in range(300)]


class Engine:
    """An engine of this test's own that can go away and come back at the same address."""

    def __init__(self, rows_url: str) -> None:
        self._rows_url, self._port = rows_url, free_port()
        self._lock = threading.Lock()
        self._running: LocalHasura | None = None
        self.up()

    def up(self) -> None:
        """Start it, if it is not there."""
        with self._lock:
            if self._running is None:
                self._running = LocalHasura(
                    database_url=self._rows_url, admin_secret=ADMIN_SECRET, port=self._port
                )
                self._running.__enter__()

    def down(self) -> None:
        """Stop it, if it is there."""
        with self._lock:
            if self._running is not None:
                self._running.__exit__(None, None, None)
                self._running = None

    @property
    def url(self) -> str:
        """Where it is, or was."""
        return f"http://127.0.0.1:{self._port}"


@pytest.fixture
def engine(hasura_url: str, rows_url: str) -> Iterator[Engine]:
    """An engine beside the one of all tests, over the same database."""
    made = Engine(rows_url)
    yield made
    made.down()


class Outage(Notes):
    """Takes the engine away after the first batch that is kept, and brings it back when the import waits for it."""

    def __init__(self, engine: Engine, *, comes_back: bool) -> None:
        super().__init__()
        self._engine, self._comes_back = engine, comes_back
        self._took = False

    def progress(self, done: int, total: int | None) -> None:
        super().progress(done, total)
        if self.phases[-1].startswith("users") and done and not self._took:
            self._took = True
            self._engine.down()

    def note(self, sentence: str) -> None:
        super().note(sentence)
        if self._comes_back and "waiting" in sentence:
            self._engine.up()


def test_an_import_waits_for_a_hasura_that_goes_down_and_comes_back(
    new_house: NewHouse, engine: Engine
) -> None:
    house = replace(new_house(ScriptedTenant(USERS)), hasura_url=engine.url, changes={"batch_rows": 40})
    house.heard = Outage(engine, comes_back=True)

    report = house.run()

    assert report.verdict.proven, report.verdict.sentence
    assert (report.counts.users, len(house.table("users"))) == (300, 300)
    assert any("Hasura gives no answer" in note for note in house.heard.notes)
    assert "Hasura answers again" in house.heard.notes


def test_an_import_that_waited_too_long_stops_and_goes_on_later(new_house: NewHouse, engine: Engine) -> None:
    house = replace(new_house(ScriptedTenant(USERS)), hasura_url=engine.url, changes={"batch_rows": 40})
    house.heard = Outage(engine, comes_back=False)

    with pytest.raises(HasuraUnavailable):
        house.run(patience_s=0.3)
    kept = len(house.table("users"))
    engine.up()
    house.heard = Notes()
    report = house.run()

    assert 40 <= kept < 300
    assert report.resumed
    assert (report.counts.users, len(house.table("users"))) == (300, 300)
    assert "records are done" in house.heard.notes[0]


def test_a_token_that_dies_midway_is_fetched_anew(new_house: NewHouse) -> None:
    died: list[str] = []
    tokens = itertools.count()

    def expire(asked: Asked) -> Reply | None:
        if asked.path == "/oauth/token":
            return as_json({**TOKEN, "access_token": f"token-{next(tokens)}"})
        if asked.query.get("page") == "1" and not died:
            died.append(asked.path)
            return refusal(401, "Expired token received for JSON Web Token validation")
        return None

    house = new_house(ScriptedTenant(USERS, fault=expire))

    report = house.run()

    assert died
    assert (report.verdict.proven, report.counts.users) == (True, 300)
    assert report.calls["POST /oauth/token"] == 2


def test_a_job_that_fails_stops_with_its_words_and_the_same_command_asks_for_another(
    new_house: NewHouse,
) -> None:
    tenant = ScriptedTenant(USERS)
    tenant.statuses = ["failed"]
    house = new_house(tenant)

    with pytest.raises(Auth0Error, match="job"):
        house.run(way=Way.JOB)
    tenant.statuses = ["completed"]
    report = house.run(way=Way.JOB)

    assert (report.verdict.proven, report.counts.users, report.way) == (True, 300, Way.JOB)


def test_an_expired_link_is_read_anew(new_house: NewHouse) -> None:
    refused: list[str] = []

    def expire(asked: Asked) -> Reply | None:
        if asked.path.startswith("/exports/") and not refused:
            refused.append(asked.path)
            return refusal(403, "Request has expired")
        return None

    house = new_house(ScriptedTenant(USERS, fault=expire))

    report = house.run(way=Way.JOB)

    assert refused
    assert (report.verdict.proven, report.counts.users) == (True, 300)


def test_a_second_import_of_a_tenant_at_once_is_refused(new_house: NewHouse) -> None:
    house = new_house(ScriptedTenant(USERS[:1]))

    with house.store.lock(lock_name(house.tenant)) as got, pytest.raises(TenantBusy, match="running already"):
        house.run()

    assert got
    assert house.table("users") == []


def test_another_import_than_the_unfinished_one_is_told_how_to_go_on(
    new_house: NewHouse, engine: Engine
) -> None:
    house = replace(new_house(ScriptedTenant(USERS)), hasura_url=engine.url, changes={"batch_rows": 40})
    house.heard = Outage(engine, comes_back=False)
    with pytest.raises(HasuraUnavailable):
        house.run(patience_s=0.1)
    engine.up()
    house.heard = Notes()

    with pytest.raises(UsageError, match=f"frontdesk import --tenant {house.tenant} --way pages.*--restart"):
        house.run(way=Way.JOB)
    with pytest.raises(UsageError, match="unfinished"):
        house.run(roles=False)
    report = house.run(way=Way.JOB, restart=True)

    assert (report.resumed, report.counts.users, report.way) == (False, 300, Way.JOB)
    assert house.heard.notes[0].startswith("Dropped the unfinished import")


def test_an_import_that_has_no_user_yet_stands_in_no_others_way(new_house: NewHouse, tmp_path: Path) -> None:
    house = new_house(ScriptedTenant(USERS))
    with pytest.raises(FrontdeskError):
        house.run(file=tmp_path / "gone.ndjson")

    report = house.run()

    assert (report.resumed, report.verdict.proven, report.counts.users) == (False, True, 300)


def test_a_tenant_that_gives_fewer_than_it_counts_is_not_proven(new_house: NewHouse) -> None:
    tenant = ScriptedTenant(USERS)
    tenant.file = lambda: gzip.compress(ndjson(USERS[:290]))
    house = new_house(tenant)

    report = house.run(way=Way.JOB)

    assert not report.verdict.proven
    assert "290 of 300 users were read: 10 that the tenant counts did not come" in report.verdict.sentence
