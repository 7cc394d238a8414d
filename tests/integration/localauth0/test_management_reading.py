"""What the Management API tells of a tenant: connections, roles, users, settings and signing keys."""

from __future__ import annotations

from urllib.parse import quote

from auth0.management.client import Auth0
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from tests.integration.localauth0.acme import ANA, DATABASE, GOOGLE_USER, SAML_USER
from tests.integration.localauth0.jwts import key_set
from tests.integration.localauth0.managed import Operator

from localauth0 import LocalAuth0


def test_connections_are_listed_and_found(auth0: Auth0, operator: Operator) -> None:
    listed = [connection.name for connection in auth0.connections.list()]
    databases = operator.answer("GET", "/connections", params={"strategy": "auth0", "include_totals": "true"})

    assert listed == [DATABASE, "google-oauth2", "sms", "corp"]
    assert databases["total"] == 1
    assert databases["connections"][0]["id"] == "con_0000000000000001"
    assert auth0.connections.get("con_0000000000000003").strategy == "sms"
    assert operator.refusal("GET", "/connections/con_none")[0] == 404


def test_roles_are_listed_and_filtered_by_a_part_of_the_name(auth0: Auth0) -> None:
    assert [role.name for role in auth0.roles.list()] == ["Editor", "Owner"]
    assert [role.id for role in auth0.roles.list(name_filter="own")] == ["rol_0000000000000002"]


def test_a_user_is_read_by_an_encoded_id(auth0: Auth0, operator: Operator) -> None:
    assert auth0.users.get(SAML_USER).email == "eve@corp.example"
    user = operator.answer("GET", f"/users/{quote(ANA, safe='')}")
    assert user["identities"][0] == {
        "connection": DATABASE,
        "provider": "auth0",
        "user_id": "ana",
        "isSocial": False,
    }
    assert "password" not in user
    assert operator.refusal("GET", "/users/auth0%7Cnobody") == (
        404,
        "The user does not exist.",
        "inexistent_user",
    )


def test_users_are_listed_with_totals(operator: Operator, auth0: Auth0) -> None:
    answer = operator.answer("GET", "/users", params={"include_totals": "true", "per_page": 2, "page": 1})

    assert {key: answer[key] for key in ("start", "limit", "length", "total")} == {
        "start": 2,
        "limit": 2,
        "length": 2,
        "total": 5,
    }
    assert GOOGLE_USER in {user.user_id for user in auth0.users.list(per_page=2)}


def test_users_beyond_the_first_thousand_are_out_of_reach(operator: Operator) -> None:
    status, message, code = operator.refusal("GET", "/users", params={"page": 10, "per_page": 100})

    assert (status, code) == (400, "invalid_paging")
    assert message.startswith("You can only page through the first 1000 records.")
    assert operator.answer("GET", "/users", params={"page": 9, "per_page": 100}) == []


def test_settings_tell_what_has_an_effect(auth0: Auth0, operator: Operator) -> None:
    settings = auth0.tenants.settings.get()

    assert settings.allowed_logout_urls == ["http://localhost:3000/tenant-bye"]
    assert settings.default_directory == DATABASE
    assert settings.session_lifetime == 72
    chosen = operator.answer("GET", "/tenants/settings", params={"fields": "sandbox_version"})
    assert chosen == {"sandbox_version": "22"}


def test_a_rotation_makes_the_next_signing_key_the_current_one(operated: LocalAuth0, auth0: Auth0) -> None:
    before = auth0.keys.signing.list()
    current, following = (next(key for key in before if getattr(key, state)) for state in ("current", "next"))

    rotated = auth0.keys.signing.rotate()

    after = {key.kid: key for key in auth0.keys.signing.list()}
    assert after[following.kid].current
    assert after[current.kid].previous
    assert after[rotated.kid].next
    assert set(after) == {key["kid"] for key in key_set(operated)["keys"]}
    certificate = x509.load_pem_x509_certificate(rotated.cert.encode())
    assert auth0.keys.signing.get(rotated.kid).thumbprint == certificate.fingerprint(SHA1()).hex().upper()
