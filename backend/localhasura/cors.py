"""CORS as Hasura answers it: the origin is repeated when it is allowed, and a preflight ends here."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

EVERYBODY = "*"
_METHODS = "GET,POST,PUT,PATCH,DELETE,OPTIONS"
_MAX_AGE_S = "1728000"
_WILDCARD = "*."

Header = tuple[str, str]


class CorsError(ValueError):
    """HASURA_GRAPHQL_CORS_DOMAIN cannot be read."""


@dataclass(frozen=True)
class CorsPolicy:
    """Which origins are answered; `origins` are `scheme://host[:port]`, where the host may start with `*.`."""

    enabled: bool = True
    origins: tuple[str, ...] = (EVERYBODY,)

    def headers(self, origin: str | None) -> list[Header]:
        """Return what goes on every answer to a request from this origin."""
        if origin is None or not self._allows(origin):
            return []
        return [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Allow-Methods", _METHODS),
        ]

    def preflight(self, origin: str | None, requested_headers: str) -> list[Header] | None:
        """Return the headers that answer an OPTIONS request, or None when it is no preflight to answer."""
        common = self.headers(origin)
        if not common:
            return None
        return [
            *common,
            ("Access-Control-Max-Age", _MAX_AGE_S),
            ("Access-Control-Allow-Headers", requested_headers),
            ("Content-Type", "text/plain charset=UTF-8"),
        ]

    def _allows(self, origin: str) -> bool:
        if not self.enabled:
            return False
        return any(_matches(each, origin) for each in self.origins)


def parse_cors_domain(text: str) -> tuple[str, ...]:
    """Return the origins of HASURA_GRAPHQL_CORS_DOMAIN: `*`, or a list separated by commas; raises CorsError."""
    listed = tuple(each.strip().rstrip("/") for each in text.split(",") if each.strip())
    if not listed:
        raise CorsError("expected '*' or a list of origins")
    for each in listed:
        parts = urlsplit(each)
        if each != EVERYBODY and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path):
            raise CorsError(f"invalid domain: {each!r}; expected '*' or an origin as https://*.example.com")
    return listed


def _matches(allowed: str, origin: str) -> bool:
    if allowed in (EVERYBODY, origin):
        return True
    wanted, given = urlsplit(allowed), urlsplit(origin)
    if not wanted.netloc.startswith(_WILDCARD) or wanted.scheme != given.scheme:
        return False
    # One label for the star, as in a certificate: *.example.com is neither example.com nor a.b.example.com.
    _, dot, rest = given.netloc.partition(".")
    return bool(dot) and rest == wanted.netloc.removeprefix(_WILDCARD)
