"""docs/how-to/manage-users.md: its commands do what the page says, in the page's order, and its calls are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.integration.users.house import CONNECTION, House

from frontdesk.web.app import create_app
from frontdesk.web.users import EXTENSION

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "manage-users.md").read_text()
COMMANDS = [shlex.split(line) for line in re.findall(r"^    frontdesk (users .*)$", PAGE, re.MULTILINE)]
THE_USER = "auth0|64b0f1e2d3c4b5a697887766"


def test_the_commands_of_the_page_work_as_they_stand(house: House) -> None:
    password = house.place / "password.txt"
    password.write_text("Secret-Horse-7!\n")
    done: list[tuple[str, int]] = []

    for _, verb, *arguments in COMMANDS:
        if verb == "sync":  # of a user who is there; the page has deleted this one by then
            continue
        given = [str(password) if each == "password.txt" else each for each in arguments]
        ran = house.users(verb, *given)
        done.append((verb, ran.returncode))
        if verb == "delete":
            assert house.there(THE_USER)["auth0_roles"] == ["Editor"]
            assert house.there(THE_USER)["app_metadata"] == {"plan": "pro", "groups": ["users", "admin"]}

    assert {verb for verb, _ in done} == {
        "create", "list", "show", "update", "block", "unblock", "set-roles", "groups", "delete", "audit", "erase",
    }  # fmt: skip
    assert [each for each in done if each[1] != 0] == []
    assert CONNECTION in PAGE
    assert house.row(THE_USER) is None


def test_every_call_is_on_the_page_and_no_other(house: House) -> None:
    app = create_app(house.settings())
    there = {
        (method, re.sub(r"<\w+:", "<", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/users", "/api/audit"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    app.extensions[EXTENSION].close()

    assert set(re.findall(r"^\| `([A-Z]+) (/\S+)` \|", PAGE, re.MULTILINE)) == there
