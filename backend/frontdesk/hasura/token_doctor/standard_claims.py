"""Issuer, times and audience: what Hasura compares, and what it leaves uncompared when a token does not say it.

Source: Hasura docs, "Authentication using JWT"; Server/Auth/JWT.hs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from frontdesk.hasura.jwt_config import JwtConfig
from frontdesk.hasura.token_doctor.diagnosis import (
    Finding,
    fault,
    invalid_jwt,
    lenient,
    listed,
    ok,
    shown,
    unseen,
    warning,
)
from frontdesk.hasura.token_doctor.kinds import Kind
from frontdesk.hasura.token_doctor.moments import LAST_YEAR_S, duration, when

# Longer than this an access token is hardly meant to be valid, whatever Auth0 allows (30 days).
LONG_LIFE_S = 31 * 86400
_SECRET = "HASURA_GRAPHQL_JWT_SECRET"  # noqa: S105 - the name of a variable


def check_issuer(claims: Mapping[str, Any], config: JwtConfig, *, is_unseen: bool) -> Iterator[Finding]:
    """Give what is to be said of `iss`. Hasura looks at it before anything else, and unverified."""
    given = claims.get("iss")
    if is_unseen:
        yield unseen(
            "issuer", f"the engine does not show which issuer it expects; the token's is {shown(given)}"
        )
    elif config.issuer is None:
        yield warning(
            "issuer", f"Hasura is told no issuer; the token's is {shown(given)}", f"set issuer in {_SECRET}"
        )
    elif given is None:
        yield lenient(
            "issuer",
            "the token names no issuer, and then Hasura compares none",
            "change the issuer to write iss",
        )
    elif given == config.issuer:
        yield ok("issuer", shown(given))
    else:
        yield _other_issuer(given, config.issuer)


def _other_issuer(given: str, expected: str) -> Finding:
    refusal = invalid_jwt("JWTNotInIssuer")
    says = f"the token's issuer is {shown(given)} and Hasura expects {shown(expected)}"
    if given.rstrip("/") == expected.rstrip("/"):
        which = "without" if given.endswith("/") else "with"
        return fault(
            "issuer", refusal, f"{says}, {which} the slash", f"change issuer in {_SECRET} to {shown(given)}"
        )
    fix = f"get the token from {shown(expected)}, or change issuer (and jwk_url) in {_SECRET}"
    return fault("issuer", refusal, says, fix)


def check_times(
    claims: Mapping[str, Any], config: JwtConfig, now: float, *, is_unseen: bool
) -> Iterator[Finding]:
    """Give what is to be said of `exp`, `iat` and `nbf`, in the engine's order."""
    skew = config.allowed_skew_s
    if is_unseen:
        yield unseen("skew", "the engine does not show what skew it allows; times are judged with none")
    yield _expiry(claims.get("exp"), skew, now)
    issued, start = claims.get("iat"), claims.get("nbf")
    if issued is not None and issued > now + skew:
        says = f"the token was issued {when(issued, now)}, which is not yet{_skew_words(skew)}"
        yield fault("iat", invalid_jwt("JWTIssuedAtFuture"), says, _clock_fix(issued - now))
    elif issued is not None:
        yield ok("iat", f"issued {when(issued, now)}")
    if start is not None and now < start - skew:
        says = f"the token is valid only {when(start, now)}{_skew_words(skew)}"
        yield fault("nbf", invalid_jwt("JWTNotYetValid"), says, _clock_fix(start - now))
    elif start is not None:
        yield ok("nbf", f"valid since {when(start, now)}")


def _expiry(expires: float | None, skew: int, now: float) -> Finding:
    if expires is None:
        return lenient("exp", "the token has no exp, so it never expires", "change the issuer to write exp")
    if now >= expires + skew:
        says = f"the token expired {when(expires, now)}{_skew_words(skew)}"
        return fault(
            "exp", invalid_jwt("JWTExpired"), says, "get a new token, for example with `frontdesk token get`"
        )
    if expires > LAST_YEAR_S or expires - now > 100 * LONG_LIFE_S:
        says = f"the token expires {when(expires, now)}; exp is in seconds, and this looks like milliseconds"
        return lenient("exp", says, "change the issuer to write seconds")
    if expires - now > LONG_LIFE_S:
        return warning("exp", f"the token expires {when(expires, now)}, which is long for an access token")
    within = f", within the skew of {skew} s" if now >= expires else ""
    return ok(
        "exp", f"expires {when(expires, now)}" if not within else f"expired {when(expires, now)}{within}"
    )


def _skew_words(skew: int) -> str:
    return f", beyond the allowed skew of {skew} s" if skew else ""


def _clock_fix(ahead_s: float) -> str:
    if ahead_s > 3600:
        return "change the issuer: the time is not in seconds since 1970 UTC, or its clock is wrong"
    return f"set the clocks right, or allowed_skew in {_SECRET} to more than {duration(ahead_s)}"


def check_audience(
    claims: Mapping[str, Any], config: JwtConfig, kind: Kind, *, is_unseen: bool
) -> Iterator[Finding]:
    """Give what is to be said of `aud`."""
    given = claims.get("aud")
    names = given if isinstance(given, list) else [given]
    if is_unseen:
        yield unseen(
            "audience", f"the engine does not show which audience it expects; the token's is {listed(names)}"
        )
    elif not config.audience:
        says = "Hasura is told no audience, so it takes the tokens of every application and API of the issuer"
        yield lenient("audience", says, f"set audience in {_SECRET} to your API's identifier")
    elif given is None:
        yield lenient(
            "audience",
            "the token names no audience, and then Hasura compares none",
            "change the request to ask for your API",
        )
    elif any(each in config.audience for each in names):
        yield ok("audience", listed(names))
    else:
        yield _other_audience(names, config, kind)


def _other_audience(names: list[Any], config: JwtConfig, kind: Kind) -> Finding:
    refusal = invalid_jwt("JWTNotInAudience")
    says = f"the token's audience is {listed(names)} and Hasura expects {listed(config.audience)}"
    if kind is Kind.ID_TOKEN:
        fix = "send the access token, and change the login to ask for that audience"
        return fault("audience", refusal, f"this is an ID token: {says}", fix)
    fix = f"change the login to ask for the audience {shown(config.audience[0])}, or audience in {_SECRET}"
    return fault("audience", refusal, says, fix)
