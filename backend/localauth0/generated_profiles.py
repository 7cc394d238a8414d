"""What a generated user looks like: everything that real tenants have, the odd things more often than they do.

Names in many scripts, ids of every form, missing attributes, metadata of any shape, linked accounts, people who are
blocked and people who never came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

DATABASE = "Username-Password-Authentication"
FIRST_PHONE = 34_600_000_000
# Name and strategy.
CONNECTIONS = (
    (DATABASE, "auth0"),
    ("google-oauth2", "google-oauth2"),
    ("github", "github"),
    ("corp-saml", "samlp"),
    ("contoso", "waad"),
    ("email", "email"),
    ("sms", "sms"),
)
ROLES = ("admin", "editor", "viewer", "support", "billing", "مدير", "Prüfer", "👩‍🚒 crew")
COMPANIES = ("Globex", "Initech", "Ümlaut & Söhne", "株式会社サンプル", "חברה", "Acme 🚀")

_KINDS = (
    *("database",) * 62, *("google-oauth2",) * 14, *("corp-saml",) * 7, *("contoso",) * 5, *("email",) * 4,
    *("sms",) * 4, *("github",) * 2, *("odd",) * 2,
)  # fmt: skip
_SHARING = {20: "database", 21: "google-oauth2"}  # who has one address with whom
# Given name, family name, and how the two are written in an address.
_PEOPLE = (
    ("Ana", "Ruiz", "ana.ruiz"), ("Chuck", "Sanchez", "chuck.sanchez"), ("John", "Smith", "john.smith"),
    ("Mary Ann", "O'Neill", "maryann.oneill"), ("Jürgen", "Groß", "juergen.gross"), ("Zoë", "Núñez", "zoe.nunez"),
    ("محمد", "العربي", "mohamed"), ("שרה", "כהן", "sara.cohen"), ("Ольга", "Иванова", "olga.ivanova"),
    ("美咲", "佐藤", "misaki.sato"), ("伟", "王", "wei.wang"), ("Jose\u0301", "Pen\u0303a", "jose.pena"),
    ("Sam 😀", "Party🎉", "sam"), ("👨‍👩‍👧", "Family", "family"), ("Đặng", "Thị Hương", "huong.dang"),
    ("ไทย", "ใจดี", "thai"), ("D'Arcy", "\"Quoted\" <b>", "darcy"), ("Null", "Undefined", "null"),
    ("Li", "Yu", "li.yu"), ("X" * 120, "Æ A-12", "xash"),
)  # fmt: skip
_ODD_IDS = (
    "ünïcødé-", "عميل-", "legacy|pipe|", "path/to/", "50%25-off%-", "hash#tag-", "😀-", "e\u0301-",
    "q?x=1&y=2-", "UPPER-lower-", "a+b@c.d:", "!@£$%^&*()", "..", "'quoted'\"-", "long-" * 45,
)  # fmt: skip
_DOMAINS = ("example.com", "example.org", "mail.example.net", "xn--bcher-kva.example")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No round moment: Airbyte's slices leave out whoever was changed in the very first millisecond of a year.
FIRST_MS = int(datetime(2015, 1, 5, 8, 30, tzinfo=UTC).timestamp() * 1000)
LAST_MS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
_TWO_YEARS_MS = 2 * 365 * 86_400_000

Document = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """What a user is made from: the number, 128 random bits, the number again as ids carry it, and the time."""

    number: int
    bits: int
    token: int
    created_ms: int

    @cached_property
    def kind(self) -> str:
        return _SHARING.get(self.number % 50) or _KINDS[self.bits % 100]

    def one_in(self, count: int, place: int) -> bool:
        """Whether this user is one of those; each `place` is a throw of its own."""
        return self.below(count, place) == 0

    def below(self, count: int, place: int) -> int:
        return (self.bits >> 8 + 4 * place) % 65_521 % count

    @cached_property
    def names(self) -> tuple[str, str, str]:
        return _PEOPLE[self.below(len(_PEOPLE), 0)]

    @cached_property
    def address(self) -> str:
        """The e-mail address. Two of fifty share one, in two connections."""
        if self.number % 50 in _SHARING:
            return f"shared.{self.number - self.number % 50}@example.com"
        local = self.names[2].title() if self.kind == "google-oauth2" and self.one_in(5, 1) else self.names[2]
        domain = "corp.example" if self.kind in ("corp-saml", "contoso") else self._domain
        return f"{local}{'+tag' if self.one_in(25, 2) else ''}.{self.number}@{domain}"

    @property
    def _domain(self) -> str:
        return _DOMAINS[self.below(len(_DOMAINS), 4)]


def user_id(facts: Facts) -> str:
    provider, own_id = _own_identity(facts)
    return f"{provider}|{own_id}"


def profile(facts: Facts) -> Document:
    """The user in the Management API's shape: what is not set is absent."""
    provider, own_id = _own_identity(facts)
    found: Document = {
        "user_id": f"{provider}|{own_id}",
        "created_at": _moment(facts.created_ms),
        **_contact(facts),
        **_name(facts),
        **_metadata(facts),
        **_logins(facts),
        "identities": [_primary_identity(facts, provider, own_id)],
    }
    if facts.one_in(100, 10):
        found["blocked"] = True
    elif facts.one_in(20, 11):
        found["blocked"] = False
    if facts.kind == "database" and facts.one_in(30, 12):
        _link(facts, found)
    return found


def updated_ms(facts: Facts) -> int:
    """When the user was last changed: within two years, never since, and not in the future."""
    if facts.one_in(5, 18):
        return facts.created_ms
    later = facts.below(65_521, 16) * (_TWO_YEARS_MS // 65_521) + facts.below(60_000, 17)
    return facts.created_ms + later % max(1, LAST_MS - facts.created_ms)


def _own_identity(facts: Facts) -> tuple[str, str | int]:
    kind, token = facts.kind, facts.token
    if kind == "google-oauth2":
        return kind, f"1{facts.bits >> 60 & 0xFFFFF:07d}{token:013d}"
    if kind == "github":
        return kind, token
    if kind == "corp-saml":
        return "samlp", f"corp-saml|{facts.names[2]}.{token:010x}@corp.example"
    if kind == "contoso":
        return "waad", f"{facts.bits >> 50 & 0xFFFFFFFFFFFF:012x}-{token:010x}"
    if kind == "odd":
        return "auth0", f"{_ODD_IDS[facts.below(len(_ODD_IDS), 5)]}{token:010x}"
    provider = "auth0" if kind == "database" else kind
    return provider, f"{facts.created_ms // 1000:08x}{facts.bits >> 40 & 0xFFFFFF:06x}{token:010x}"


def _primary_identity(facts: Facts, provider: str, own_id: str | int) -> Document:
    connection = DATABASE if provider == "auth0" else facts.kind
    is_social = provider in ("google-oauth2", "github")
    return {"connection": connection, "provider": provider, "user_id": own_id, "isSocial": is_social}


def _contact(facts: Facts) -> Document:
    if facts.kind == "sms":
        return {"phone_number": f"+{FIRST_PHONE + facts.number}", "phone_verified": True}
    if facts.kind == "github" and facts.one_in(3, 6):
        return {}  # who keeps the address to themselves
    found: Document = {"email": facts.address}
    if facts.kind in ("database", "odd", "email"):
        found["email"] = facts.address.lower()
        found["email_verified"] = not facts.one_in(4, 7)
    elif not facts.one_in(6, 7):
        found["email_verified"] = True
    if facts.kind == "database" and facts.one_in(10, 8):
        found["username"] = f"user{facts.number}"
    return found


def _name(facts: Facts) -> Document:
    given, family, written = facts.names
    if facts.kind == "sms" or facts.one_in(40, 9):
        return {}
    if facts.kind in ("database", "odd", "email") and facts.one_in(3, 13):
        return {"name": facts.address.lower(), "nickname": facts.address.lower().partition("@")[0]}
    found: Document = {"name": f"{given} {family}", "nickname": written}
    if not facts.one_in(7, 14):
        found.update(given_name=given, family_name=family)
    if not facts.one_in(5, 15):
        found["picture"] = f"https://pictures.example.com/{facts.token:010x}.png"
    return found


def _logins(facts: Facts) -> Document:
    """When the user was last changed and, unless nobody ever came, last seen."""
    updated = _moment(updated_ms(facts))
    if facts.one_in(5, 18):
        return {"updated_at": updated}
    octets = facts.bits >> 70
    found: Document = {
        "updated_at": updated,
        "last_login": updated,
        "last_ip": f"203.0.113.{octets % 254 + 1}" if octets % 9 else f"2001:db8::{octets % 65_535:x}",
        "logins_count": 1 + facts.below(500, 19),
    }
    if facts.kind == "database" and facts.one_in(12, 20):
        found["last_password_reset"] = updated
    return found


def _metadata(facts: Facts) -> Document:
    found = {}
    if (app := _APP_METADATA[facts.below(len(_APP_METADATA), 21)](facts)) is not None:
        found["app_metadata"] = app
    if (own := _USER_METADATA[facts.below(len(_USER_METADATA), 22)](facts)) is not None:
        found["user_metadata"] = own
    return found


_Maker = Callable[[Facts], Document | None]


def _nothing(_: Facts) -> None:
    return None


_APP_METADATA: tuple[_Maker, ...] = (
    _nothing,
    _nothing,
    lambda facts: {"plan": ("free", "pro", "enterprise")[facts.number % 3]},
    lambda facts: {"plan": "pro", "seats": facts.number % 50, "trial": facts.number % 2 == 0},
    lambda facts: {
        "stripe": {"customer": f"cus_{facts.token:x}", "cards": [{"last4": "4242"}, {"last4": "1881"}]}
    },
    lambda facts: {
        "ids": [facts.number, f"x{facts.number}"],
        "ratio": facts.number / 7,
        "in": {"none": None},
    },
    lambda facts: {"big": 2**53 - facts.number % 100, "flags": {"a": True, "b": False}, "empty": {}},
)
_USER_METADATA: tuple[_Maker, ...] = (
    _nothing,
    _nothing,
    lambda facts: {"lang": ("es", "ar", "ja", "pt-BR")[facts.number % 4]},
    lambda facts: {"company": COMPANIES[facts.number % len(COMPANIES)], "newsletter": facts.number % 2 == 0},
    lambda facts: {"addresses": [{"city": "Paris", "zip": "75001"}, {"city": "תל אביב"}]},
    lambda facts: {"ключ": "значение", "emoji 😀": "👍🏽", "line": "one\ntwo\ttab"},
    lambda facts: {"bio": "lorem ipsum " * (300 if facts.number % 100 == 0 else 3)},
)


def _link(facts: Facts, found: Document) -> None:
    """Give the user a second identity; then all of them have their profile beside them."""
    shown = (
        "email",
        "email_verified",
        "username",
        "name",
        "given_name",
        "family_name",
        "nickname",
        "picture",
    )
    found["identities"][0]["profileData"] = {name: found[name] for name in shown if name in found}
    second: Document = {
        "connection": "google-oauth2",
        "provider": "google-oauth2",
        "user_id": f"2{facts.bits >> 60 & 0xFFFFF:07d}{facts.token:013d}",
        "isSocial": True,
        "profileData": {"email": found["email"], "email_verified": True, "name": " ".join(facts.names[:2])},
    }
    found["identities"].append(second)


def _moment(milliseconds: int) -> str:
    return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")[:23] + "Z"
