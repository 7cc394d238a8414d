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
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_ROBOT = {"grant_type": "client_credentials", "client_id": "robot", "client_secret": "robot-secret"}
_WRITTEN = {
    "s", "f", "fp", "fu", "ss", "fs", "slo", "ssa", "fsa", "seacft", "feacft", "sertft", "fertft", "sepft", "fepft",
    "seccft", "feccft", "sede", "fede", "scpr", "scp", "sce", "scu", "scpn", "sdu", "sui", "sapi",
}  # fmt: skip


def user_path(user_id: str, rest: str = "") -> str:
    return f"/users/{quote(user_id, safe='')}{rest}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


def streaming(receiver: Receiver, **changes: Any) -> dict[str, Any]:
    stream = {"name": "to-us", "type": "http", "sink": {"httpEndpoint": receiver.url}}
    tenant = an_operated_tenant(log_streams=[stream], log_delivery={"flush_s": 0.02}, **changes)
    tv = {"client_id": "tv", "name": "TV", "app_type": "native", "grant_types": [_DEVICE_GRANT]}
    return {**tenant, "clients": [*tenant["clients"], tv], "device_flow": {"interval": 0}}


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


def log_in_on_a_device(tenant: LocalAuth0) -> None:
    url = f"{tenant.url}/oauth/device/code"
    asked = requests.post(url, data={"client_id": "tv", "scope": "openid"}, timeout=TIMEOUT_S).json()
    with Browser(tenant.url, client_id="tv") as person:
        poll = {"grant_type": _DEVICE_GRANT, "device_code": asked["device_code"]}
        code = {"user_code": asked["user_code"]}
        confirmation = person.http.post(f"{tenant.url}/activate", data=code, timeout=TIMEOUT_S)
        answer = person.submit(confirmation, {"action": "confirm"})
        page = person.http.get(tenant.url + answer.headers["Location"], timeout=TIMEOUT_S)
        person.submit(page, {"username": "ana@example.com", "password": PASSWORD})
        assert person.token(**poll).ok
        assert not person.token(**poll).ok


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


def test_every_record_fits_the_published_schema_of_its_type(
    start_tenant: StartTenant, receiver: Receiver
) -> None:
    tenant = start_tenant(streaming(receiver))
    log_in_and_out_in_every_way(tenant)
    log_in_on_a_device(tenant)
    sign_up_and_forget_the_password(tenant)
    change_and_delete_users(Operator(tenant))

    assert_all_fit(tenant, receiver, _WRITTEN)


def test_records_of_the_rate_limit_fit_their_schemas(start_tenant: StartTenant, receiver: Receiver) -> None:
    tenant = start_tenant(streaming(receiver, rate_limit={"burst": 5, "per_second": 0.01}))
    operator = Operator(tenant)
    while operator.call("GET", "/roles").status_code != 429:
        pass

    assert_all_fit(tenant, receiver, {"seccft", "api_limit_warning", "api_limit"})


def assert_all_fit(tenant: LocalAuth0, receiver: Receiver, codes: set[str]) -> None:
    """All that is in the log has come, is of these types, and has the members of its type."""
    written = [record["log_id"] for record in tenant.store.log.records()]
    wait_until(lambda: len(received(receiver)) >= len(written))
    records = received(receiver)
    assert {record["data"]["type"] for record in records} == codes
    assert [record["log_id"] for record in records] == written
    assert sorted(set(faults(records))) == []
