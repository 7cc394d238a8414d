"""What the token doctor says: findings in the engine's order, the first refusal among them, one sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MAX_SHOWN = 120  # characters of a foreign value inside a sentence


class Verdict(StrEnum):
    """What Hasura does with the token, and whether it should."""

    REFUSED = "refused"
    ACCEPTED = "accepted"
    TOO_LENIENT = "too_lenient"


class Level(StrEnum):
    """What a finding means for the token."""

    OK = "ok"
    FAULT = "fault"
    """Hasura refuses the token for it."""
    LENIENT = "lenient"
    """Hasura takes the token in spite of it, and should not."""
    WARNING = "warning"
    """Hasura takes the token, but it will not do what was probably meant."""
    UNSEEN = "unseen"
    """Could not be looked at."""


@dataclass(frozen=True)
class Refusal:
    """Hasura's own answer: `extensions.code` and the message."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at: `says` is a clause without a full stop, `fix` an imperative one."""

    check: str
    level: Level
    says: str
    fix: str = ""
    refusal: Refusal | None = None


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """All that is to be said of one token. `claims` may be personal data: it is out of the repr, and never logged."""

    kind: str
    findings: tuple[Finding, ...]
    role: str | None = None
    header: Mapping[str, Any] = field(default_factory=dict, repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    session: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The Hasura claims as Hasura would read them, by lower-case name."""

    @property
    def refusal(self) -> Refusal | None:
        """The engine's answer: that of the first fault in its order."""
        return next((found.refusal for found in self.findings if found.refusal is not None), None)

    @property
    def verdict(self) -> Verdict:
        if self.refusal is not None:
            return Verdict.REFUSED
        lenient = any(found.level is Level.LENIENT for found in self.findings)
        return Verdict.TOO_LENIENT if lenient else Verdict.ACCEPTED

    @property
    def sentence(self) -> str:
        """The answer in one sentence, with the fix."""
        first = next((found for found in self.findings if found.refusal is not None), None)
        if first is not None:
            return f"Hasura will refuse this: {_with_fix(first)}."
        lenient = [found for found in self.findings if found.level is Level.LENIENT]
        if lenient:
            more = f" ({len(lenient) - 1} more below)" if len(lenient) > 1 else ""
            return f"Hasura will accept this{self._as_role()}, but should not: {_with_fix(lenient[0])}{more}."
        unseen = [found.check for found in self.findings if found.level is Level.UNSEEN]
        caveat = f", as far as could be seen (not checked: {', '.join(unseen)})" if unseen else ""
        return f"Hasura will accept this{self._as_role()}{caveat}."

    def _as_role(self) -> str:
        return "" if self.role is None else f" as role {shown(self.role)}"


def ok(check: str, says: str) -> Finding:
    """Return a finding that all is as Hasura wants it."""
    return Finding(check=check, level=Level.OK, says=says)


def fault(check: str, refusal: Refusal, says: str, fix: str) -> Finding:
    """Return a finding for which Hasura refuses the token."""
    return Finding(check=check, level=Level.FAULT, says=says, fix=fix, refusal=refusal)


def lenient(check: str, says: str, fix: str) -> Finding:
    """Return a finding that Hasura overlooks."""
    return Finding(check=check, level=Level.LENIENT, says=says, fix=fix)


def warning(check: str, says: str, fix: str = "") -> Finding:
    """Return a finding that does not change what Hasura does with the token."""
    return Finding(check=check, level=Level.WARNING, says=says, fix=fix)


def unseen(check: str, says: str, fix: str = "") -> Finding:
    """Return a finding about what could not be looked at."""
    return Finding(check=check, level=Level.UNSEEN, says=says, fix=fix)


def invalid_jwt(reason: str) -> Refusal:
    """Return Hasura's refusal of a token that it cannot verify."""
    return Refusal("invalid-jwt", f"Could not verify JWT: {reason}")


def shown(value: object) -> str:
    """Return a foreign value as short JSON in ASCII: no control character and no second line gets to a terminal."""
    text = json.dumps(value, default=str)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def listed(values: Sequence[object]) -> str:
    """Return foreign values as a list in words."""
    return ", ".join(shown(value) for value in values) or "none"


def _with_fix(found: Finding) -> str:
    return f"{found.says}; {found.fix}" if found.fix else found.says
