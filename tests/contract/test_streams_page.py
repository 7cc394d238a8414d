"""docs/how-to/streams.md says of the hooks what they are."""

from __future__ import annotations

import re
from pathlib import Path

from frontdesk.auth0.setup_streams import EVENT_TYPES
from frontdesk.cli import MODULES
from frontdesk.web.streams import HOOKS, KEY_PARAMETER

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "streams.md").read_text()


def test_every_hook_is_on_the_page_with_its_largest_body() -> None:
    rows = re.findall(r"^\| .* \| `POST /hooks/<tenant>/([a-z-]+)` \| (\d+) MiB \|", PAGE, re.MULTILINE)

    assert {(way, int(size) * 2**20) for way, size in rows} == {
        (hook.way, hook.limit_bytes) for hook in HOOKS
    }
    assert f"?{KEY_PARAMETER}=<token>" in PAGE


def test_the_events_to_subscribe_by_hand_are_those_that_set_up_subscribes() -> None:
    assert set(re.findall(r"`((?:user|organization)\.[a-z.]+)`", PAGE)) == set(EVENT_TYPES)


def test_the_commands_of_the_page_are_there() -> None:
    named = set(re.findall(r"`frontdesk ([a-z]+)", PAGE)) | set(
        re.findall(r"^frontdesk ([a-z0-9]+)", PAGE, re.M)
    )

    assert named <= set(MODULES), named
    assert len(named) >= 7
