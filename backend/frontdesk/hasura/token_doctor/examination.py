"""The token doctor's one decision: from a pasted text and a configuration to a diagnosis. Pure: no clock, no network.

It follows the engine's order of checks, so that its first fault is the engine's; it does not stop there, so that
all faults can be mended at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from frontdesk.hasura.claim_path import NOT_THERE
from frontdesk.hasura.jwt_config import JwtConfig, TokenHeader
from frontdesk.hasura.token_doctor.diagnosis import (
    Diagnosis,
    Finding,
    Refusal,
    Verdict,
    fault,
    ok,
    unseen,
    warning,
)
from frontdesk.hasura.token_doctor.hasura_claims import FoundClaims, find_claims
from frontdesk.hasura.token_doctor.jws import read_jws
from frontdesk.hasura.token_doctor.keys import KeySet
from frontdesk.hasura.token_doctor.kinds import Kind, check_kind, kind_of
from frontdesk.hasura.token_doctor.pasted import Pasted, read_pasted
from frontdesk.hasura.token_doctor.session import check_session, role_of
from frontdesk.hasura.token_doctor.signature import check_signature
from frontdesk.hasura.token_doctor.standard_claims import check_audience, check_issuer, check_times

# What many proxies take as one header, and cookies of browsers: a larger token fails before it reaches Hasura.
LARGE_HEADER_BYTES = 4096
MALFORMED = Refusal("invalid-headers", "Malformed Authorization header")


class Unseen(StrEnum):
    """What of a configuration could not be seen."""

    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SKEW = "skew"
    HEADER = "header"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What is known of a Hasura: its configuration, its keys, and what of both could not be seen.

    `keys` is None when they could not be had; `why_no_keys` is the clause that says why. `origin` says in words where
    the configuration is from; `remarks` are findings about the configuration itself.
    """

    config: JwtConfig
    keys: KeySet | None
    origin: str
    why_no_keys: str = "the engine does not show its keys, so the signature was not checked"
    unseen: frozenset[Unseen] = frozenset()
    remarks: tuple[Finding, ...] = field(default=())


def diagnose(text: str, engine: Engine, *, now: float, role: str | None = None) -> Diagnosis:
    """Return the diagnosis of a pasted text, for a request that asks for `role` (None: the token's default role).

    `now` is a UNIX time. With something pasted around the token the verdict is that of the text as it is; the
    findings of the token inside follow.
    """
    pasted = read_pasted(text, engine.config.header)
    inside = _examine(pasted.token, engine, now=now, role=role)
    if pasted.carried == pasted.token:
        return inside
    refusal = MALFORMED
    if pasted.carried is not None:
        refusal = _examine(pasted.carried, engine, now=now, role=role).refusal or MALFORMED
    return replace(inside, findings=(_around(pasted, refusal, inside), *_without_refusals(inside.findings)))


def token_in(text: str) -> str:
    """Return the token of a pasted text, without what was copied along."""
    return read_pasted(text, TokenHeader()).token


def claims_of(text: str) -> Mapping[str, Any]:
    """Return what a pasted token claims, unverified; nothing when it is no JWT."""
    return read_jws(token_in(text)).claims or {}


def _around(pasted: Pasted, refusal: Refusal, inside: Diagnosis) -> Finding:
    if not pasted.token:
        return fault("form", refusal, "there is no token", "give the access token itself")
    fate = "refused too, for what follows" if inside.verdict is Verdict.REFUSED else "accepted"
    says = f"{pasted.around or 'something'} came along with the token"
    return fault("form", refusal, says, f"send the token alone, which is {fate}")


def _without_refusals(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(replace(found, refusal=None) for found in findings)


def _examine(text: str, engine: Engine, *, now: float, role: str | None) -> Diagnosis:
    token = read_jws(text)
    kind = kind_of(token)
    claims = token.claims
    findings: list[Finding] = []
    if claims is not None:
        findings += check_issuer(claims, engine.config, is_unseen=Unseen.ISSUER in engine.unseen)
    findings += token.findings
    findings += check_signature(token, engine.keys, engine.why_no_keys)
    found = FoundClaims(None, ())
    if claims is not None:
        findings += check_times(claims, engine.config, now, is_unseen=Unseen.SKEW in engine.unseen)
        findings += check_audience(claims, engine.config, kind, is_unseen=Unseen.AUDIENCE in engine.unseen)
        found = find_claims(claims, engine.config, kind)
        findings += found.findings
        if found.values is not None:
            findings += check_session(found, role)
    findings += _about_the_whole(text, kind, check_kind(token, kind), engine)
    session = {name: value for name, value in (found.values or {}).items() if value is not NOT_THERE}
    return Diagnosis(
        kind=kind.value,
        findings=tuple(findings),
        role=role_of(session, role) if found.values is not None else None,
        header=token.header or {},
        claims=claims or {},
        session=session,
    )


def _about_the_whole(text: str, kind: Kind, about_kind: Finding | None, engine: Engine) -> Iterator[Finding]:
    if about_kind is not None:
        yield about_kind
    if Unseen.HEADER in engine.unseen:
        yield unseen("header", "the engine does not show which header it reads; Authorization is assumed")
    size = len(text.encode())
    if size > LARGE_HEADER_BYTES:
        says = f"the token has {size} bytes: more than a cookie holds, and proxies refuse headers of 8 KB and more"
        yield warning("size", says, "put fewer claims on it")
    elif kind not in (Kind.GARBAGE, Kind.OPAQUE):
        yield ok("size", f"{size} bytes")
    yield from engine.remarks
