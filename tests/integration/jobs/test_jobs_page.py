"""docs/how-to/jobs.md: its commands are understood as they stand, and its calls are those that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.integration.jobs.queue_house import QueueHouse

from frontdesk.web.app import create_app
from frontdesk.web.resources import close_resources
from frontdesk.web.users import EXTENSION

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "jobs.md").read_text()
COMMANDS = [shlex.split(line) for line in re.findall(r"^    frontdesk (.*)$", PAGE, re.MULTILINE)]
PREFIXES = ("/api/jobs", "/api/imports", "/api/reconcile")


def test_the_commands_of_the_page_work_as_they_stand(house: QueueHouse) -> None:
    house.sql("SELECT setval('procrastinate_jobs_id_seq', 4710)")
    job = house.job(delivery_id=house.delivery("failed"))

    codes = {" ".join(command): house.run(*command).returncode for command in COMMANDS}

    assert job == 4711
    assert {command.split()[0] for command in codes} == {"jobs", "replay"}
    assert [command for command, code in codes.items() if code != 0] == []
    assert house.statuses().get(job) is None


def test_every_call_is_on_the_page_and_no_other(house: QueueHouse) -> None:
    app = create_app(house.inner.settings())
    there = {
        (method, re.sub(r"<\w+:", "<", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PREFIXES)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    app.extensions[EXTENSION].close()
    close_resources(app)

    assert set(re.findall(r"^\| `([A-Z]+) (/\S+)` \|", PAGE, re.MULTILINE)) == there
