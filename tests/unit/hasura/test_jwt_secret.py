"""The JWT secret of an Auth0 tenant."""

from __future__ import annotations

import json

import pytest

from frontdesk.errors import UsageError
from frontdesk.hasura.jwt_secret import jwt_secret


@pytest.mark.parametrize("issuer", ["https://acme.eu.auth0.com/", "https://acme.eu.auth0.com"])
def test_the_secret_names_keys_audience_and_issuer(issuer: str) -> None:
    assert json.loads(jwt_secret(issuer=issuer, audience="https://api.example.com")) == {
        "jwk_url": "https://acme.eu.auth0.com/.well-known/jwks.json",
        "audience": "https://api.example.com",
        "issuer": "https://acme.eu.auth0.com/",
    }


def test_another_namespace_is_named() -> None:
    secret = jwt_secret(
        issuer="https://a.example/", audience="api", claims_namespace="https://b.example/claims"
    )

    assert json.loads(secret)["claims_namespace"] == "https://b.example/claims"


def test_the_secret_is_one_line() -> None:
    assert "\n" not in jwt_secret(issuer="https://a.example/", audience="api")


@pytest.mark.parametrize("audience", ["", "  "])
def test_without_an_audience_there_is_no_secret(audience: str) -> None:
    with pytest.raises(UsageError, match="audience"):
        jwt_secret(issuer="https://acme.eu.auth0.com/", audience=audience)


@pytest.mark.parametrize("issuer", ["acme.eu.auth0.com", "", "ftp://a.example/", "https://a.example/?x=1"])
def test_an_issuer_that_is_no_url_is_refused(issuer: str) -> None:
    with pytest.raises(UsageError, match="issuer"):
        jwt_secret(issuer=issuer, audience="api")
