"""Reads what stands in `users`, page by page of the key: memory is that of one page, however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from frontdesk.errors import HasuraAnswerTooLarge, HasuraUnavailable
from frontdesk.hasura.graphql import Document, GraphqlClient
from frontdesk.hasura.transport import Deadline
from frontdesk.identity.fields import NO_RULES, FieldRules, Owner
from frontdesk.identity.user import JsonValue

ROLE = "frontdesk"
COUNT_USERS = Document("count_users")
PAGE_BUDGET_S = 30.0  # for one page; a pass over all of them may take as long as it takes
PAGE_SIZE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRow:
    """One row of `users`. `columns` are all others than the key, the clocks and the tombstone, by GraphQL name."""

    user_id: str
    columns: Mapping[str, JsonValue]
    clocks: Mapping[str, Any]
    deleted_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class RowCount:
    """How many rows a tenant has, and how many of them without a tombstone."""

    all: int
    living: int


class UserRows:
    """Reads users as role `frontdesk`, with the columns that `rules` feed. Threads may share it, processes may not."""

    def __init__(self, url: str, admin_secret: str, *, rules: FieldRules = NO_RULES) -> None:
        mapped = [rule.graphql_name for rule in rules.columns if rule.owner is not Owner.APP]
        self.document = Document("stored_users").with_fields("users", mapped)
        self._client = GraphqlClient(url, admin_secret=admin_secret, role=ROLE)

    def pages(
        self, tenant: str, *, size: int = PAGE_SIZE, after: str | None = None
    ) -> Iterator[list[StoredRow]]:
        """Give all rows of a tenant in pages by key, tombstones too, `after` a user id.

        A row that is written meanwhile comes as it is when its page is read, and never twice; pages are smaller where
        rows are large. Raises HasuraUnavailable and HasuraRejected.
        """
        key, limit = after or "", size
        while True:
            try:
                page = self._read(tenant, {"userId": {"_gt": key}}, limit)
            except HasuraAnswerTooLarge:
                if limit == 1:
                    raise
                limit = max(limit // 4, 1)
                continue
            if not page:
                return
            yield page
            key, limit = page[-1].user_id, min(limit * 2, size)

    def one(self, tenant: str, user_id: str) -> StoredRow | None:
        """Return the row of one user; None when there is none. Raises as `pages` does."""
        found = self._read(tenant, {"userId": {"_eq": user_id}}, 1)
        return found[0] if found else None

    def count(self, tenant: str) -> RowCount:
        """Return how many rows the tenant has. Raises as `pages` does."""
        answer = self._client.execute(COUNT_USERS, {}, tenant=tenant, deadline=Deadline.after(PAGE_BUDGET_S))
        try:
            total, living = (int(answer[name]["aggregate"]["count"]) for name in ("all", "living"))
        except (KeyError, TypeError, ValueError):
            raise HasuraUnavailable("Hasura answered a count of an unexpected shape") from None
        return RowCount(all=total, living=living)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _read(self, tenant: str, where: Mapping[str, Any], size: int) -> list[StoredRow]:
        variables = {"where": where, "size": size}
        deadline = Deadline.after(PAGE_BUDGET_S)
        return _rows(self._client.execute(self.document, variables, tenant=tenant, deadline=deadline))


def _rows(answer: Mapping[str, Any]) -> list[StoredRow]:
    try:
        found: Sequence[dict[str, Any]] = answer["users"]
        return [_row(columns) for columns in found]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise HasuraUnavailable("Hasura answered rows of an unexpected shape") from None


def _row(columns: dict[str, Any]) -> StoredRow:
    deleted_at = columns.pop("deletedAt")
    return StoredRow(
        user_id=columns.pop("userId"),
        clocks=columns.pop("clocks"),
        deleted_at=None if deleted_at is None else datetime.fromisoformat(deleted_at),
        columns=columns,
    )
