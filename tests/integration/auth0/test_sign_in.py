"""Sign-in for one token, against a real tenant: in the browser, on a device, as an application."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from tests.integration.auth0.scripted_server import Answer, ScriptedServer
from tests.integration.auth0.sign_in_people import AUDIENCE, Person, a_tenant
from tests.integration.localauth0.acme import Clock

from frontdesk.auth0.sign_in import (
    Application,
    DeviceCode,
    SignedIn,
    client_credentials,
    sign_in_with_browser,
    sign_in_with_device,
)
from frontdesk.auth0.sign_in.callback import CallbackServer
from frontdesk.demo.postgres import free_port
from frontdesk.errors import Auth0Rejected, Auth0Unavailable, PortTaken
from localauth0 import LocalAuth0

PORT = free_port()
CALLBACK = f"http://127.0.0.1:{PORT}/callback"


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def tenant(clock: Clock) -> Iterator[LocalAuth0]:
    with LocalAuth0(tenant=a_tenant(CALLBACK), clock=clock) as running:
        yield running


@pytest.fixture
def person(tenant: LocalAuth0) -> Iterator[Person]:
    with Person(tenant.url) as somebody:
        yield somebody


def an_application(tenant: LocalAuth0, **changes: Any) -> Application:
    given = {"issuer": tenant.issuer, "client_id": "login", "audience": AUDIENCE, **changes}
    return Application(**given)


def claims_of(signed_in: SignedIn) -> Any:
    return jwt.decode(signed_in.access_token, options={"verify_signature": False})


def test_a_login_in_the_browser_gives_the_person_s_token(tenant: LocalAuth0, person: Person) -> None:
    pages: list[requests.Response] = []

    signed_in = sign_in_with_browser(
        an_application(tenant), lambda url: pages.append(person.log_in_at(url)), port=PORT, wait_s=20
    )

    claims = claims_of(signed_in)
    assert (claims["sub"], claims["azp"]) == ("auth0|ana", "login")
    assert AUDIENCE in claims["aud"]
    assert "You are logged in" in pages[0].text
    assert pages[0].headers["Cache-Control"] == "no-store"
    assert "code=" not in pages[0].text


def test_a_login_asks_with_pkce_state_and_nonce(tenant: LocalAuth0, person: Person) -> None:
    asked: list[dict[str, list[str]]] = []

    def show(url: str) -> None:
        asked.append(parse_qs(urlsplit(url).query))
        person.log_in_at(url)

    for _ in range(2):
        sign_in_with_browser(an_application(tenant), show, port=PORT, wait_s=20)

    first, second = asked
    assert first["code_challenge_method"] == ["S256"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 32
        assert first[name] != second[name]


def test_answers_with_another_state_are_not_believed(tenant: LocalAuth0, person: Person) -> None:
    forged: list[int] = []

    def show(url: str) -> None:
        for query in ("?code=evil&state=guessed", "?code=evil", "?error=access_denied", "?code=a&code=b"):
            forged.append(requests.get(CALLBACK + query, timeout=10).status_code)
        forged.append(requests.get(CALLBACK.replace("/callback", "/favicon.ico"), timeout=10).status_code)
        person.log_in_at(url)

    signed_in = sign_in_with_browser(an_application(tenant), show, port=PORT, wait_s=20)

    assert forged == [400, 400, 400, 400, 404]
    assert claims_of(signed_in)["sub"] == "auth0|ana"


def test_connections_that_say_nothing_do_not_hold_the_login_up(tenant: LocalAuth0, person: Person) -> None:
    """Browsers open spare connections before they need them."""
    with socket.socket() as silent:

        def show(url: str) -> None:
            silent.connect(("127.0.0.1", PORT))
            person.log_in_at(url)

        signed_in = sign_in_with_browser(an_application(tenant), show, port=PORT, wait_s=20)

    assert claims_of(signed_in)["sub"] == "auth0|ana"


def test_requests_that_are_none_print_nothing_and_do_not_end_the_login(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Any page that is open in the browser can send them."""
    with CallbackServer(0, "our-state") as server:
        parts = urlsplit(server.url)
        for path in (b"//[", b"/callback?state=%ff\xff"):
            with socket.create_connection((parts.hostname, parts.port), timeout=10) as stranger:
                stranger.sendall(b"GET " + path + b" HTTP/1.1\r\n\r\n")
                while stranger.recv(4096):
                    pass
        requests.get(server.url, params={"state": "our-state", "code": "c"}, timeout=10)
        answer = server.wait(10)

    assert answer["code"] == "c"
    assert capfd.readouterr() == ("", "")


def test_a_login_that_nobody_does_ends_by_its_limit(tenant: LocalAuth0) -> None:
    with pytest.raises(Auth0Unavailable, match="nobody came back from the login"):
        sign_in_with_browser(an_application(tenant), lambda _: None, port=PORT, wait_s=0.05)


def test_a_port_that_is_taken_is_told_before_anybody_logs_in(tenant: LocalAuth0) -> None:
    shown: list[str] = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        with pytest.raises(PortTaken, match="or use --device"):
            sign_in_with_browser(an_application(tenant), shown.append, port=other.getsockname()[1])

    assert shown == []


def test_a_refused_login_is_told_with_auth0_s_reason(tenant: LocalAuth0) -> None:
    with pytest.raises(
        Auth0Rejected, match=r"Service not found: https://unknown \(access_denied\)"
    ) as caught:
        sign_in_with_browser(
            an_application(tenant, audience="https://unknown"),
            lambda url: requests.get(url, timeout=10),
            port=PORT,
            wait_s=20,
        )

    assert caught.value.error_code == "access_denied"


def test_an_id_token_of_another_login_is_refused() -> None:
    theirs = jwt.encode({"nonce": "another"}, "k" * 32)
    answer = Answer(body={"access_token": "a", "id_token": theirs})
    with ScriptedServer({"/oauth/token": [answer]}) as server:

        def show(url: str) -> None:
            state = parse_qs(urlsplit(url).query)["state"][0]
            requests.get(f"{CALLBACK}?code=c&state={state}", timeout=10)

        application = Application(issuer=f"{server.url}/", client_id="login", audience=AUDIENCE)
        with pytest.raises(Auth0Rejected, match="not of the login that began here"):
            sign_in_with_browser(application, show, port=PORT, wait_s=20)


def test_a_login_on_another_device_gives_the_person_s_token(
    tenant: LocalAuth0, person: Person, clock: Clock
) -> None:
    shown: list[DeviceCode] = []
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        clock.advance(timedelta(seconds=seconds))
        if len(pauses) == 2:
            person.confirm(shown[0].user_code)

    signed_in = sign_in_with_device(an_application(tenant), shown.append, pause=pause)

    assert claims_of(signed_in)["sub"] == "auth0|ana"
    assert len(pauses) == 2
    assert shown[0].user_code in shown[0].complete_url
    assert shown[0].device_code not in repr(shown[0])


def test_a_device_that_asks_too_often_slows_down(tenant: LocalAuth0, person: Person, clock: Clock) -> None:
    shown: list[DeviceCode] = []
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:  # until now the tenant's clock stood still
            clock.advance(timedelta(seconds=60))
            person.confirm(shown[0].user_code)

    sign_in_with_device(an_application(tenant), shown.append, pause=pause)

    assert pauses == sorted(pauses)
    assert pauses[-1] > pauses[0]


def test_a_declined_device_and_an_expired_code_are_told(
    tenant: LocalAuth0, person: Person, clock: Clock
) -> None:
    shown: list[DeviceCode] = []

    with pytest.raises(Auth0Rejected, match="access_denied"):
        sign_in_with_device(
            an_application(tenant), shown.append, pause=lambda _: person.decline(shown[0].user_code)
        )
    with pytest.raises(Auth0Rejected, match="confirm the code sooner"):
        sign_in_with_device(
            an_application(tenant), shown.append, pause=lambda s: clock.advance(timedelta(seconds=100 * s))
        )


def test_a_lost_answer_does_not_end_the_wait_for_a_device() -> None:
    code = {
        "device_code": "d",
        "user_code": "U",
        "verification_uri": "https://a/",
        "interval": 1,
        "expires_in": 60,
    }
    answers = [Answer(hang_up=True), Answer(status=502), Answer(body={"access_token": "token-9"})]
    with ScriptedServer({"/oauth/device/code": [Answer(body=code)], "/oauth/token": answers}) as server:
        application = Application(issuer=f"{server.url}/", client_id="login", audience=AUDIENCE)

        signed_in = sign_in_with_device(application, lambda _: None, pause=lambda _: None)

    assert signed_in.access_token == "token-9"


def test_an_application_gets_a_token_of_its_own(tenant: LocalAuth0) -> None:
    signed_in = client_credentials(an_application(tenant, client_id="robot", client_secret="robot-secret"))

    assert claims_of(signed_in)["sub"] == "robot@clients"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": "robot", "client_secret": "its-secret"}, "check the client id and its secret"),
        ({"client_id": "nobody", "client_secret": "its-secret"}, "Unauthorized"),
        (
            {"client_id": "robot", "client_secret": "robot-secret", "audience": "https://x"},
            "Service not found",
        ),
        ({"client_id": "login", "client_secret": "its-secret"}, "Unauthorized"),
    ],
)
def test_a_refused_application_is_told_with_auth0_s_reason(
    tenant: LocalAuth0, changes: dict[str, str], words: str
) -> None:
    application = an_application(tenant, **changes)

    with pytest.raises(Auth0Rejected, match=words) as caught:
        client_credentials(application)

    assert str(application.client_secret) not in str(caught.value)
    assert str(application.client_secret) not in repr(application)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(hang_up=True),
        Answer(status=503),
        Answer(body="no JSON"),
        Answer(body={}),
        Answer(body={"access_token": 1}),
        Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    ],
    ids=["hang-up", "503", "text", "empty", "no token", "redirect"],
)
def test_an_unusable_answer_is_told(answer: Answer) -> None:
    with ScriptedServer({"/oauth/token": [answer]}) as server:
        application = Application(
            issuer=f"{server.url}/", client_id="a", audience=AUDIENCE, client_secret="s"
        )

        with pytest.raises(Auth0Unavailable):
            client_credentials(application)


def test_hostile_words_of_an_error_stay_on_one_line() -> None:
    body = {"error": "x\x1b[2J", "error_description": "bad\n\x1b[31mthing"}
    with ScriptedServer({"/oauth/token": [Answer(status=403, body=body)]}) as server:
        application = Application(
            issuer=f"{server.url}/", client_id="a", audience=AUDIENCE, client_secret="s"
        )

        with pytest.raises(Auth0Rejected) as caught:
            client_credentials(application)

    assert caught.value.detail.isprintable()


def test_no_thread_of_a_login_is_left_behind(tenant: LocalAuth0, person: Person) -> None:
    sign_in_with_browser(an_application(tenant), person.log_in_at, port=PORT, wait_s=20)

    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", PORT))
    assert not [each for each in threading.enumerate() if "serve_forever" in each.name]
