"""The engine while its database is away, and afterwards."""

from __future__ import annotations

import requests
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.acceptance.conftest import wait_for
from tests.builders import ADMIN_SECRET
from tests.faults.wires import Flow, Wires

from localhasura import LocalHasura
from localhasura.config import Options

BACK_WITHIN_S = 10.0


def test_the_engine_answers_again_once_its_database_is_back(database_url: str) -> None:
    with Wires() as wires:
        wire = wires.to(int(conninfo_to_dict(database_url)["port"] or 0))
        options = Options(
            database_url=make_conninfo(database_url, port=wire.port), port=0, admin_secret=ADMIN_SECRET
        )
        with LocalHasura.from_options(options) as engine:
            assert answers(engine.url)
            wire.set(Flow.CUT)
            assert not answers(engine.url)
            wire.set(Flow.OPEN)

            wait_for(lambda: answers(engine.url), BACK_WITHIN_S)


def answers(url: str) -> bool:
    """Whether the engine gets an answer out of its database."""
    call = {"type": "run_sql", "args": {"sql": "SELECT 1"}}
    answer = requests.post(
        f"{url}/v2/query", json=call, headers={"x-hasura-admin-secret": ADMIN_SECRET}, timeout=40
    )
    return answer.ok
