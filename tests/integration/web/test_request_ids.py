"""One id goes from Auth0's transaction through every log line to the calls that reach Hasura."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from tests.builders import a_hook_body, a_signed_call, an_environment, an_event
from tests.integration.actions.conftest import Run, execute
from tests.integration.web.conftest import Desk, StartDesk
from tests.integration.web.fake_hasura import FakeHasura
from tests.node_versions import node_binary

from frontdesk.auth0.actions import rendered_actions
from frontdesk.jobs import worker_app
from frontdesk.settings import Settings, load_settings
from frontdesk.store.database import Database

WORKERS_TOGETHER = 6


def settings_of(place: Path, **changes: str) -> Settings:
    return load_settings(an_environment(**changes), place)


def a_login_in_node(place: Path, url: str, transaction: dict[str, str]) -> Run:
    """Run the Action that ships for one login."""
    settings = settings_of(place, ACTION_URL=url, ACTION_DEADLINE_MS="5000")
    (action,) = rendered_actions(settings, "default", ["post-login"])
    (place / "action.js").write_text(action.code)
    event = {**an_event(), "secrets": dict(action.secrets), "transaction": transaction}
    (run,) = execute(node_binary(22), place / "action.js", [event])
    return run


def work_off(settings: Settings, store_url: str) -> None:
    """Do what jobs are there, and end."""
    with Database(store_url) as database:
        worker_app(settings, store_url, database).run_worker(wait=False, install_signal_handlers=False)


def headers_of(fake: FakeHasura) -> list[str | None]:
    """Return the request ids of the calls that reached Hasura."""
    found: list[str | None] = []
    for raw in fake.requests:
        lines = raw.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
        found += [line.partition(": ")[2] for line in lines if line.startswith("x-request-id:")] or [None]
    return found


def test_the_id_of_auth0s_transaction_reaches_hasura_by_way_of_the_inbox(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str, tmp_path: Path
) -> None:
    desk = start_desk(DATABASE_URL=store_url)
    hasura.status, hasura.body = "502 Bad Gateway", b""

    run = a_login_in_node(tmp_path, desk.url, {"id": "txn_Zk3pQ9"})

    assert (run.thrown, run.logs) == (None, [])
    assert headers_of(hasura) == ["txn_zk3pq9"]
    for event in ("call.kept", "http.request"):
        assert [entry["request_id"] for entry in desk.logged(event)] == ["txn_Zk3pQ9"]
    with psycopg.connect(store_url) as store:
        kept = store.execute("SELECT request_id FROM frontdesk.deliveries").fetchall()
    assert kept == [("txn_Zk3pQ9",)]

    hasura.status, hasura.body = "200 OK", None
    work_off(settings_of(tmp_path, HASURA_URL=hasura.url, DATABASE_URL=store_url), store_url)

    assert [entry["request_id"] for entry in desk.logged("ingest.started")] == ["txn_Zk3pQ9"]
    assert headers_of(hasura) == ["txn_zk3pq9"] * 2
    with psycopg.connect(store_url) as store:
        assert store.execute("SELECT state FROM frontdesk.deliveries").fetchall() == [("done",)]


def test_a_write_of_several_logins_has_an_id_of_its_own_and_a_line_that_names_theirs(
    start_desk: StartDesk, hasura: FakeHasura
) -> None:
    desk = start_desk(LOGIN_BUDGET_S="4.5", ACTION_DEADLINE_MS="5000")
    ids = [f"tx-{number}" for number in range(WORKERS_TOGETHER)]

    # As long as no two have met in one write, once more: the first one always goes alone.
    for _ in range(20):
        with ThreadPoolExecutor(WORKERS_TOGETHER) as pool:
            answers = list(pool.map(lambda id_: logged_in(desk, id_), ids))
        assert answers == [True] * WORKERS_TOGETHER
        if desk.logged("requests.gathered"):
            break

    gathered = {entry["request_id"]: entry["requests"] for entry in desk.logged("requests.gathered")}
    assert gathered
    assert set(headers_of(hasura)) <= {*ids, *gathered}
    assert all(len(named) > 1 and set(named) <= set(ids) for named in gathered.values())


def logged_in(desk: Desk, id_: str) -> bool:
    raw, headers = a_signed_call(a_hook_body(changes={"user.user_id": f"auth0|{id_}"}))
    return bool(desk.post(raw, {**headers, "X-Request-ID": id_}).json()["synced"])
