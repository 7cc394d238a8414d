"""A new admin secret of Hasura, while logins go on."""

from __future__ import annotations

from tests.builders import a_user
from tests.integration.web.fake_hasura import FakeHasura

from frontdesk.web.live_secrets import LiveWriter


def test_the_next_write_shows_hasura_the_new_secret(hasura: FakeHasura) -> None:
    known = ["the-secret-of-yesterday"]
    writer = LiveWriter(hasura.url, lambda: known[-1])

    for _ in range(2):
        writer.write(a_user(), budget_s=5)
    known.append("the-secret-of-today")
    writer.write(a_user(), budget_s=5)

    shown = [
        line.partition(b": ")[2].decode()
        for request in hasura.requests
        for line in request.partition(b"\r\n\r\n")[0].split(b"\r\n")
        if line.lower().startswith(b"x-hasura-admin-secret")
    ]
    assert shown == ["the-secret-of-yesterday"] * 2 + ["the-secret-of-today"]
