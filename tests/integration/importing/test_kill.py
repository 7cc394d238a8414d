"""kill -9 at any moment, then the same command again: the end is the same."""

from __future__ import annotations

import random
import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.importing.conftest import KILLED_USERS, KILLS, NewHouse
from tests.integration.importing.kills import Killer, Moment, what_is_there

from localauth0.generator import generate_tenant

KILLS_OF_ONE_IMPORT = 8  # then it may end, and another tenant begins


@pytest.mark.timeout(1800)  # of as many kills as somebody asks for
def test_a_killed_import_goes_on_and_ends_like_one_that_was_not(
    new_house: NewHouse, rows_url: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    kills = pytestconfig.getoption("--kills", KILLS)
    users = pytestconfig.getoption("--killed-users", KILLED_USERS)
    seed = pytestconfig.getoption("--kill-seed", None) or secrets.randbelow(1_000_000)
    rng = random.Random(seed)
    print(f"seed {seed}, {users} users")
    whole = new_house(generate_tenant(users=users, roles=4, organizations=2, seed=users))
    work_s = Killer(whole, rows_url, tmp_path, rng).whole_run_s()
    expected = what_is_there(whole)
    done = 0

    while done < kills:
        house = replace(whole, tenant=f"{whole.tenant}k{done}")
        killer = Killer(house, rows_url, tmp_path, rng)
        # The two exact moments first, since an import that has ended cannot be killed in them.
        moments = [Moment.IN_BATCH, Moment.AFTER_BATCH, *([Moment.ANY] * KILLS_OF_ONE_IMPORT)]
        for moment in moments[: min(KILLS_OF_ONE_IMPORT, kills - done)]:
            if not killer.kill(moment, work_s / 2):
                break
        print("\n".join(killer.log))
        killer.whole_run_s()
        done += len(killer.log)

        assert what_is_there(house) == expected, f"seed {seed}"
