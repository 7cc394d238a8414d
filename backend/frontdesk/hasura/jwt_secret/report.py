"""What is said about a generated secret, to people and to programs alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from frontdesk.hasura.jwt_secret.advice import unchecked_by_hasura
from frontdesk.hasura.jwt_secret.check import Finding
from frontdesk.hasura.jwt_secret.formats import SecretFormat, formatted, where_it_goes
from frontdesk.hasura.jwt_secret.from_token import Proposal
from frontdesk.hasura.jwt_secret.options import GeneratedSecret


@dataclass(frozen=True, kw_only=True)
class SecretReport:
    """A secret in a format, the token that it began with, and what the check found; None without a check."""

    secret: GeneratedSecret
    how: SecretFormat
    proposal: Proposal | None = None
    findings: tuple[Finding, ...] | None = None

    @property
    def failed(self) -> bool:
        """Whether the check found that Hasura cannot use this secret."""
        return any(finding.verdict == "failed" for finding in self.findings or ())

    def text(self) -> str:
        """Return the secret as the place that it goes to reads it."""
        return formatted(self.secret.config, self.how)

    def lines(self) -> Iterator[str]:
        """Give the sentences for the person who asked, without the secret, and as a terminal may show them."""
        for sentence in self._sentences():
            yield "".join(c if c.isprintable() else "�" for c in sentence)

    def _sentences(self) -> Iterator[str]:
        yield from (f"Warning: {each}" for each in self.secret.warnings)
        yield from self._notes()
        yield from unchecked_by_hasura(self.secret.config)
        yield from (f"{each.verdict}: {each.sentence}" for each in self.findings or ())

    def as_json(self) -> dict[str, Any]:
        """Return everything with stable keys."""
        return {
            "jwt_secret": self.secret.config.as_json(),
            "text": self.text(),
            "warnings": list(self.secret.warnings),
            "notes": list(self._notes()),
            "not_checked": list(unchecked_by_hasura(self.secret.config)),
            "check": None if self.findings is None else [asdict(each) for each in self.findings],
        }

    def _notes(self) -> Iterator[str]:
        if self.proposal is not None:
            yield from self.proposal.notes
        if self.secret.embedded is not None:
            yield self.secret.embedded.sentence()
        yield from self.secret.notes
        place = where_it_goes(self.how)
        if place is not None:
            yield place
