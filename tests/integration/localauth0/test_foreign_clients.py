"""Other people's clients against the tenant: Authlib as the application."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
from authlib.common.security import generate_token  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from tests.integration.localauth0.acme import (
    ANA,
    API,
    CALLBACK,
    PASSWORD,
    TIMEOUT_S,
    Browser,
    callback_of,
)
from tests.integration.localauth0.jwts import verified

from localauth0 import LocalAuth0


@pytest.fixture(autouse=True)
def plain_http_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Authlib refuses plain HTTP unless it is told that this is no production."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.mark.parametrize(
    ("client_id", "secret", "method"),
    [
        ("spa", None, "none"),
        ("web", "web-secret", "client_secret_basic"),
        ("web", "web-secret", "client_secret_post"),
    ],
)
def test_authlib_logs_a_user_in_refreshes_and_reads_userinfo(
    acme: LocalAuth0, client_id: str, secret: str | None, method: str
) -> None:
    verifier = generate_token(48)
    with OAuth2Session(
        client_id,
        secret,
        scope="openid profile offline_access",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method=method,
        token_endpoint=f"{acme.url}/oauth/token",
    ) as client:
        url, state = client.create_authorization_url(
            f"{acme.url}/authorize", code_verifier=verifier, audience=API
        )

        token = client.fetch_token(
            authorization_response=answer_of_login(acme, url), code_verifier=verifier, state=state
        )
        refreshed = client.refresh_token(refresh_token=token["refresh_token"])
        userinfo = client.get(f"{acme.url}/userinfo", timeout=TIMEOUT_S).json()

    assert verified(acme, token["id_token"], audience=client_id)["sub"] == ANA
    assert verified(acme, refreshed["access_token"], audience=API)["sub"] == ANA
    assert userinfo["name"] == "Ana Ruiz"


def test_authlib_gets_a_machine_token(acme: LocalAuth0) -> None:
    with OAuth2Session("robot", "robot-secret", token_endpoint_auth_method="client_secret_post") as client:
        token = client.fetch_token(f"{acme.url}/oauth/token", grant_type="client_credentials", audience=API)

    assert verified(acme, token["access_token"], audience=API)["sub"] == "robot@clients"


def answer_of_login(tenant: LocalAuth0, url: str) -> str:
    """The callback URL with code and state that a browser would bring back."""
    with Browser(tenant.url) as browser:
        redirect = browser.http.get(url, allow_redirects=False, timeout=TIMEOUT_S)
        page = browser.http.get(urljoin(tenant.url, redirect.headers["Location"]), timeout=TIMEOUT_S)
        answer = browser.submit(page, {"username": "ana", "password": PASSWORD})
    assert callback_of(answer).code
    return answer.headers["Location"]
