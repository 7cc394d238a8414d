"""All that the tenant writes down, as a stream carries it: each record fits the published schema of its type."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
import requests
from tests.integration.localauth0.acme import (
    ANA,
    API,
    DATABASE,
    GOOGLE_USER,
    PASSWORD,
    RBAC_API,
    SMS_USER,
    TIMEOUT_S,
    Browser,
    wait_until,
)
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.managed import Operator, an_operated_tenant
from tests.integration.localauth0.receiver import Receiver

from localauth0 import LocalAuth0

SCHEMAS = Path(__file__).parents[2] / "data" / "auth0" / "log-types"
_NEW = {"connection": DATABASE, "email": "new@example.com", "username": "neo", "password": PASSWORD}
_ROBOT = {"grant_type": "client_credentials", "client_id": "robot", "client_secret": "robot-secret"}
_WRITTEN = {
    "s", "f", "fp", "fu", "ss", "fs", "slo", "ssa", "fsa", "seacft", "feacft", "sertft", "fertft", "sepft", "fepft",
    "seccft", "feccft", "scpr", "scp", "sce", "scu", "scpn", "sdu", "sui", "sapi",
}  # fmt: skip


def user_path(user_id: str, rest: str = "") -> str:
    return f"/users/{quote(user_id, safe='')}{rest}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture
def tenant(start_tenant: StartTenant, receiver: Receiver) -> LocalAuth0:
    stream = {"name": "to-us", "type": "http", "sink": {"httpEndpoint": receiver.url}}
    return start_tenant(an_operated_tenant(log_streams=[stream], log_delivery={"flush_s": 0.02}))


def log_in_and_out_in_every_way(tenant: LocalAuth0) -> None:
    with Browser(tenant.url) as spa, Browser(tenant.url, client_id="web", client_secret="web-secret") as web:
        tokens = spa.tokens()
        spa.refresh(tokens["refresh_token"])
        spa.refresh("v1.none")
        spa.exchange("none")
        spa.silent()
        web.silent(code_challenge=None, code_challenge_method=None)
        for typed in ("ana", "nobody"):
            spa.submit(spa.login_page(prompt="login"), {"username": typed, "password": "wrong"})
        blocked = {"username": "bad@example.com", "password": PASSWORD}
        spa.submit(spa.login_page(prompt="login"), blocked)
        for password in (PASSWORD, "wrong"):
            web.token(grant_type="password", username="ana@example.com", password=password)
        for audience in (API, RBAC_API):
            spa.token(**_ROBOT, audience=audience)
        spa.http.get(f"{spa.url}/v2/logout", timeout=TIMEOUT_S)
        spa.continue_as(GOOGLE_USER, "google-oauth2")


def sign_up_and_forget_the_password(tenant: LocalAuth0) -> None:
    account = {"client_id": "spa", "connection": DATABASE, "email": "zoe@example.com"}
    for _ in range(2):
        signed_up = {**account, "password": PASSWORD}
        requests.post(f"{tenant.url}/dbconnections/signup", json=signed_up, timeout=TIMEOUT_S)
    requests.post(f"{tenant.url}/dbconnections/change_password", json=account, timeout=TIMEOUT_S)
    requests.post(tenant.mails[0].url, data={"password": "another good one"}, timeout=TIMEOUT_S)


def change_and_delete_users(operator: Operator) -> None:
    user_id = operator.answer("POST", "/users", _NEW)["user_id"]
    for change in (
        {"email": "newer@example.com"},
        {"username": "trinity"},
        {"password": "yet another one"},
        {"blocked": True},
    ):
        operator.answer("PATCH", user_path(user_id), change)
    operator.answer("PATCH", user_path(SMS_USER), {"phone_number": "+34600111333"})
    operator.answer("POST", user_path(ANA, "/roles"), {"roles": ["rol_0000000000000002"]})
    operator.answer("POST", "/organizations/org_0000000000000001/members", {"members": [user_id]})
    operator.answer("DELETE", user_path(user_id))
    imported = {"users": io.BytesIO(json.dumps([{"email": "im@example.com"}]).encode())}
    form = {"connection_id": "con_0000000000000001"}
    assert operator.call("POST", "/jobs/users-imports", data=form, files=imported).ok


def received(receiver: Receiver) -> list[dict[str, Any]]:
    return [record for one in receiver.deliveries for record in one.json()]


def faults(records: list[dict[str, Any]]) -> Iterator[str]:
    for record in records:
        data = record["data"]
        schema = json.loads((SCHEMAS / f"{data['type']}.schema.json").read_text())
        check = jsonschema.Draft202012Validator(schema)
        for fault in check.iter_errors(data):
            yield f"{data['type']}: {fault.json_path}: {fault.message}"
        yield from (
            f"{data['type']}: {name} is not in the schema" for name in data.keys() - schema["properties"]
        )


def test_every_record_fits_the_published_schema_of_its_type(tenant: LocalAuth0, receiver: Receiver) -> None:
    log_in_and_out_in_every_way(tenant)
    sign_up_and_forget_the_password(tenant)
    change_and_delete_users(Operator(tenant))
    written = [record["log_id"] for record in tenant.store.log.records()]

    wait_until(lambda: len(received(receiver)) >= len(written))

    records = received(receiver)
    assert {record["data"]["type"] for record in records} == _WRITTEN
    assert [record["log_id"] for record in records] == written
    assert sorted(set(faults(records))) == []
