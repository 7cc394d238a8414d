"""Key sets and keys over real connections: bounds of the fetching, the check of a set, keys that are embedded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.integration.hasura.key_server import KeyServer, Page
from tests.unit.hasura.keys import NOW, certificate, jwk, private_key, public_pem, x5c

from frontdesk.errors import JwtConfigInvalid, KeysUnavailable
from frontdesk.hasura.jwt_config import JwtConfig
from frontdesk.hasura.jwt_secret import (
    ANYWHERE,
    Reach,
    SecretOptions,
    check_keys,
    fetch,
    generate_embedded,
    origin_of,
)
from frontdesk.hasura.jwt_secret.fetch import MAX_DOCUMENT_BYTES
from localhasura.auth import parse_jwt_secret

KEYS = {"keys": [jwk("one"), jwk("two", number=2)]}
LASTS = {"Cache-Control": "public, max-age=600"}
STRANGER = Reach(public_only=True)


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """A server with a sound key set at /keys."""
    with KeyServer({"/keys": Page(body=KEYS, headers=LASTS)}) as running:
        yield running


def test_a_key_set_is_fetched_as_it_is(server: KeyServer) -> None:
    fetched = fetch(f"{server.url}/keys?x=secret", ANYWHERE)

    assert (fetched.url, fetched.headers["cache-control"]) == (f"{server.url}/keys", "public, max-age=600")
    assert b'"two"' in fetched.body


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/keys",
        "https://localhost/keys",
        "https://[::1]/keys",
        "https://[::ffff:127.0.0.1]/keys",
        "https://[64:ff9b::7f00:1]/keys",
        "https://[fec0::1]/keys",
        "https://[::127.0.0.1]/keys",
        "https://192.0.0.192/latest/meta-data",
        "https://[2002:7f00:1::]/keys",
        "https://10.0.0.1/keys",
        "https://172.16.0.1/keys",
        "https://192.168.1.1/keys",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/keys",
        "https://0.0.0.0/keys",
        "https://[fd00::1]/keys",
        "https://[fe80::1]/keys",
        "https://224.0.0.1/keys",
        "https://2130706433/keys",
        "https://0x7f000001/keys",
        "https://127.1/keys",
    ],
)
def test_a_stranger_reaches_no_address_that_is_not_public(url: str) -> None:
    with pytest.raises(KeysUnavailable, match="not a public one"):
        fetch(url, STRANGER)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/keys",
        "ftp://example.com/keys",
        "file:///etc/passwd",
        "https://user:pass@example.com/keys",
        "https:///keys",
        "https://example.com:99999/keys",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "",
    ],
)
def test_a_stranger_names_https_urls_alone(url: str) -> None:
    with pytest.raises(KeysUnavailable, match="https URL"):
        fetch(url, Reach(public_only=True, resolve=lambda *_: ("93.184.216.34",)))


def test_a_host_with_one_private_address_among_others_is_no_public_one() -> None:
    reach = Reach(public_only=True, resolve=lambda *_: ("93.184.216.34", "10.0.0.1"))

    with pytest.raises(KeysUnavailable, match="not a public one"):
        fetch("https://keys.example.com/", reach)


def test_a_name_is_looked_up_once_and_connected_to_where_it_was_judged(server: KeyServer) -> None:
    """A name that answers otherwise the second time would lead past the judgement."""
    answers = [("127.0.0.1",), ("10.0.0.1",)]
    url = f"http://keys.example.com:{server.port}/keys"
    reach = Reach(
        public_only=True, origins=frozenset({origin_of(urlsplit(url))}), resolve=lambda *_: answers.pop(0)
    )

    fetch(url, reach)

    assert len(answers) == 1
    assert server.asked == [(f"keys.example.com:{server.port}", "/keys")]


def test_the_tenant_of_the_settings_may_be_anywhere_but_its_neighbours_not(server: KeyServer) -> None:
    reach = Reach(public_only=True, origins=frozenset({origin_of(urlsplit(server.url))}))

    assert fetch(f"{server.url}/keys", reach).body
    server.pages["/keys"] = Page(status=302, headers={"Location": "http://127.0.0.1:1/keys"})
    with pytest.raises(KeysUnavailable, match="https URL"):
        fetch(f"{server.url}/keys", reach)
    server.pages["/keys"] = Page(status=302, headers={"Location": "https://127.0.0.1/keys"})
    with pytest.raises(KeysUnavailable, match="not a public one"):
        fetch(f"{server.url}/keys", reach)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (Page(status=404), "HTTP status 404"),
        (Page(status=500), "HTTP status 500"),
        (Page(body="x" * (MAX_DOCUMENT_BYTES + 1)), "longer than"),
        (Page(status=302, headers={"Location": "/keys"}), "more than 3 redirects"),
        (Page(status=302), "more than 3 redirects"),
        (Page(status=302, headers={"Location": "ftp://example.com/"}), "https URL"),
    ],
)
def test_an_answer_that_is_no_document_is_told_in_words(server: KeyServer, page: Page, words: str) -> None:
    server.pages["/keys"] = page

    with pytest.raises(KeysUnavailable, match=words):
        fetch(f"{server.url}/keys", ANYWHERE)


def test_an_answer_that_never_ends_is_given_up(server: KeyServer) -> None:
    server.pages["/keys"] = Page(body="{", hangs=True)
    began = time.monotonic()

    with pytest.raises(KeysUnavailable, match="no answer"):
        fetch(f"{server.url}/keys", ANYWHERE, budget_s=0.3)
    assert time.monotonic() - began < 5


def test_nobody_who_listens_and_no_such_host_are_told_apart() -> None:
    with pytest.raises(KeysUnavailable, match="no connection"):
        fetch("http://127.0.0.1:1/keys", ANYWHERE)
    with pytest.raises(KeysUnavailable, match="typo"):
        fetch("https://acme.eu.auth0.con/keys", Reach(public_only=False, resolve=lambda *_: ()))


@pytest.fixture
def secure_server(tmp_path: Path) -> Iterator[KeyServer]:
    """The same over TLS, with a certificate for keys.example.com that is signed by itself."""
    pem = tmp_path / "server.pem"
    key = private_key("RS256", 3).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    pem.write_text(key + certificate(start=datetime.now(UTC), number=3, host="keys.example.com"))
    with KeyServer({"/keys": Page(body=KEYS)}, certificate=pem) as running:
        yield running


def trusting(tmp_path: Path) -> Reach:
    """Return the reach of somebody who trusts that certificate, and finds every name on loopback."""
    return Reach(public_only=False, ca_file=str(tmp_path / "server.pem"), resolve=lambda *_: ("127.0.0.1",))


def test_tls_is_spoken_with_the_name_and_not_with_its_address(
    secure_server: KeyServer, tmp_path: Path
) -> None:
    port = secure_server.port

    assert fetch(f"https://keys.example.com:{port}/keys", trusting(tmp_path)).body
    with pytest.raises(KeysUnavailable, match="certificate"):
        fetch(f"https://other.example.com:{port}/keys", trusting(tmp_path))
    assert secure_server.asked == [(f"keys.example.com:{port}", "/keys")]


def test_a_certificate_that_nobody_trusts_ends_the_connection(secure_server: KeyServer) -> None:
    with pytest.raises(KeysUnavailable, match="certificate"):
        fetch(f"{secure_server.url}/keys", ANYWHERE)
    assert secure_server.asked == []


def test_https_is_never_left_for_http(secure_server: KeyServer, tmp_path: Path, server: KeyServer) -> None:
    secure_server.pages["/keys"] = Page(status=302, headers={"Location": f"{server.url}/keys"})

    with pytest.raises(KeysUnavailable, match="not https"):
        fetch(f"https://keys.example.com:{secure_server.port}/keys", trusting(tmp_path))
    assert server.asked == []


def checked(server: KeyServer, **more: Any) -> list[tuple[str, str]]:
    config = JwtConfig.from_json({"jwk_url": f"{server.url}/keys", "audience": "a", "issuer": "i"})
    return [(each.verdict, each.sentence) for each in check_keys(config, ANYWHERE, NOW, **more)]


def test_a_sound_key_set_passes_the_check(server: KeyServer) -> None:
    findings = checked(server, kid="two")

    assert {verdict for verdict, _ in findings} == {"ok"}
    assert "2 signing keys: 'one', 'two'." in [sentence for _, sentence in findings]
    assert "Hasura fetches the keys again after 600 s." in [sentence for _, sentence in findings]


@pytest.mark.parametrize(
    ("page", "verdict", "words"),
    [
        (Page(status=404), "failed", "Hasura would not start"),
        (Page(body="<html>"), "failed", "wrong URL"),
        (Page(body={"keys": {}}), "failed", "no key set"),
        (Page(body={"keys": []}, headers=LASTS), "failed", "no key that verifies"),
        (Page(body={"keys": [jwk("one", use="tls")]}, headers=LASTS), "failed", "no key that verifies"),
        (
            Page(body={"keys": [jwk("one"), {"kty": "RSA", "n": "!"}]}, headers=LASTS),
            "failed",
            "reads no key",
        ),
        (Page(body={"keys": [jwk("one", x5c=x5c(2))]}, headers=LASTS), "failed", "one of another key"),
        (Page(body={"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, headers=LASTS), "failed", "secret key"),
        (Page(body={"keys": [jwk("one", "weak")]}, headers=LASTS), "warning", "1024 bits"),
        (Page(body=KEYS), "warning", "never fetches"),
        (Page(body=KEYS, headers={"Cache-Control": "no-store"}), "warning", "all the time"),
        (Page(body=KEYS, headers={"Expires": "Mon, 02 Mar 2026 10:10:00 GMT"}), "ok", "after 600 s"),
        (Page(body=KEYS, headers={"Expires": "0"}), "warning", "never fetches"),
    ],
)
def test_what_is_wrong_with_a_key_set_is_found(
    server: KeyServer, page: Page, verdict: str, words: str
) -> None:
    server.pages["/keys"] = page

    assert any(found == verdict and words in sentence for found, sentence in checked(server))


def test_a_redirected_key_set_and_a_missing_key_are_found(server: KeyServer) -> None:
    server.pages["/new"] = server.pages["/keys"]
    server.pages["/keys"] = Page(status=301, headers={"Location": "/new"})

    findings = checked(server, kid="three")

    assert (
        "warning",
        f"The key set is redirected to {server.url}/new: name that address in jwk_url.",
    ) in findings
    assert ("failed", "The token was signed with the key 'three', which is not in the set.") in findings


def embedded(server: KeyServer, **said: Any) -> Any:
    options = SecretOptions(
        provider="custom", issuer="i", audiences=("a",), jwk_url=f"{server.url}/keys", **said
    )
    return generate_embedded(options, ANYWHERE, NOW)


@pytest.mark.parametrize(
    ("document", "kid", "kind", "key"),
    [
        (KEYS, None, "RS256", public_pem()),
        (KEYS, "two", "RS256", public_pem(number=2)),
        ({"keys": [jwk("one", x5c=x5c())]}, None, "RS256", certificate()),
        ({"keys": [jwk("enc", use="x"), jwk("one", "ES384")]}, None, "ES384", public_pem("ES384")),
        ({"keys": [jwk("one", "EdDSA")]}, None, "Ed25519", public_pem("EdDSA")),
        (certificate(), None, "RS256", certificate()),
        ({"two": certificate(number=2), "one": certificate()}, "one", "RS256", certificate()),
    ],
    ids=["first", "by id", "certificate of a JWK", "EC", "Ed25519", "PEM", "certificates by id"],
)
def test_a_key_is_embedded_as_hasura_reads_it(
    server: KeyServer, document: Any, kid: str | None, kind: str, key: str
) -> None:
    server.pages["/keys"] = Page(body=document)

    secret = embedded(server, kid=kid)

    assert secret.config.as_json() == {"type": kind, "key": key, "audience": "a", "issuer": "i"}
    assert parse_jwt_secret(secret.config.text()).jwk_url is None
    assert any("rotates" in warning for warning in secret.warnings)


def test_it_is_said_which_key_was_embedded_and_when_it_ends(server: KeyServer) -> None:
    server.pages["/keys"] = Page(body={"keys": [jwk("one", x5c=x5c()), jwk("two", number=2)]})

    assert embedded(server).embedded.sentence() == (
        f"Embedded the RS256 key 'one' of {server.url}/keys, whose certificate ends on 2027-03-02. 1 more are there: "
        "choose another by its kid."
    )


@pytest.mark.parametrize(
    ("document", "kid", "words"),
    [(KEYS, "three", "known: 'one', 'two'"), ({"keys": []}, None, "no key"), ("<html>", None, "wrong URL")],
)
def test_a_key_that_is_not_there_is_not_embedded(
    server: KeyServer, document: Any, kid: str | None, words: str
) -> None:
    server.pages["/keys"] = Page(body=document)

    with pytest.raises(KeysUnavailable, match=words):
        embedded(server, kid=kid)


def test_a_curve_that_hasura_has_no_type_for_is_not_embedded(server: KeyServer) -> None:
    server.pages["/keys"] = Page(body={"keys": [jwk("one", "ES256K")]})

    with pytest.raises(JwtConfigInvalid, match="secp256k1"):
        embedded(server)
