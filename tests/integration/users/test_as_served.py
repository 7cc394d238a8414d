"""Users' own calls through gunicorn, whose paths are not werkzeug's."""

from __future__ import annotations

import os
from urllib.parse import quote

from tests.acceptance.serving import serving as running
from tests.integration.users.house import ODD, House

from frontdesk.demo.postgres import free_port


def test_an_odd_id_is_one_segment_in_production_too(house: House) -> None:
    house.changes["SERVER_PORT"] = str(free_port())
    house.changes["SERVER_WORKERS"] = "1"
    house.url = f"http://127.0.0.1:{house.changes['SERVER_PORT']}"
    environment = {"PATH": os.environ["PATH"], **house.environment()}

    with running(house.place, environment, house.url):
        shown = house.call("GET", f"/{quote(ODD, safe='')}")
        blocked = house.call("POST", f"/{quote(ODD, safe='')}/block")
        split = house.call("GET", f"/{quote(ODD, safe='/')}")
        again = house.call("GET", f"/{quote(ODD, safe='')}?x=%2F")

    assert (shown.json()["user_id"], again.json()["user_id"]) == (ODD, ODD)
    assert (blocked.json()["user_id"], blocked.json()["synced"]) == (ODD, True)
    assert split.status_code == 404
