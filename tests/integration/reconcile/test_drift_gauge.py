"""`/metrics` says what the newest reconcile of each tenant has left, whichever process made it."""

from __future__ import annotations

from pathlib import Path

from tests.builders import OPERATOR_TOKEN
from tests.integration.reconcile.conftest import NewHouse
from tests.integration.reconcile.operating import environment
from tests.integration.reconcile.scripted_tenant import a_user

from frontdesk.settings import load_settings
from frontdesk.web.app import create_app


def test_the_gauge_is_of_the_newest_look_at_the_tenant(
    new_house: NewHouse, store_url: str, tmp_path: Path
) -> None:
    house = new_house([a_user(number) for number in range(3)])
    variables = environment(house, store_url, tmp_path, FRONTDESK_OPERATOR_TOKEN=OPERATOR_TOKEN)
    client = create_app(load_settings(variables, tmp_path)).test_client()

    def gauge(kind: str) -> str | None:
        text = client.get("/metrics", headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"}).text
        start = f'frontdesk_drift_rows{{kind="{kind}",tenant="{house.tenant}"}} '
        return next((line.removeprefix(start) for line in text.splitlines() if line.startswith(start)), None)

    assert gauge("missing") is None
    house.look()
    assert (gauge("missing"), gauge("different")) == ("3.0", "0.0")
    house.repair()
    assert gauge("missing") == "0.0"

    file = tmp_path / "users.ndjson"
    file.write_text('{"user_id": "auth0|9999"}\n')
    house.look(file=file)
    assert gauge("missing") == "0.0"


def test_a_database_that_is_not_there_takes_only_the_gauge_away(
    new_house: NewHouse, store_url: str, tmp_path: Path
) -> None:
    house = new_house([])
    variables = environment(house, store_url + "_gone", tmp_path, FRONTDESK_OPERATOR_TOKEN=OPERATOR_TOKEN)
    client = create_app(load_settings(variables, tmp_path)).test_client()

    answer = client.get("/metrics", headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"})

    assert (answer.status_code, "frontdesk_drift_rows" in answer.text) == (200, False)
