"""What a use case of many users opens of Hasura: the writer, the reader, and roles and organizations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from frontdesk.hasura.directory import Directory
from frontdesk.hasura.rows import UserRows
from frontdesk.hasura.tenant_rows import TenantRows
from frontdesk.hasura.writes import UserWriter
from frontdesk.identity.fields import FieldRules
from frontdesk.settings import Settings, secret


@dataclass(frozen=True)
class HasuraSide:
    """The clients of one Hasura. `rules` are those that `writer` and `rows` follow; `others` reads what they do not."""

    writer: UserWriter
    rows: UserRows
    others: TenantRows
    directory: Directory
    rules: FieldRules


@contextmanager
def hasura_side(settings: Settings) -> Iterator[HasuraSide]:
    """Give the clients of the settings' Hasura; their connections are closed at the end."""
    url, admin_secret, rules = (
        settings.hasura.url,
        secret(settings.hasura.admin_secret),
        settings.field_rules(),
    )
    side = HasuraSide(
        writer=UserWriter(url, admin_secret, rules=rules),
        rows=UserRows(url, admin_secret, rules=rules),
        others=TenantRows(url, admin_secret),
        directory=Directory(url, admin_secret),
        rules=rules,
    )
    with ExitStack() as opened:
        for each in (side.writer, side.rows, side.others, side.directory):
            opened.callback(each.close)
        yield side
