"""Discovery, signing keys and logout."""

from __future__ import annotations

import base64
import hashlib
import stat
from pathlib import Path

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.integration.localauth0.acme import API, TIMEOUT_S, Browser, a_tenant
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.jwts import key_set, verified

from localauth0 import LocalAuth0


def test_the_discovery_document_leads_to_what_is_there(acme: LocalAuth0) -> None:
    document = requests.get(f"{acme.url}/.well-known/openid-configuration", timeout=TIMEOUT_S).json()

    assert document["issuer"] == acme.url + "/"
    assert requests.post(document["token_endpoint"], timeout=TIMEOUT_S).json()["error"] == "invalid_request"
    for name in ("authorization_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"):
        assert requests.get(document[name], timeout=TIMEOUT_S).status_code in (200, 401, 403)


def test_the_key_set_holds_the_current_and_the_next_key_with_their_certificates(acme: LocalAuth0) -> None:
    keys = key_set(acme)["keys"]

    assert len(keys) == 2
    for key in keys:
        certificate = base64.b64decode(key["x5c"][0], validate=True)
        public = x509.load_der_x509_certificate(certificate).public_key()
        thumbprint = base64.urlsafe_b64encode(hashlib.sha1(certificate).digest()).rstrip(b"=").decode()
        assert isinstance(public, rsa.RSAPublicKey)
        assert public.public_numbers().n == int.from_bytes(base64.urlsafe_b64decode(key["n"] + "=="), "big")
        assert (key["x5t"], key["alg"], key["use"], key["e"]) == (thumbprint, "RS256", "sig", "AQAB")
        assert "d" not in key


def test_after_a_rotation_the_next_key_signs_and_earlier_tokens_still_verify(
    start_tenant: StartTenant,
) -> None:
    tenant = start_tenant(a_tenant(), data_dir=None)
    current, following = (key["kid"] for key in key_set(tenant)["keys"])
    with Browser(tenant.url) as browser:
        before = browser.tokens()["access_token"]
        rotated_to = tenant.rotate_signing_keys()
        after = browser.exchange(browser.silent().code).json()["access_token"]

    assert jwt.get_unverified_header(before)["kid"] == current
    assert jwt.get_unverified_header(after)["kid"] == following == rotated_to
    assert verified(tenant, before, audience=API)["sub"] == verified(tenant, after, audience=API)["sub"]
    assert [key["kid"] for key in key_set(tenant)["keys"]][::2] == [following, current]


def test_keys_in_a_data_directory_survive_a_restart_and_are_private(
    start_tenant: StartTenant, tmp_path: Path
) -> None:
    first = start_tenant(a_tenant(), data_dir=tmp_path / "tenant")
    first.rotate_signing_keys()
    keys = key_set(first)
    first.stop()

    second = start_tenant(a_tenant(), data_dir=tmp_path / "tenant")

    assert key_set(second) == keys
    files = list((tmp_path / "tenant").iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600]


def test_logging_out_ends_the_session_and_returns_to_a_listed_url(browser: Browser) -> None:
    browser.log_in()

    answer = log_out(browser, "/v2/logout", client_id="spa", returnTo="http://localhost:3000/bye")

    assert (answer.status_code, answer.headers["Location"]) == (302, "http://localhost:3000/bye")
    assert browser.silent().error[0] == "login_required"


def test_a_logged_out_session_is_dead_on_the_server_too(browser: Browser) -> None:
    browser.log_in()
    cookies = browser.http.cookies.copy()
    log_out(browser, "/v2/logout")

    browser.http.cookies.update(cookies)

    assert browser.silent().error[0] == "login_required"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v2/logout", {"client_id": "spa", "returnTo": "http://evil.example/"}),
        ("/v2/logout", {"client_id": "spa", "returnTo": "http://localhost:3000/tenant-bye"}),
        ("/v2/logout", {"returnTo": "http://localhost:3000/bye"}),
        ("/v2/logout", {"client_id": "nobody", "returnTo": "http://localhost:3000/bye"}),
        ("/oidc/logout", {"client_id": "spa", "post_logout_redirect_uri": "http://evil.example/"}),
        ("/oidc/logout", {"id_token_hint": "nonsense"}),
    ],
    ids=str,
)
def test_an_unlisted_return_url_gets_a_page_and_keeps_the_session(
    browser: Browser, path: str, query: dict[str, str]
) -> None:
    browser.log_in()

    answer = log_out(browser, path, **query)

    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert browser.silent().code


def test_without_a_client_the_tenants_own_list_decides(browser: Browser) -> None:
    answer = log_out(browser, "/v2/logout", returnTo="http://localhost:3000/tenant-bye")

    assert answer.headers["Location"] == "http://localhost:3000/tenant-bye"


def test_an_id_token_names_the_application_that_logs_out(browser: Browser) -> None:
    id_token = browser.tokens()["id_token"]

    answer = log_out(
        browser,
        "/oidc/logout",
        id_token_hint=id_token,
        post_logout_redirect_uri="http://localhost:3000/bye",
        state="s 1",
    )

    assert answer.headers["Location"] == "http://localhost:3000/bye?state=s+1"
    assert browser.silent().error[0] == "login_required"


def log_out(browser: Browser, path: str, **query: str) -> requests.Response:
    return browser.http.get(browser.url + path, params=query, allow_redirects=False, timeout=TIMEOUT_S)
