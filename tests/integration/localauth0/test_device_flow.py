"""The device flow: a device asks, a person confirms in a browser, the device polls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from tests.integration.localauth0.acme import (
    API,
    PASSWORD,
    SCOPE,
    TIMEOUT_S,
    Browser,
    Clock,
    a_tenant,
    error_of,
    tokens_of,
)
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.jwts import verified

from localauth0 import LocalAuth0

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ANA_LOGIN = {"username": "ana@example.com", "password": PASSWORD}


def a_tenant_with_a_device(**changes: Any) -> dict[str, Any]:
    acme = a_tenant(**changes)
    device = {
        "client_id": "tv",
        "name": "Television",
        "app_type": "native",
        "grant_types": [GRANT, "refresh_token"],
    }
    return {**acme, "clients": [*acme["clients"], device]}


class Device:
    """The application on the device."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.code = self.ask().json()

    def ask(self, **changes: str) -> requests.Response:
        body = {"client_id": "tv", "scope": SCOPE, "audience": API, **changes}
        return requests.post(f"{self.url}/oauth/device/code", data=body, timeout=TIMEOUT_S)

    def poll(self, **changes: str) -> requests.Response:
        body = {"grant_type": GRANT, "client_id": "tv", "device_code": self.code["device_code"], **changes}
        return requests.post(f"{self.url}/oauth/token", data=body, timeout=TIMEOUT_S)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tenant(start_tenant: StartTenant, clock: Clock) -> LocalAuth0:
    return start_tenant(a_tenant_with_a_device(), clock=clock)


@pytest.fixture
def device(tenant: LocalAuth0) -> Device:
    return Device(tenant.url)


@pytest.fixture
def person(tenant: LocalAuth0) -> Iterator[Browser]:
    with Browser(tenant.url) as browser:
        yield browser


def enter(person: Browser, user_code: str) -> requests.Response:
    return person.http.post(f"{person.url}/activate", data={"user_code": user_code}, timeout=TIMEOUT_S)


def confirm(person: Browser, device: Device) -> requests.Response:
    """The login page that follows the confirmation, or what comes in its place."""
    answer = person.submit(enter(person, device.code["user_code"]), {"action": "confirm"})
    if answer.status_code != 303:
        return answer
    return person.http.get(person.url + answer.headers["Location"], timeout=TIMEOUT_S)


def test_a_person_confirms_and_the_device_gets_its_tokens(
    tenant: LocalAuth0, device: Device, person: Browser, clock: Clock
) -> None:
    pending = error_of(device.poll())
    end = person.submit(confirm(person, device), ANA_LOGIN)
    clock.advance(timedelta(seconds=5))
    tokens = tokens_of(device.poll())

    assert pending == (403, "authorization_pending", "User has yet to authorize device code.")
    assert "Congratulations" in end.text
    claims = verified(tenant, tokens["access_token"], audience=API)
    assert (claims["sub"], claims["azp"]) == ("auth0|ana", "tv")
    assert "gty" not in claims
    assert {"id_token", "refresh_token"} <= tokens.keys()
    clock.advance(timedelta(seconds=5))
    assert error_of(device.poll())[:2] == (403, "invalid_grant")  # a code is good for one set of tokens


def test_the_code_s_answer_leads_to_its_page(tenant: LocalAuth0, device: Device, person: Browser) -> None:
    code = device.code

    assert (code["expires_in"], code["interval"]) == (900, 5)
    assert code["verification_uri"] == f"{tenant.url}/activate"
    page = person.http.get(code["verification_uri_complete"], timeout=TIMEOUT_S)
    assert code["user_code"] in page.text
    assert "Television" in page.text
    empty = person.http.get(code["verification_uri"], timeout=TIMEOUT_S)
    assert "Code on your device" in empty.text
    configuration = requests.get(f"{tenant.url}/.well-known/openid-configuration", timeout=TIMEOUT_S).json()
    assert configuration["device_authorization_endpoint"] == f"{tenant.url}/oauth/device/code"


def test_a_code_may_be_typed_in_small_letters_without_the_dash(device: Device, person: Browser) -> None:
    page = enter(person, device.code["user_code"].lower().replace("-", " "))

    assert device.code["user_code"] in page.text


def test_a_device_that_asks_too_often_is_told_to_slow_down(device: Device, clock: Clock) -> None:
    device.poll()
    hasty = error_of(device.poll())
    clock.advance(timedelta(seconds=5))

    text = "You are polling faster than the specified interval of 5 seconds."
    assert hasty == (429, "slow_down", text)
    assert error_of(device.poll())[1] == "authorization_pending"


def test_a_code_expires_for_the_device_and_for_the_person(
    device: Device, person: Browser, clock: Clock
) -> None:
    page = enter(person, device.code["user_code"])
    clock.advance(timedelta(seconds=900))

    assert error_of(device.poll())[:2] == (403, "expired_token")
    late = enter(person, device.code["user_code"])
    assert late.status_code == 400
    assert "wrong or has expired" in late.text
    login = person.submit(page, {"action": "confirm"}).headers["Location"]
    end = person.submit(person.http.get(person.url + login, timeout=TIMEOUT_S), ANA_LOGIN)
    assert "no longer waits" in end.text


def test_a_person_who_cancels_denies_the_device(device: Device, person: Browser) -> None:
    answer = person.submit(enter(person, device.code["user_code"]), {"action": "cancel"})

    assert "not connected" in answer.text
    assert error_of(device.poll())[:2] == (403, "access_denied")
    assert enter(person, device.code["user_code"]).status_code == 400


def test_only_the_browser_that_entered_the_code_can_confirm_it(
    tenant: LocalAuth0, device: Device, person: Browser
) -> None:
    page = enter(person, device.code["user_code"])

    with Browser(tenant.url) as stranger:
        answer = stranger.submit(page, {"action": "confirm"})

    assert answer.status_code == 400
    assert error_of(device.poll())[1] == "authorization_pending"


def test_a_living_session_needs_no_second_login(device: Device, person: Browser) -> None:
    person.log_in()

    assert "Congratulations" in confirm(person, device).text
    assert device.poll().status_code == 200


def test_a_blocked_person_denies_the_device(device: Device, person: Browser) -> None:
    end = person.submit(confirm(person, device), {"username": "bad@example.com", "password": PASSWORD})

    assert end.status_code == 403
    assert error_of(device.poll()) == (403, "access_denied", "user is blocked")


def test_post_login_runs_once_when_the_person_logs_in(start_tenant: StartTenant, clock: Clock) -> None:
    code = """exports.onExecutePostLogin = async (event, api) => {
        api.accessToken.setCustomClaim("https://acme.example/by", event.transaction.protocol);
    };"""
    actions = [{"name": "action", "trigger": "post-login", "code": code}]
    tenant = start_tenant(
        a_tenant_with_a_device(actions=actions, bindings={"post-login": ["action"]}), clock=clock
    )
    device = Device(tenant.url)

    with Browser(tenant.url) as person:
        person.submit(confirm(person, device), ANA_LOGIN)
    assert len(tenant.executions) == 1
    claims = verified(tenant, tokens_of(device.poll())["access_token"], audience=API)

    assert claims["https://acme.example/by"] == "oauth2-device-code"
    assert len(tenant.executions) == 1
    assert tenant.executions[0].event["client"]["client_id"] == "tv"


def test_an_action_that_denies_denies_the_device(start_tenant: StartTenant) -> None:
    code = "exports.onExecutePostLogin = async (event, api) => { api.access.deny('not you'); };"
    actions = [{"name": "action", "trigger": "post-login", "code": code}]
    tenant = start_tenant(a_tenant_with_a_device(actions=actions, bindings={"post-login": ["action"]}))
    device = Device(tenant.url)

    with Browser(tenant.url) as person:
        end = person.submit(confirm(person, device), ANA_LOGIN)

    assert "not you" in end.text
    assert error_of(device.poll()) == (403, "access_denied", "not you")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_id": "nobody"}, (401, "access_denied")),
        ({"client_id": "spa"}, (403, "unauthorized_client")),
        ({"audience": "https://nowhere.example"}, (403, "access_denied")),
    ],
    ids=str,
)
def test_a_code_is_for_known_applications_and_apis(
    device: Device, changes: dict[str, str], expected: tuple[int, str]
) -> None:
    assert error_of(device.ask(**changes))[:2] == expected


def test_a_device_code_belongs_to_its_application(device: Device) -> None:
    assert error_of(device.poll(device_code="guessed"))[:2] == (403, "invalid_grant")
