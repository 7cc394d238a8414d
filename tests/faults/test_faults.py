"""Whatever is killed, cut, stalled or full: what was acknowledged is there afterwards, once, and nothing is held."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import pytest

from tests.faults.conftest import TIMES
from tests.faults.faults import faults_of
from tests.faults.house import QUEUE_DISK_MB, a_house
from tests.faults.leaks import held_by, refuse_leaks
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.proof import proof_of, settle
from tests.faults.run import strike_all, table_of
from tests.faults.watch import ClockWatch
from tests.faults.wires import Flow

pytestmark = pytest.mark.timeout(7200)
WARM_UP_CALLS, WARM_UP_LIMIT_S = 200, 60.0
CONTROL_CALLS = 80
LEAST_PER_S = 20.0


def test_what_was_acknowledged_survives_every_fault_exactly_once(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    times = pytestconfig.getoption("--faults", TIMES)
    seed = pytestconfig.getoption("--fault-seed", None) or secrets.randbelow(1_000_000)
    ledger = Ledger()
    print(f"seed {seed}")
    with a_house(tmp_path, disk_mb=QUEUE_DISK_MB * max(times // TIMES, 1)) as house:
        with ClockWatch(house) as watch, Load(house.to_frontdesk.port, ledger, seed) as load:
            ledger.wait_for_calls(WARM_UP_CALLS, WARM_UP_LIMIT_S)
            before = held_by(house)
            began, logins_before, calls_before = time.monotonic(), len(ledger.logins), ledger.calls

            struck = strike_all(house, ledger, faults_of(house), times=times, seed=seed)
            took_s = time.monotonic() - began
            logins = len(ledger.logins) - logins_before
            deliveries = ledger.calls - calls_before - logins
            load.stop()
            settle(house)

        proof = proof_of(house, ledger)
        print(f"{logins / took_s:.1f} logins/s, {deliveries / took_s:.1f} deliveries/s for {took_s:.0f} s")
        print(ledger.answers)
        print(table_of(struck, ledger, proof))
        assert not proof.told(), f"seed {seed}\n{proof.told()}\n{house.logs()}"
        assert watch.looks > times
        assert not watch.went_back, f"seed {seed}: {watch.went_back[:5]}"
        refuse_leaks(house, before)
    assert min(logins, deliveries) / took_s >= LEAST_PER_S


@pytest.mark.parametrize("commits", ["on", "off"])
def test_only_without_durable_commits_does_the_proof_find_a_loss(tmp_path: Path, commits: str) -> None:
    """The control: everything the same but for one durability step, which a crash of PostgreSQL shows."""
    rarely_written = {"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}
    options = f"-c synchronous_commit={commits}"
    with a_house(tmp_path, store_options=options, server=rarely_written) as house:
        ledger = Ledger()
        with Load(house.to_frontdesk.port, ledger, 1) as load:
            ledger.wait_for_calls(CONTROL_CALLS, WARM_UP_LIMIT_S)
            house.hasura_wire.set(Flow.CUT)  # so that logins and deliveries wait in the inbox
            ledger.wait_for_calls(CONTROL_CALLS, WARM_UP_LIMIT_S)
            house.crash_postgres()
            house.postgres.start()
            house.hasura_wire.set(Flow.OPEN)
            load.stop()
            settle(house)

        proof = proof_of(house, ledger)
        assert bool(proof.lost) == (commits == "off"), proof.told()
